// The command in a process of a benchmark: on file descriptor 3 it tells, a line each, that a layer got its first chunk,
// and at the end the most memory that was resident.
import { readFileSync, writeSync } from 'node:fs';
import { MultiHeadAttention } from '../../src/attention/multi-head.js';

const tellDescriptor = 3;

const { prototype } = MultiHeadAttention;
const forward = Reflect.get(prototype, 'forward');
prototype.forward = function (this: MultiHeadAttention, ...call) {
  prototype.forward = forward;
  writeSync(tellDescriptor, 'first chunk\n');
  return forward.apply(this, call);
};

process.on('exit', () => {
  writeSync(tellDescriptor, `${peakBytes()}\n`);
});

await import('../../src/cli.js');

/** Shared memory counts too. */
function peakBytes(): number {
  // Linux hands the peak of the process that starts another on to it in `maxRSS`, but not in VmHWM.
  if (process.platform === 'linux') {
    const [, kibibytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    if (kibibytes !== undefined) return Number(kibibytes) * 1024;
  }
  return process.resourceUsage().maxRSS * 1024;
}
