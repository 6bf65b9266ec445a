// Loads Node-API addons, which lie beside a module of ours, one for each platform. One that can't be loaded is a reason,
// never an error.
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** Why there is no addon, or why it can't be loaded. */
export interface AddonProblem {
  readonly reason: string;
}

/**
 * The addon of this platform, or why there is none.
 * @param moduleUrl the module that it lies beside
 */
export function loadAddon(moduleUrl: string): object | AddonProblem {
  const path = addonPath(moduleUrl);
  if (!existsSync(path)) return { reason: `there is no addon for ${process.platform}-${process.arch}` };
  try {
    if (isCutOff(path)) return { reason: `${path} is damaged: its end is missing` };
    return createRequire(moduleUrl)(path) as object;
  } catch (error) {
    return { reason: reasonOf(error as NodeJS.ErrnoException) };
  }
}

/** Where the addon of this platform is, if it is there. */
export function addonPath(moduleUrl: string): string {
  return fileURLToPath(new URL(`${process.platform}-${process.arch}.node`, moduleUrl));
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  return code === 'ERR_DLOPEN_DISABLED'
    ? 'Node.js was told to load no addons (by --no-addons, or by --permission without --allow-addons)'
    : message.split('\n', 1)[0]!;
}

const elf = { magic: 0x7f454c46, headerBytes: 64, tableOffset: 40, entryBytes: 58, entries: 60 } as const;

/**
 * Whether a library of Linux lacks its end, where the table of its sections stands: mapped into memory, what is missing
 * would end the process. Other systems look by themselves.
 */
function isCutOff(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const header = Buffer.alloc(elf.headerBytes);
    readSync(file, header);
    if (header.readUInt32BE() !== elf.magic) return false;
    const tableBytes = header.readUInt16LE(elf.entryBytes) * header.readUInt16LE(elf.entries);
    return Number(header.readBigUInt64LE(elf.tableOffset)) + tableBytes > fstatSync(file).size;
  } finally {
    closeSync(file);
  }
}
