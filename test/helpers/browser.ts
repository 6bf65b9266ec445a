// The browser of page tests: the one in CHROMIUM_PATH; or, on x64 Linux, that of @sparticuz/chromium, which needs nothing
// from the system; elsewhere one on the PATH.
import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createBrotliDecompress } from 'node:zlib';
import { chromium, type Browser, type LaunchOptions } from 'playwright-core';
import { writeText } from '../../src/files/write-text.js';
import { findChromium, unpackOnce, type ChromiumPackage } from '../../workers/kernels/gpu/unpack-chromium.js';

const { CHROMIUM_PATH: given, PATH: path = '' } = process.env;
const carried = process.platform === 'linux' && process.arch === 'x64' ? findChromium() : undefined;
const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const installed = path
  .split(delimiter)
  .flatMap((folder) => names.map((name) => join(folder, name)))
  .find(existsSync);

/** Why pages can't be opened here, or undefined. */
export const browserProblem =
  given === undefined && carried === undefined && installed === undefined
    ? 'no Chromium in CHROMIUM_PATH, in @sparticuz/chromium or on the PATH'
    : undefined;

/** The fonts beside it, and no cache outside the folder. */
function fontSettings(folder: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${join(folder, 'fonts')}</dir><cachedir>${join(folder, 'cache')}</cachedir></fontconfig>
`;
}

export async function launchBrowser(): Promise<Browser> {
  const options = given === undefined && carried !== undefined ? await unpack(carried) : {};
  return chromium.launch({
    executablePath: (given ?? installed)!,
    ...options,
    // Chromium has no sandbox for root, as which tests run in containers.
    args: ['--no-sandbox'],
  });
}

async function unpack(carrier: ChromiumPackage): Promise<Pick<LaunchOptions, 'executablePath' | 'env'>> {
  const folder = await unpackOnce(carrier, 'browser', async (aside) => {
    await mkdir(aside);
    await pipeline(
      createReadStream(join(carrier.bin, 'chromium.br')),
      createBrotliDecompress(),
      createWriteStream(join(aside, 'chromium'), { mode: 0o755 }),
    );
    await carrier.unpack('fonts.tar.br', aside);
    await carrier.unpack('al2023.tar.br', aside);
  });
  // Its own names folders of the cloud that it is made for. Another process may read it just now.
  await writeText(join(folder, 'fonts.conf'), fontSettings(folder));
  const executablePath = join(folder, 'chromium');
  const fonts = { FONTCONFIG_PATH: folder };
  const libraries = { LD_LIBRARY_PATH: join(folder, 'lib') };
  const env = { ...process.env, ...fonts, ...((await starts(executablePath)) ? {} : libraries) };
  return { executablePath, env };
}

/** Whether the system has the libraries that it needs. */
async function starts(executablePath: string): Promise<boolean> {
  return promisify(execFile)(executablePath, ['--version']).then(
    () => true,
    () => false,
  );
}
