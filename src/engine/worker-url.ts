// Where the module of the worker threads is: beside the library as it was installed, or where the host of a bundle says.
import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expected, HeadpoolError } from '../core/errors.js';
import { version } from './version.js';

/** @throws INVALID_OPTION for what names no file, WORKER_START where there is none or one of another version */
export function resolveWorkerUrl(given: string | URL | undefined): URL {
  const url = given === undefined ? new URL('../../workers/worker.js', import.meta.url) : readUrl(given);
  if (!existsSync(url)) {
    throw new HeadpoolError(
      'WORKER_START',
      `There is no module of worker threads at ${fileURLToPath(url)}. In a bundle, the option \`workerUrl\` has to say ` +
        "where headpool's dist/workers/worker.js is (docs/bundling.md)",
    );
  }
  if (given !== undefined) refuseOtherVersion(url);
  return url;
}

/** A copy that is older than the library would not understand it. */
function refuseOtherVersion(url: URL): void {
  const description = new URL('package.json', url);
  if (!existsSync(description)) return;
  const { name, version: found } = JSON.parse(readFileSync(description, 'utf8')) as Readonly<
    Record<string, string>
  >;
  // Of another name it tells of the host, which has put the workers into a bundle too.
  if (name !== 'headpool-workers' || found === version) return;
  throw new HeadpoolError(
    'WORKER_START',
    `The workers at ${fileURLToPath(url)} are of version ${String(found)}, the library is of ${version}. Copy ` +
      "headpool's dist/workers anew (docs/bundling.md)",
  );
}

function readUrl(given: unknown): URL {
  const url = toUrl(given);
  if (url?.protocol === 'file:') return url;
  throw expected('INVALID_OPTION', 'a URL of a file or its absolute path', 'workerUrl', given);
}

function toUrl(given: unknown): URL | undefined {
  if (given instanceof URL) return given;
  if (typeof given !== 'string') return undefined;
  // Paths first: C:\ looks like a URL.
  if (isAbsolute(given)) return pathToFileURL(given);
  return URL.canParse(given) ? new URL(given) : undefined;
}
