// Runs in shards: how long it takes to cut very many files, with their headers in the page cache, and how fast a merge is
// against a copy of the same bytes, round by round.
import { copyFile, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createEngine, type EngineInfo } from '../src/index.js';
import { createSequenceWriter } from '../src/files/sequences/sequence-writer.js';
import { median } from '../src/measure/statistics.js';
import { formatBytes, formatCount, formatDuration } from '../src/page/figures.js';
import { readArguments } from './helpers/arguments.js';
import { runCommand, type CommandResult } from './helpers/command.js';
import { openFolder, readBytes, requireSpace } from './helpers/disk.js';
import { progress, report } from './helpers/outcome.js';

const files = 100_000;
/** Of files, by the lengths of their sequences. */
const kinds = 19;
const cutShards = 1000;
const mostCutMs = 20e3;
const mostCutBytes = 500e6;
const mergeShards = 4;
const leastShare = 0.7;
const small = { modelDim: 8, heads: 2 };
const large = { modelDim: 256, heads: 4 };

const { json, rounds, ...args } = readArguments('Runs in shards: the cut and the merge.', {
  bytes: '512MB',
  folder: '',
  rounds: 7,
});
const bytes = readBytes('bytes', args.bytes);
const folder = join(await openFolder(args.folder), 'shards');
await rm(folder, { recursive: true, force: true });
await mkdir(folder);
const y = join(folder, 'y.safetensors');
try {
  await requireSpace(folder, 4 * bytes + files * 2 * 4096);
  progress(`writes ${formatCount(files)} files`);
  await writeFiles();
  progress(`cuts them into ${formatCount(cutShards)} shards`);
  const cut = await measureCut();
  progress(`computes ${mergeShards} shards to merge`);
  await computeShards();
  const pairs: { readonly mergeMs: number; readonly copyMs: number }[] = [];
  while (pairs.length < rounds) {
    progress(`round ${pairs.length + 1} of ${rounds}`);
    pairs.push(await measurePair());
  }
  conclude(await describeEngine(), cut, pairs);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function writeFiles(): Promise<void> {
  await makeWeights('small', small);
  const contents = await Promise.all(Array.from({ length: kinds }, (_, kind) => makeContent(kind)));
  for (let file = 0; file < files; file++) {
    const below = join(folder, 'x', String(Math.floor(file / 1000)));
    if (file % 1000 === 0) await mkdir(below, { recursive: true });
    await writeFile(join(below, `${file}.safetensors`), contents[file % kinds]!);
  }
}

/** Two short sequences. */
async function makeContent(kind: number): Promise<Buffer> {
  const { modelDim } = small;
  const path = join(folder, `kind-${kind}.safetensors`);
  const lengths = [1 + kind, 1 + (kind % 7)];
  const writer = await createSequenceWriter(path, { modelDim });
  await writer.append({ lengths }, new Float32Array((lengths[0]! + lengths[1]!) * modelDim));
  await writer.commit();
  return readFile(path);
}

async function makeWeights(name: string, { modelDim, heads }: typeof small): Promise<void> {
  const path = join(folder, `${name}.safetensors`);
  await runCommand(['make-weights', '-o', path, '--model-dim', `${modelDim}`, '--heads', `${heads}`]);
}

/** A shard that makes the cut, less one that finds it. */
async function measureCut(): Promise<CommandResult & { readonly cutMs: number }> {
  const shard = (number: number): Promise<CommandResult> =>
    runCommand([
      ...['run', '-i', join(folder, 'x'), '--weights', join(folder, 'small.safetensors')],
      ...['-o', join(folder, 'many.safetensors'), '--shard', `${number}/${cutShards}`],
    ]);
  const first = await shard(1);
  const second = await shard(2);
  return { ...first, cutMs: first.wallMs - second.wallMs };
}

async function computeShards(): Promise<void> {
  const x = join(folder, 'x.safetensors');
  const { modelDim } = large;
  const sequences = Math.ceil(bytes / (128 * modelDim * Float32Array.BYTES_PER_ELEMENT));
  const lengths = ['--sequences', `${sequences}`, '--min-length', '96', '--max-length', '160'];
  await runCommand(['make-sequences', '-o', x, '--model-dim', `${modelDim}`, ...lengths]);
  await makeWeights('large', large);
  for (let number = 1; number <= mergeShards; number++) {
    await runCommand([
      ...['run', '-i', x, '--weights', join(folder, 'large.safetensors')],
      ...['-o', y, '--shard', `${number}/${mergeShards}`],
    ]);
  }
}

async function measurePair(): Promise<{ readonly mergeMs: number; readonly copyMs: number }> {
  const copy = join(folder, 'copy');
  for (const path of [y, `${y}.manifest`, copy]) await rm(path, { force: true });
  const { stdout } = await runCommand(['merge', '-o', y, '--json']);
  const startMs = performance.now();
  await copyFile(y, copy);
  const handle = await open(copy, 'r+');
  await handle.sync();
  await handle.close();
  const copyMs = performance.now() - startMs;
  return { mergeMs: (JSON.parse(stdout) as { readonly elapsedMs: number }).elapsedMs, copyMs };
}

async function describeEngine(): Promise<EngineInfo> {
  const engine = await createEngine();
  await engine.close();
  return engine.info;
}

function conclude(
  engine: EngineInfo,
  { cutMs, peakBytes }: Awaited<ReturnType<typeof measureCut>>,
  pairs: readonly { readonly mergeMs: number; readonly copyMs: number }[],
): void {
  const share = median(pairs.map(({ mergeMs, copyMs }) => copyMs / mergeMs));
  const percent = `${(share * 100).toFixed(0)} %`;
  report(
    {
      benchmark: 'shards',
      engines: [engine],
      table: [
        ['', 'time'],
        [`cut of ${formatCount(files)} files into ${formatCount(cutShards)} shards`, formatDuration(cutMs)],
        [`merge of ${formatBytes(bytes)}`, formatDuration(median(pairs.map(({ mergeMs }) => mergeMs)))],
        ['copy of the same, synced', formatDuration(median(pairs.map(({ copyMs }) => copyMs)))],
      ],
      notes: [`Medians of ${rounds} rounds, a merge and a copy each; sources in the page cache`],
      bars: [
        bar('the cut', formatDuration(cutMs), `under ${formatDuration(mostCutMs)}`, cutMs < mostCutMs),
        bar(
          'its memory',
          formatBytes(peakBytes),
          `under ${formatBytes(mostCutBytes)}`,
          peakBytes < mostCutBytes,
        ),
        bar('merge of the rate of a copy', percent, `at least ${leastShare * 100} %`, share >= leastShare),
      ],
      figures: { cutMs, peakBytes, pairs, share },
    },
    { json },
  );
}

function bar(name: string, found: string, wanted: string, isMet: boolean) {
  return { name, found, wanted, isMet };
}
