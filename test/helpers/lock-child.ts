// Runs in a process of its own: takes the lock that each line of standard input names, answers with a line, 'held' or
// the code of the error, and holds until it ends. The first argument makes a system call fail or end the process.
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { createInterface } from 'node:readline';
import type { HeadpoolError } from '../../src/core/errors.js';

const fileSystem = createRequire(import.meta.url)('node:fs/promises') as Record<string, () => Promise<void>>;
if (process.argv[2] === 'killed-at-rename') {
  fileSystem['rename'] = () => {
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => undefined);
  };
}
if (process.argv[2] === 'without-links') {
  fileSystem['link'] = () => Promise.reject(Object.assign(new Error('EPERM'), { code: 'EPERM' }));
}
syncBuiltinESMExports();
const { acquireLock } = await import('../../src/files/lock-file.js');

for await (const path of createInterface({ input: process.stdin })) {
  const answer = await acquireLock(path).then(
    () => 'held',
    (error: unknown) => (error as HeadpoolError).code,
  );
  process.stdout.write(`${answer}\n`);
}
