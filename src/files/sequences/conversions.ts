// How to get from files of other programs to one that is read: a line of Python each.
import { extname } from 'node:path';

const saveRows = (load: string): string => `; in Python: ${load}; numpy.save('x.npy', x)`;

const torch = `; in Python: safetensors.torch.save_file({'x': torch.load(path)}, 'x.safetensors'), or numpy.save('x.npy', x.numpy())`;

/** By extension: what turns such a file into one of ours. */
const conversions: ReadonlyMap<string, string> = new Map([
  ['.pt', torch],
  ['.pth', torch],
  ['.bin', torch],
  ['.h5', saveRows("x = h5py.File(path)['x'][:]")],
  ['.hdf5', saveRows("x = h5py.File(path)['x'][:]")],
  ['.csv', saveRows("x = numpy.loadtxt(path, delimiter=',', dtype='f4')")],
  ['.tsv', saveRows("x = numpy.loadtxt(path, delimiter='\\t', dtype='f4')")],
  ['.txt', saveRows("x = numpy.loadtxt(path, dtype='f4')")],
  ['.pkl', saveRows("x = pickle.load(open(path, 'rb'))")],
  ['.pickle', saveRows("x = pickle.load(open(path, 'rb'))")],
  ['.mat', saveRows("x = scipy.io.loadmat(path)['x']")],
  ['.json', '; a list of objects becomes lines by: jq -c .[] x.json > x.jsonl'],
]);

/** What to do about a path whose extension isn't known; '' where that isn't known either. */
export function conversionOf(path: string): string {
  return conversions.get(extname(path).toLowerCase()) ?? '';
}

/** What to do about a compressed file of a format that is not read inside .gz and .zst. */
export const decompressing = '; decompress it first: only .jsonl and .npy are read compressed';
