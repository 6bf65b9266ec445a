// Lists the members of a zip archive. Stricter than most programs that read zip, which let the directory and the
// headers in front of the members disagree, members overlap and counts be wrong.
// Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
import {
  fromRandomAccessReaderPromise,
  getFileNameLowLevel,
  RandomAccessReader,
  type Entry,
  type ZipFile,
} from 'yauzl';
import { Breather, runSteps } from '../../core/breather.js';
import { HeadpoolError, invalidFile } from '../../core/errors.js';
import { sort, type Steps } from '../../core/steps.js';
import { givenTwice, quoteName } from '../field-name.js';
import { readFully, type Reading } from '../positional-io.js';
import type { ZipMember } from './member.js';

interface Archive {
  readonly path: string;
  readonly file: Reading;
  readonly size: number;
}

/** An entry of the directory, and what it calls the member. */
interface Listed {
  readonly name: string;
  /** The archive and the member, for messages. */
  readonly label: string;
  readonly entry: Entry;
}

const stored = 0;
const deflated = 8;

/** Deflate codes 258 bytes in two bits at best. */
const largestRatio = 1032;

/** How the records after the entries begin. */
const recordSignatures: readonly number[] = [0x06054b50, 0x06064b50];

/** The members by name, in the order of the directory. @throws INVALID_FILE naming the member and the field */
export async function readDirectory(archive: Archive): Promise<Map<string, ZipMember>> {
  const { path, size } = archive;
  // Names stay bytes because those that would be unsafe as paths are refused otherwise, and sizes are checked below
  // because the errors there don't name the member.
  const options = { autoClose: false, decodeStrings: false, validateEntrySizes: false };
  const reader = new PositionalReader(archive);
  const zip = await parse(path, 'directory', fromRandomAccessReaderPromise(reader, size, options));
  const directoryStart = cursorOf(zip);
  const entries = await listEntries(path, zip);
  await checkDirectoryEnd(archive, cursorOf(zip));
  const members = new Map<string, ZipMember>();
  const breather = new Breather();
  for (const listed of entries) {
    members.set(listed.name, await locateMember(zip, listed));
    if (breather.isDue) await breather.rest();
  }
  await runSteps(checkOverlaps([...members.values()], directoryStart));
  return members;
}

async function listEntries(path: string, zip: ZipFile): Promise<Listed[]> {
  const listed: Listed[] = [];
  const names = new Set<string>();
  const entries = zip.eachEntry();
  const breather = new Breather();
  for (;;) {
    if (breather.isDue) await breather.rest();
    const step = await parse(path, `directory[${listed.length}]`, entries.next());
    if (step.done === true) return listed;
    const entry = step.value;
    const { generalPurposeBitFlag, fileNameRaw, extraFields } = entry;
    const name = getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, true);
    if (names.has(name)) throw givenTwice(path, quoteName(name));
    names.add(name);
    const label = `${path}: ${quoteName(name)}`;
    checkEntry(label, entry);
    listed.push({ name, label, entry });
  }
}

/** That the member can be read, and can be as long as it says: memory will be had for that. */
function checkEntry(label: string, entry: Entry): void {
  const { compressionMethod: method, compressedSize, uncompressedSize } = entry;
  if (entry.isEncrypted()) throw invalidFile(label, 'no encryption', 'flags', entry.generalPurposeBitFlag);
  if (method !== stored && method !== deflated) {
    throw invalidFile(label, 'method 0 (stored) or 8 (deflated)', 'method', method);
  }
  if (method === stored && uncompressedSize !== compressedSize) {
    throw invalidFile(label, `the ${compressedSize} bytes that are stored`, 'size', uncompressedSize);
  }
  if (!Number.isSafeInteger(uncompressedSize) || uncompressedSize > compressedSize * largestRatio) {
    const what = `no more than ${compressedSize} deflated bytes can hold`;
    throw invalidFile(label, what, 'size', uncompressedSize);
  }
}

/** Finds the bytes of a member after its own header, which must not contradict the directory. */
async function locateMember(zip: ZipFile, { name, label, entry }: Listed): Promise<ZipMember> {
  const header = await parse(label, 'header', zip.readLocalFileHeaderPromise(entry));
  if (!header.fileName.equals(entry.fileNameRaw)) {
    throw invalidFile(label, 'the name that the directory has', 'header.name', header.fileName.toString());
  }
  const { compressionMethod: method } = entry;
  if (header.compressionMethod !== method) {
    const what = `method ${method} as in the directory`;
    throw invalidFile(label, what, 'header.method', header.compressionMethod);
  }
  return {
    name,
    label,
    isDeflated: method === deflated,
    headerOffset: entry.relativeOffsetOfLocalHeader,
    dataOffset: header.fileDataStart,
    storedLength: entry.compressedSize,
    byteLength: entry.uncompressedSize,
    crc32: entry.crc32,
  };
}

/** A count that is too low would hide members. */
async function checkDirectoryEnd({ path, file, size }: Archive, position: number): Promise<void> {
  const bytes = Buffer.alloc(4);
  if (position + bytes.length <= size) await readFully(file, bytes, { path, position });
  if (recordSignatures.includes(bytes.readUInt32LE())) return;
  throw invalidFile(path, 'as many entries as it counts', 'directory', bytes.toString('latin1'));
}

function* checkOverlaps(members: readonly ZipMember[], directoryStart: number): Steps<void> {
  const inOrder = yield* sort(members, (a, b) => a.headerOffset - b.headerOffset);
  for (const [index, { label, dataOffset, storedLength }] of inOrder.entries()) {
    const end = dataOffset + storedLength;
    const most = inOrder[index + 1]?.headerOffset ?? directoryStart;
    if (end > most)
      throw invalidFile(label, `an end by byte ${most}, where something else begins,`, 'data', end);
  }
}

/** Where the next entry of the directory begins; the types of yauzl take it for a boolean. */
function cursorOf(zip: ZipFile): number {
  return Number(zip.readEntryCursor);
}

/** The result of a step of yauzl, whose errors are plain ones with a sentence about the format. */
async function parse<T>(label: string, field: string, step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (cause) {
    if (cause instanceof HeadpoolError || !(cause instanceof Error)) throw cause;
    const message = `${label}: expected a zip archive for \`${field}\`, got an error: ${cause.message}`;
    throw new HeadpoolError('INVALID_FILE', message, { cause });
  }
}

/** Reads for yauzl, which would let positions that no file can have throw where nobody catches. */
class PositionalReader extends RandomAccessReader {
  readonly #archive: Archive;

  constructor(archive: Archive) {
    super();
    this.#archive = archive;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    this.#fill(buffer.subarray(offset, offset + length), position).then(() => {
      callback(null);
    }, callback);
  }

  async #fill(bytes: Uint8Array, position: number): Promise<void> {
    const { path, file, size } = this.#archive;
    const end = position + bytes.length;
    if (end > size) throw new Error(`it would end at byte ${end} of ${size}`);
    await readFully(file, bytes, { path, position });
  }
}
