// Turns the metadata of messages and footers into the package's objects, behind our own checks; whatever the package
// throws becomes INVALID_FILE.
import type { Schema } from 'apache-arrow';
import type { FileBlock } from 'apache-arrow/ipc/metadata/file';
import type { DictionaryBatch, RecordBatch } from 'apache-arrow/ipc/metadata/message';
import { HeadpoolError, invalidFile } from '../../../core/errors.js';
import { checkFooter, checkMessage, headerTypes } from './check-metadata.js';
import type { ArrowPackage } from './load-arrow.js';

/** Where metadata came from, for messages. */
export interface Place {
  readonly path: string;
  /** Such as `message 3`. */
  readonly label: string;
}

export type Header =
  | { readonly kind: 'schema'; readonly schema: Schema }
  | { readonly kind: 'dictionary'; readonly dictionary: DictionaryBatch }
  | { readonly kind: 'records'; readonly records: RecordBatch };

export interface DecodedMessage {
  readonly header: Header;
  /** Arrow's MetadataVersion: 3 is V4, 4 is V5. */
  readonly version: number;
  readonly bodyLength: number;
}

export interface DecodedFooter {
  readonly schema: Schema;
  readonly version: number;
  readonly dictionaries: readonly FileBlock[];
  readonly records: readonly FileBlock[];
}

const oldestVersion = 3;

/** @throws INVALID_FILE, also for a compressed body, which might swell to any size */
export function decodeMessage(pkg: ArrowPackage, bytes: Uint8Array, place: Place): DecodedMessage {
  const { path, label } = place;
  const { version, headerType, bodyLength, isCompressed } = guard(place, () => checkMessage(bytes));
  if (version < oldestVersion) throw invalidFile(path, 'version V4 or later', `${label}.version`, version);
  if (isCompressed) {
    throw invalidFile(path, 'no compression (write the file uncompressed)', `${label}.compression`, true);
  }
  if (bodyLength < 0n || bodyLength > Number.MAX_SAFE_INTEGER) {
    throw invalidFile(path, 'a length from 0 to 2^53', `${label}.bodyLength`, bodyLength);
  }
  const header = guard(place, () => decodeHeader(pkg, bytes, headerType));
  return { header, version, bodyLength: Number(bodyLength) };
}

/** @throws INVALID_FILE */
export function decodeFooter({ file }: ArrowPackage, bytes: Uint8Array, path: string): DecodedFooter {
  return guard({ path, label: 'footer' }, () => {
    checkFooter(bytes);
    const footer = file.Footer.decode(bytes);
    const dictionaries = [...footer.dictionaryBatches()];
    return {
      schema: footer.schema,
      version: footer.version,
      dictionaries,
      records: [...footer.recordBatches()],
    };
  });
}

function decodeHeader({ arrow }: ArrowPackage, bytes: Uint8Array, headerType: number): Header {
  const header: unknown = arrow.Message.decode(bytes).header();
  if (headerType === headerTypes.schema) return { kind: 'schema', schema: header as Schema };
  if (headerType === headerTypes.records) return { kind: 'records', records: header as RecordBatch };
  return { kind: 'dictionary', dictionary: header as DictionaryBatch };
}

/** Runs `step`, whose errors say what is wrong with the metadata. */
function guard<T>({ path, label }: Place, step: () => T): T {
  try {
    return step();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HeadpoolError(
      'INVALID_FILE',
      `${path}: expected well-formed metadata for \`${label}\`: ${reason}`,
      {
        cause,
      },
    );
  }
}
