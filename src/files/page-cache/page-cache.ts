// The system's copies of a file in memory, and how to get rid of them: a long output would push out everything else, and
// a virtual machine takes long to give memory that was never in use before (0.2 s for a chunk of 50 MB, against 0.02 s).
import { loadAddon, type AddonProblem } from '../../core/load-addon.js';

interface Addon {
  dropPages(descriptor: number, begin: number, byteLength: number): void;
}

let addon: Addon | AddonProblem | undefined;

/**
 * Frees the memory that holds these bytes of an open file; what has not reached the disk stays, so `sync` first. Does
 * nothing where there is no addon: the system then chooses by itself what to forget.
 */
export function dropPages(descriptor: number, begin: number, byteLength: number): void {
  const loaded = loadPageCache();
  if (!('reason' in loaded)) loaded.dropPages(descriptor, begin, byteLength);
}

/** The addon, or why there is none. */
export function loadPageCache(): Addon | AddonProblem {
  addon ??= loadAddon(import.meta.url) as Addon | AddonProblem;
  return addon;
}

/** Why the system isn't told what to forget, where it would take such advice. */
export function findPageCacheProblem(): string | undefined {
  const loaded = loadPageCache();
  return process.platform === 'linux' && 'reason' in loaded ? loaded.reason : undefined;
}
