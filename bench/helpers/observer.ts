// Loaded before the command, in a process of a benchmark: on file descriptor 3 it tells, a line each, that a run handed
// its first chunk to the layer, and at the end the most memory that was resident.
import { readFileSync, writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const tellDescriptor = 3;

// Workers load it too.
if (isMainThread) {
  const mark = performance.mark.bind(performance);
  performance.mark = (name, options) => {
    if (name === 'headpool: first chunk') writeSync(tellDescriptor, 'first chunk\n');
    return mark(name, options);
  };
  process.on('exit', () => {
    writeSync(tellDescriptor, `${peakBytes()}\n`);
  });
}

/** Shared memory counts too. */
function peakBytes(): number {
  // Linux hands the peak of the process that starts another on to it in `maxRSS`, but not in VmHWM.
  if (process.platform === 'linux') {
    const [, kibibytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    if (kibibytes !== undefined) return Number(kibibytes) * 1024;
  }
  return process.resourceUsage().maxRSS * 1024;
}
