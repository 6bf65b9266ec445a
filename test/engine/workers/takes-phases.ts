// A worker whose kernel takes whole phases.
import { jobWorker } from '../../helpers/job-kernel.js';

export const { probe, serve } = jobWorker('phases');
