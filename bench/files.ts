// `headpool run` over a file of 4 GiB and more: modelDim 768, 12 heads, sequences of 64 to 2,048 tokens, self-attention.
// Its rate is held against the layer on the first chunks of the same file, cut alike, that are in memory already, before
// and after; and the most memory that was resident against a bar. The input stays for the next time.
import { execFile } from 'node:child_process';
import { rm, mkdir, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { usualChunkTokens } from '../src/runs/limits.js';
import type { RunReport } from '../src/commands/outputs/run-output.js';
import { exists } from '../src/files/open-file.js';
import { formatBytes, formatCount, formatDuration } from '../src/page/figures.js';
import { readArguments } from './helpers/arguments.js';
import { runCommand, type CommandResult } from './helpers/command.js';
import { openFolder, readBytes, requireSpace } from './helpers/disk.js';
import type { InMemoryOptions, InMemoryPasses } from './helpers/in-memory.js';
import { formatRate, progress, report } from './helpers/outcome.js';
import { checkOutput, readWeights } from './helpers/sequence-files.js';

const modelDim = 768;
const heads = 12;
const shortest = 64;
const longest = 2048;
const inMemoryBytes = 200e6;
const mostBytes = 700e6;
const leastShare = 0.92;
// The machine did something else if it was faster before than after by more.
const mostDrift = 0.1;

const args = readArguments('A run over a large file against the layer on its data in memory.', {
  bytes: '4GiB',
  folder: '',
  seconds: 15,
  kernel: 'auto',
  threads: availableParallelism(),
  batchTokens: usualChunkTokens,
});
const { json, seconds, kernel, threads, batchTokens } = args;
const leastBytes = readBytes('bytes', args.bytes);
const folder = await openFolder(args.folder);
const outputFolder = join(folder, 'output');
const output = join(outputFolder, 'y.safetensors');
await rm(outputFolder, { recursive: true, force: true });

const sequences = countSequences(leastBytes);
const input = join(folder, `sequences-${sequences}.safetensors`);
const small = join(folder, 'sequences-3.safetensors');
const weightsPath = join(folder, `weights-${heads}.safetensors`);
await requireSpace(folder, (await exists(input)) ? leastBytes * 1.2 : leastBytes * 2.4);
progress(`input ${input}`);
await make('weights', weightsPath, ['--heads', heads]);
for (const [path, count] of [
  [small, 3],
  [input, sequences],
] as const) {
  await make('sequences', path, ['--sequences', count, '--min-length', shortest, '--max-length', longest]);
}
const { size: inputBytes } = await stat(input);
if (inputBytes < leastBytes)
  throw new RangeError(`${input}: expected ${args.bytes}, got ${inputBytes} bytes`);
const { size: weightsBytes } = await stat(weightsPath);
const weights = await readWeights(weightsPath);

progress('checks a small file');
await mkdir(outputFolder);
try {
  await run(small, ['--verify-output']);
  await checkOutput({ input: small, output, weights, heads });
  await rm(output);

  progress('in memory');
  const before = await computeInMemory();
  progress('the file');
  const { result, found } = await run(input);
  progress('in memory again');
  const after = await computeInMemory();
  progress('checks the output');
  await checkOutput({ input, output, weights, heads });
  conclude({ before, result, found, after });
} finally {
  await rm(outputFolder, { recursive: true, force: true });
}

/** Lengths vary by about half of their mean; as many more sequences as make a file that is too small very unlikely. */
function countSequences(bytes: number): number {
  const mean = bytes / (((shortest + longest) / 2) * modelDim * Float32Array.BYTES_PER_ELEMENT);
  return Math.ceil(mean + 2 * Math.sqrt(mean));
}

async function make(what: string, path: string, flags: readonly (string | number)[]): Promise<void> {
  const common = ['--output', path, '--model-dim', modelDim, '--if-missing'];
  await runCommand([`make-${what}`, ...common, ...flags].map(String));
}

async function run(
  path: string,
  flags: readonly string[] = [],
): Promise<{ readonly result: CommandResult; readonly found: RunReport }> {
  const files = ['--input', path, '--output', output, '--weights', weightsPath, '--restart', '--json'];
  const how = ['--heads', heads, '--threads', threads, '--kernel', kernel, '--batch-tokens', batchTokens];
  const result = await runCommand(['run', ...files, ...how, ...flags].map(String));
  return { result, found: JSON.parse(result.stdout) as RunReport };
}

/** In a process of its own, so that neither way finds what the other has left. */
async function computeInMemory(): Promise<InMemoryPasses> {
  const script = fileURLToPath(new URL('helpers/in-memory.js', import.meta.url));
  const options: InMemoryOptions = {
    ...{ input, weights: weightsPath, heads, threads, kernel, batchTokens },
    ...{ bytes: inMemoryBytes, seconds },
  };
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(options)]);
  return JSON.parse(stdout) as InMemoryPasses;
}

interface Measured {
  readonly before: InMemoryPasses;
  readonly result: CommandResult;
  readonly found: RunReport;
  readonly after: InMemoryPasses;
}

function conclude({ before, result, found, after }: Measured): void {
  const { elapsedMs, flop } = found;
  const rateOf = (work: { readonly flop: number; readonly ms: number }): number => work.flop / work.ms;
  const share = flop / elapsedMs / ((rateOf(before) + rateOf(after)) / 2);
  const ownBytes = result.peakBytes - weightsBytes;
  const drift = Math.abs(Math.log(rateOf(before) / rateOf(after)));
  const rowOf = (name: string, work: { tokens: number; passes?: number; flop: number; ms: number }) => [
    ...[name, formatCount(work.tokens * (work.passes ?? 1)), (work.flop / 1e12).toFixed(2)],
    ...[formatDuration(work.ms), formatRate(work.flop, work.ms)],
  ];
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
  report(
    {
      benchmark: 'files',
      engines: [before.engine],
      table: [
        ['', 'tokens', 'TFLOP', 'time', 'GFLOP/s'],
        rowOf('in memory', before),
        rowOf('file', { ...found, ms: elapsedMs }),
        rowOf('in memory again', after),
      ],
      notes: [
        `${formatCount(found.sequences)} sequences of ${shortest} to ${longest} tokens, ${formatBytes(inputBytes)} read and ` +
          `as much written, chunks of ${batchTokens} tokens, ${threads} workers; the whole process took ${formatDuration(result.wallMs)}`,
        `In memory are the first ${before.chunks} chunks, the same work ${before.passes} and ${after.passes} times; ` +
          `FLOP by 8·T·d² + 4·T²·d, those of the file over the time from its first read to its last sync`,
        `Peak of the process ${megabytes(result.peakBytes)}, shared memory and Node included; weights ${megabytes(weightsBytes)}`,
        `Outputs were held against float64, and those of a small file against their checksums; the input stays in ${folder}`,
        ...(drift > Math.log1p(mostDrift)
          ? [`The rates in memory differ by over ${mostDrift * 100} %, measure again`]
          : []),
      ],
      bars: [
        {
          name: 'rate of the file, of the mean rate in memory before and after',
          found: `${(share * 100).toFixed(1)} %`,
          wanted: `at least ${leastShare * 100} %`,
          isMet: share >= leastShare,
        },
        {
          name: 'peak resident memory besides the weights',
          found: megabytes(ownBytes),
          wanted: `under ${megabytes(mostBytes)}`,
          isMet: ownBytes < mostBytes,
        },
      ],
      figures: {
        inputBytes,
        weightsBytes,
        batchTokens,
        before,
        file: { ...result, stdout: undefined, found },
        after,
        share,
      },
    },
    { json },
  );
}
