// What is computed in a round: a run of many shards, each of several chunks, and what one plain run makes of it.
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createXavierWeights, weightsToTorch } from '../../../src/index.js';
import { writeStateDict } from '../../../src/files/state-dict.js';
import { createRandom } from '../../../src/core/tensor/random.js';
import { run } from '../../helpers/command.js';
import { makeSequences, writeSequences } from '../../helpers/sequence-files.js';

export interface Work extends AsyncDisposable {
  /** All machines see it. */
  readonly root: string;
  readonly shards: number;
  readonly sequences: number;
  /** Of the run, but for its output. */
  readonly flags: readonly string[];
  /** The output of one plain run. */
  readonly expected: Buffer;
}

const [modelDim, heads] = [64, 4];
const shards = 24;
/** A shard takes a second or so with the plainest kernel, and is several chunks. */
const [files, sequencesOfFile, mostLength] = [3, 80, 288];
const chunkTokens = 256;

export async function prepareWork(): Promise<Work> {
  const root = await mkdtemp(join(tmpdir(), 'headpool-test-'));
  const random = createRandom(20);
  for (let n = 1; n <= files; n++) {
    const lengths = Array.from({ length: sequencesOfFile }, () => Math.ceil(random.uniform() * mostLength));
    await writeSequences(join(root, `x${n}.safetensors`), makeSequences(lengths, n, { width: modelDim }));
  }
  const weights = createXavierWeights({ modelDim, heads, seed: 20 });
  await writeStateDict(join(root, 'w.safetensors'), weightsToTorch(weights));
  const flags = [
    ...['-i', 'x*.safetensors', '--weights', 'w.safetensors', '--heads', String(heads)],
    ...['--kernel', 'reference', '--batch-tokens', String(chunkTokens)],
  ];
  await mkdir(join(root, 'plain'));
  const plain = await run(root, ['run', ...flags, '-o', 'plain/y.safetensors', '--threads', '2']);
  if (plain.code !== 0) throw new Error(plain.stderr);
  return {
    root,
    shards,
    sequences: files * sequencesOfFile,
    flags,
    expected: await readFile(join(root, 'plain/y.safetensors')),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}
