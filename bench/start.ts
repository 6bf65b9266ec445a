// How long `headpool run` takes to begin on a file of 100 GB: from before its process is started until the rows of the
// first chunk, read from the file, are handed to the layer. The same on 100 MB says what the size costs. Rows are a hole
// in both files but for the first sequence, whose result is checked.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createEngine, type EngineInfo, type EngineOptions } from '../src/index.js';
import { summarise } from '../src/measure/statistics.js';
import { formatBytes, formatCount } from '../src/page/figures.js';
import { readArguments } from './helpers/arguments.js';
import { runCommand } from './helpers/command.js';
import { openFolder, readBytes, requireSpace } from './helpers/disk.js';
import { readFirstChunk, runFirstChunk, type FirstChunk } from './helpers/first-chunk.js';
import { checkRows } from './helpers/layer.js';
import { normalTensor } from '../src/measure/cases/inputs.js';
import { progress, report } from './helpers/outcome.js';
import { enableRelaxedSimd } from './helpers/relaxed-simd.js';
import { readWeights } from './helpers/sequence-files.js';
import { requireSparse, writeSparseSequences, type SparseFile } from './helpers/sparse-sequences.js';
import { time } from '../src/measure/pairs.js';

const modelDim = 768;
const heads = 12;
const tokens = 1024;
const sequenceBytes = tokens * modelDim * Float32Array.BYTES_PER_ELEMENT;
const mostMs = 500;
// A run must still have work when it is killed.
const leastSequences = 16;
// Weights, first sequences and the first chunks of outputs.
const neededBytes = 200e6;

interface Case {
  readonly file: SparseFile;
  readonly starts: FirstChunk[];
}

enableRelaxedSimd();
const args = readArguments('From the start of a run to its first batch, on a large file and a small one.', {
  bytes: '100GB',
  smallBytes: '100MB',
  folder: '',
  repetitions: 5,
  kernel: 'auto',
  threads: availableParallelism(),
});
const { json, repetitions, kernel, threads } = args;
const sizes = [readBytes('smallBytes', args.smallBytes), readBytes('bytes', args.bytes)];
const folder = await mkdtemp(join(await openFolder(args.folder), 'start-'));
try {
  await requireSpace(folder, neededBytes);
  await requireSparse(folder);
  const weightsPath = join(folder, 'weights.safetensors');
  const model = ['--model-dim', modelDim, '--heads', heads];
  await runCommand(['make-weights', '--output', weightsPath, ...model].map(String));
  const weights = await readWeights(weightsPath);
  const first = normalTensor([tokens, modelDim], 6);
  const cases: Case[] = [];
  for (const bytes of sizes) {
    const sequences = Math.max(leastSequences, Math.ceil(bytes / sequenceBytes));
    const path = join(folder, `x-${bytes}.safetensors`);
    cases.push({ file: await writeSparseSequences(path, sequences, first), starts: [] });
  }

  const outputFolder = join(folder, 'output');
  const output = join(outputFolder, 'y.safetensors');
  /** Begins a run, and looks at what it has left. */
  const start = async ({ path }: SparseFile, check?: () => Promise<void>): Promise<FirstChunk> => {
    const files = ['--input', path, '--output', output, '--weights', weightsPath];
    const how = ['--heads', heads, '--batch-tokens', tokens, '--threads', threads, '--kernel', kernel];
    await mkdir(outputFolder);
    try {
      const found = await runFirstChunk(['run', ...files, ...how].map(String), output);
      await check?.();
      return found;
    } finally {
      await rm(outputFolder, { recursive: true });
    }
  };
  for (const { file } of cases) {
    progress(`checks the first chunk of ${formatBytes(file.bytes)}`);
    await start(file, async () => {
      const y = await readFirstChunk(output, first.shape);
      checkRows('The first sequence', { x: first, y, weights, heads });
    });
  }
  const nodeMs: number[] = [];
  for (let n = 0; n < repetitions; n++) {
    progress(`${n + 1} of ${repetitions}`);
    nodeMs.push(await time(runEmptyNode));
    for (const { file, starts } of cases) starts.push(await start(file));
  }
  conclude(await describeEngine(), cases, nodeMs);
} finally {
  await rm(folder, { recursive: true });
}

/** What any program of Node pays. */
async function runEmptyNode(): Promise<void> {
  await once(spawn(process.execPath, ['--eval', ''], { stdio: 'ignore' }), 'close');
}

async function describeEngine(): Promise<EngineInfo> {
  await using engine = await createEngine({
    threads,
    kernel: kernel as NonNullable<EngineOptions['kernel']>,
  });
  return engine.info;
}

function conclude(engine: EngineInfo, cases: readonly Case[], nodeMs: readonly number[]): void {
  const rows = cases.map(({ file, starts }) => {
    const handedMs = summarise(starts.map((found) => found.handedMs));
    return { file, handedMs, recordedMs: summarise(starts.map((found) => found.recordedMs)) };
  });
  const [small, large] = rows as [(typeof rows)[0], (typeof rows)[0]];
  const milliseconds = (ms: number): string => `${ms.toFixed(0)} ms`;
  report(
    {
      benchmark: 'start',
      engines: [engine],
      table: [
        ['file', 'on the volume', 'sequences', 'first batch', 'min', 'max', 'recorded'],
        ...rows.map(({ file, handedMs, recordedMs }) => [
          ...[formatBytes(file.bytes), formatBytes(file.allocatedBytes), formatCount(file.sequences)],
          ...[handedMs.median, handedMs.min, handedMs.max, recordedMs.median].map(milliseconds),
        ]),
      ],
      notes: [
        'First batch: from before the process is started until the rows of the first chunk have been read and the layer is ' +
          `called with them; medians of ${repetitions}, by turns. Recorded: until that chunk is computed, on the disk and in ` +
          'the manifest; then the run is killed',
        `modelDim ${modelDim}, ${heads} heads, sequences and chunks of ${tokens} tokens, ${threads} workers; ` +
          `an empty program of Node takes ${milliseconds(summarise(nodeMs).median)}`,
        `The large file costs ${milliseconds(large.handedMs.median - small.handedMs.median)} more than the small one`,
      ],
      bars: [
        {
          name: `start to the first batch of ${formatBytes(large.file.bytes)}`,
          found: milliseconds(large.handedMs.median),
          wanted: `under ${milliseconds(mostMs)}`,
          isMet: large.handedMs.median < mostMs,
        },
      ],
      figures: { rows, nodeMs: summarise(nodeMs), cases },
    },
    { json },
  );
}
