// Runs that faults are tried on, and their inputs: what is read, what should be written, how it is cut into chunks.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { shareFloats } from '../../src/attention/share-operands.js';
import { weightsToTorch } from '../../src/checkpoints/torch.js';
import { createXavierWeights } from '../../src/attention/xavier.js';
import { createSequenceWriter } from '../../src/files/sequences/sequence-writer.js';
import { writeStateDict } from '../../src/files/state-dict.js';
import { createRandom } from '../../src/core/tensor/random.js';

export const modelDim = 16;

/** A run, all but where its inputs lie and how it is cut. */
export interface RunCase {
  readonly name: string;
  readonly inputs: readonly string[];
  /** Relative to the folder that the run is started in. */
  readonly output: string;
  readonly flags: readonly string[];
  /** Everything under a final name. */
  readonly files: readonly string[];
  readonly manifest: string;
}

/** Some 60 sequences, some of them empty, 1,500 tokens. */
export const packed: RunCase = {
  name: 'one .safetensors output',
  inputs: ['x.safetensors'],
  output: 'y.safetensors',
  flags: [],
  files: ['y.safetensors'],
  manifest: 'y.safetensors.manifest',
};

export const lines: RunCase = {
  name: 'one .jsonl output',
  inputs: ['x.safetensors'],
  output: 'y.jsonl',
  flags: [],
  files: ['y.jsonl'],
  manifest: 'y.jsonl.manifest',
};

export const folder: RunCase = {
  name: 'a folder of .npy outputs with statistics',
  inputs: ['a.npy', 'b.npy', 'c.npy'],
  output: 'out/',
  flags: ['--statistics'],
  files: ['a', 'b', 'c'].flatMap((name) => [`out/${name}.npy`, `out/${name}.statistics.jsonl`]),
  manifest: 'out/headpool.manifest',
};

/** 16 sequences of some 275 tokens: with a sequence a chunk, a run that can be watched. */
export const slow: RunCase = { ...packed, name: 'a slow run', inputs: ['slow.safetensors'] };

/** One sequence of 3,000 tokens: seconds in one chunk. */
export const long: RunCase = { ...packed, name: 'a long chunk', inputs: ['long.safetensors'] };

export const allCases = [packed, folder, lines] as const;

/** About 18 chunks of the quick cases, 16 of the slow one. */
export const manyChunks = ['--batch-tokens', '100'];
/** Two chunks of the packed case. */
export const fewChunks = ['--batch-tokens', '1000'];

let made: string | undefined;

/** What makes each input: sequences, tokens of the shortest and of the longest. */
const recipes: Readonly<Record<string, readonly [number, number, number]>> = {
  'x.safetensors': [60, 0, 60],
  'slow.safetensors': [16, 250, 300],
  'long.safetensors': [1, 6000, 6000],
  'a.npy': [1, 35, 35],
  'b.npy': [7, 35, 35],
  'c.npy': [13, 35, 35],
};

/** Has weights, and the inputs of these cases, made before the tests of a file. */
export function useInputs(...cases: readonly RunCase[]): void {
  test.serial.before('makes inputs and weights', async () => {
    made = await mkdtemp(join(tmpdir(), 'headpool-test-'));
    const weights = weightsToTorch(createXavierWeights({ modelDim, heads: 4, seed: 1 }));
    const tensors = [...weights].map(([name, tensor]) => [name, shareFloats(name, tensor)] as const);
    await writeStateDict(shared('w.safetensors'), new Map(tensors));
    for (const name of new Set(cases.flatMap(({ inputs }) => inputs))) {
      await makeSequences(shared(name), recipes[name]!);
    }
  });
  test.after.always('removes inputs and weights', async () => {
    if (made !== undefined) await rm(made, { recursive: true, force: true });
  });
}

/** As the commands do that make demos, without a process for each. */
async function makeSequences(
  path: string,
  [count, least, most]: readonly [number, number, number],
): Promise<void> {
  const random = createRandom(count);
  const writer = await createSequenceWriter(path, { modelDim });
  for (let n = 0; n < count; n++) {
    const length = least + Math.floor(random.uniform() * (most - least + 1));
    const rows = Float32Array.from({ length: length * modelDim }, () => random.normal());
    await writer.append({ lengths: [length] }, rows);
  }
  await writer.commit();
}

/** An input, or `w.safetensors`, as the tests of the file share it. */
export function shared(name: string): string {
  return join(made!, name);
}

/** The whole command line of a case after `headpool`. One thread and no compiling: it starts soonest. */
export function argsOf({ inputs, output, flags }: RunCase, ...more: string[]): string[] {
  const given = ['-i', ...inputs.map((name) => (name.includes('/') ? name : shared(name))), '-o', output];
  const layer = ['--weights', shared('w.safetensors'), '--heads', '4', '--kernel', 'reference'];
  return ['run', ...given, ...layer, '--threads', '1', ...flags, ...more];
}
