// Waits for the moment when a call is under way.
import type { Tensor } from '../../src/core/tensor/tensor.js';

/** Resolves once a worker has written something of a call's output, and so is at work. */
export async function untilWritten({ data }: Tensor): Promise<void> {
  while (data.every((value) => value === 0)) await new Promise((resolve) => setTimeout(resolve, 5));
}
