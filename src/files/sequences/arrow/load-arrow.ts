// The only file that imports apache-arrow: an optional peer, loaded when an Arrow file is first asked for.
import type * as arrow from 'apache-arrow';
import type * as file from 'apache-arrow/ipc/metadata/file';
import type * as message from 'apache-arrow/ipc/metadata/message';
import { HeadpoolError } from '../../../core/errors.js';

/** The parts of the package that describe messages; what it says of whole tables is not used. */
export interface ArrowPackage {
  readonly arrow: typeof arrow;
  readonly file: typeof file;
  readonly message: typeof message;
}

/** @throws INVALID_OPTION saying what to install, if the package can't be loaded */
export async function loadArrow(importPackage = importArrow): Promise<ArrowPackage> {
  try {
    return await importPackage();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HeadpoolError(
      'INVALID_OPTION',
      `Arrow files need the package apache-arrow, which could not be loaded; npm install apache-arrow (${reason})`,
      { cause },
    );
  }
}

async function importArrow(): Promise<ArrowPackage> {
  const [arrow, file, message] = await Promise.all([
    import('apache-arrow'),
    import('apache-arrow/ipc/metadata/file'),
    import('apache-arrow/ipc/metadata/message'),
  ]);
  return { arrow, file, message };
}
