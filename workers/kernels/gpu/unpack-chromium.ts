// Unpacks parts of @sparticuz/chromium, a development dependency of a checkout that carries a browser and a software Vulkan
// device, into a cache of the user's own: once, however many processes ask at the same time.
import { randomUUID } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { HeadpoolError } from '../../../src/core/errors.js';

/** What is used of tar-fs, which comes with @sparticuz/chromium and has no types. */
interface TarFs {
  /** @param options.chown whether files get the owner that the archive names */
  readonly extract: (folder: string, options: { readonly chown: boolean }) => Writable;
}

export interface ChromiumPackage {
  readonly version: string;
  /** Of what it carries, all compressed. */
  readonly bin: string;
  /** Unpacks a `.tar.br` of `bin`. */
  readonly unpack: (name: string, folder: string) => Promise<void>;
}

/** The package as it is installed, or undefined. */
export function findChromium(): ChromiumPackage | undefined {
  const entry = resolveChromium();
  if (entry === undefined) return undefined;
  const root = join(dirname(entry), '../..');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const bin = join(root, 'bin');
  const { extract } = createRequire(entry)('tar-fs') as TarFs;
  return {
    version,
    bin,
    unpack: (name, folder) =>
      pipeline(
        createReadStream(join(bin, name)),
        createBrotliDecompress(),
        extract(folder, { chown: false }),
      ),
  };
}

function resolveChromium(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve('@sparticuz/chromium');
  } catch {
    return undefined; // A package that isn't there; anything else can't go wrong here.
  }
}

/**
 * The path of a part in the cache. What isn't there yet is made aside and gets its name when it is complete.
 * @param make writes a file or a folder to the path that it is given
 */
export async function unpackOnce(
  { version }: ChromiumPackage,
  part: string,
  make: (path: string) => Promise<void>,
): Promise<string> {
  const cache = await openCache(version);
  const path = join(cache, part);
  if (existsSync(path)) return path;
  const aside = join(cache, `${part}-${randomUUID()}`);
  try {
    await make(aside);
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    // A folder can't take the name of one that another process has completed meanwhile.
    if (!existsSync(path)) throw error;
  }
  return path;
}

/** A folder that nobody else can write to: what lies in it is loaded as code. */
async function openCache(version: string): Promise<string> {
  const { uid } = userInfo();
  const cache = join(tmpdir(), `headpool-chromium-${version}-${uid}`);
  await mkdir(cache, { recursive: true, mode: 0o700 });
  const found = await lstat(cache);
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o022) !== 0)
    throw new HeadpoolError(
      'DEVICE_UNAVAILABLE',
      `${cache}: expected a folder that only this user can write to; remove it`,
    );
  return cache;
}
