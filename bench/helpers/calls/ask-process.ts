// A process of `calls.ts` for one sample: threads go on spinning after a call, so both sides in one process would steal
// from each other.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** What the script of that name beside this file prints when asked. @throws Error with its stderr if it fails */
export async function askProcess<Answer>(script: string, request: object): Promise<Answer> {
  const path = fileURLToPath(new URL(`${script}.js`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [path, JSON.stringify(request)]);
  return JSON.parse(stdout) as Answer;
}
