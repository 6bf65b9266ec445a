// A worker whose kernel takes whole jobs.
import { jobWorker } from '../../helpers/job-kernel.js';

export const { probe, serve } = jobWorker('jobs');
