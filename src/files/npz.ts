// Opens .npz, NumPy's zip archives of .npy files: the members are the tensors, under their names without .npy.
import { Breather } from '../core/breather.js';
import { invalidFile } from '../core/errors.js';
import { npyPrefixBytes, parseNpyHeader } from './npy.js';
import type { StoredTensor } from './storage.js';
import { TensorFile } from './tensor-file.js';
import { openZipArchive, type ZipArchive } from './zip/archive.js';
import type { MemberReader } from './zip/member.js';

const extension = '.npy';

/**
 * Opens `path` and reads the header of every member. Tensors that are stored are read from any position; those that
 * are deflated are inflated from their start, once if they are read in ascending order.
 * @param name what messages call the file
 * @throws INVALID_FILE naming the member and the field, FILE_FAILED
 */
export async function openNpzFile(path: string, name = path): Promise<TensorFile> {
  const archive = await openZipArchive(path, name);
  try {
    return await readTensors(archive);
  } catch (error) {
    await archive.close();
    throw error;
  }
}

async function readTensors(archive: ZipArchive): Promise<TensorFile> {
  const { path, members } = archive;
  const tensors = new Map<string, StoredTensor>();
  const readers = new Map<string, MemberReader>();
  const breather = new Breather();
  for (const member of members.values()) {
    if (breather.isDue) await breather.rest();
    if (!member.name.endsWith(extension)) {
      throw invalidFile(path, `${extension} files only`, 'members', member.name);
    }
    const name = member.name.slice(0, -extension.length);
    readers.set(name, archive.open(member));
    const { label, byteLength } = member;
    const start = await archive.readStart(member, npyPrefixBytes);
    const { dataOffset, ...layout } = parseNpyHeader(start, label, byteLength);
    tensors.set(name, { ...layout, byteOffset: dataOffset, byteLength: byteLength - dataOffset });
  }
  return new TensorFile(
    path,
    { use: (name, action) => readers.get(name)!.use(action), close: () => archive.close() },
    { format: 'npz', tensors, metadata: new Map() },
  );
}
