// Options that the engine's kernel can't compute, refused by name before anything starts.
import type { AttentionOptions } from '../attention/options.js';
import { HeadpoolError } from '../core/errors.js';
import type { KernelTraits } from '../core/protocol/kernels.js';

/** @throws INVALID_OPTION */
export function refuseUncomputable(
  options: AttentionOptions,
  { refuses, instructionSet, device }: KernelTraits,
): void {
  const whoCan = device === 'gpu' ? ", the kernels of device 'cpu' can" : '';
  for (const name of refuses) {
    const value = options[name as keyof AttentionOptions];
    if (value === undefined || value === false) continue;
    throw new HeadpoolError(
      'INVALID_OPTION',
      `Expected no \`${name}\`: the kernel (${instructionSet}) can't compute it${whoCan}`,
    );
  }
}
