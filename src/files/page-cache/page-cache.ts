// The system's copies of a file in memory, and how to get rid of them: a long output would push out everything else, and
// a virtual machine takes long to give memory that was never in use before (0.2 s for a chunk of 50 MB, against 0.02 s).
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

interface Addon {
  dropPages(descriptor: number, begin: number, byteLength: number): void;
}

let addon: Addon | undefined;

/**
 * Frees the memory that holds these bytes of an open file; what has not reached the disk stays, so `sync` first. Does
 * nothing where tools/build-page-cache.mjs built nothing: the system then chooses by itself what to forget.
 */
export function dropPages(descriptor: number, begin: number, byteLength: number): void {
  addon ??= loadAddon() ?? { dropPages: () => undefined };
  addon.dropPages(descriptor, begin, byteLength);
}

/** Undefined where there is none. */
export function loadAddon(): Addon | undefined {
  const path = fileURLToPath(new URL(`${process.platform}-${process.arch}.node`, import.meta.url));
  return existsSync(path) ? (createRequire(import.meta.url)(path) as Addon) : undefined;
}
