// Tests of the GPU kernels on the software device: where it can't run they count as skipped, and their titles say why.
import { findSoftwareProblem } from '../../workers/kernels/gpu/software-device.js';
import { testSeriallyUnless } from './skips.js';

/** Declares a test that needs the software device. */
export const gpuTest = testSeriallyUnless(findSoftwareProblem());

/** What to add to the environment of a process whose GPU is the software device. */
export const softwareGpu = { HEADPOOL_GPU: 'software' } as const;
