// Starts a child of the fuzzer and waits for it, but not for ever: one that dies, or stays at a case, has found something.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { ChildArgs, Find, Outcome } from './child.js';

const child = fileURLToPath(new URL('child.js', import.meta.url));

/** No case takes a hundredth of that, on a machine that is busy too. */
const stuckMs = 120_000;

/** What came of the cases up to the one that ended the child, if any did. */
export async function runChild(args: Omit<ChildArgs, 'statusPath'>): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'headpool-fuzz-status-'));
  const statusPath = join(folder, 'status');
  const running = spawn(process.execPath, [
    '--max-old-space-size=512',
    child,
    JSON.stringify({ ...args, statusPath }),
  ]);
  const readStatus = async (): Promise<string> => (await readFile(statusPath, 'utf8').catch(() => '')).trim();
  let last = '';
  const end = { isStuck: false };
  const timer = setInterval(() => {
    void readStatus().then((status) => {
      if (status === last) {
        end.isStuck = true;
        running.kill('SIGKILL');
      }
      last = status;
    });
  }, stuckMs);
  try {
    const [output, errors] = await Promise.all([text(running.stdout), text(running.stderr)]);
    if (output !== '') return JSON.parse(output) as Outcome;
    const status = await readStatus();
    const at: Find['at'] = args.kept === undefined ? Number(status || args.first) : status;
    const problem = end.isStuck
      ? `at one case for ${stuckMs / 1000} s`
      : `ended: ${errors.slice(0, 500)}${running.signalCode ?? ''}`;
    return { taken: 0, refused: 0, finds: [{ at, problem }], longestMs: 0, mostGrowth: 0 };
  } finally {
    clearInterval(timer);
    await rm(folder, { recursive: true, force: true });
  }
}
