// A folder of inputs whose run is killed again and again, while files are added, changed, damaged, repaired and removed
// between the runs; in the end every output must be what a run over its input alone writes.
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { createRandom } from '../../src/core/tensor/random.js';
import type { MultiHeadAttention } from '../../src/engine/multi-head-attention.js';
import type { Engine } from '../../src/engine/engine.js';
import { layerFlags, requestFor, runBatch } from './batch-run.js';
import { run, start, type Started } from './command.js';
import { filesIn } from './fault-run.js';
import { makeFolder } from './make-folder.js';
import { makeSequences, writeSequences } from './sequence-files.js';

export interface Growth {
  readonly engine: Engine;
  /** Of `smallWeights`, on the reference kernel. */
  readonly layer: MultiHeadAttention;
  readonly files: number;
  /** Runs to kill at their work. */
  readonly kills: number;
  readonly seed: number;
}

type Random = ReturnType<typeof createRandom>;

const extensions = ['jsonl', 'npy', 'safetensors'] as const;
const folders = ['', 'a/', 'b/', 'b/c/'] as const;

/** The inputs, and what they should hold. */
class GrowingFolder {
  readonly root: string;
  readonly names: string[] = [];
  readonly damaged = new Set<string>();
  readonly #random: Random;
  #seed = 0;

  constructor(root: string, random: Random) {
    this.root = root;
    this.#random = random;
  }

  path(name: string): string {
    return join(this.root, name);
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random.uniform() * list.length)]!;
  }

  async add(): Promise<void> {
    // Few base names in several folders.
    const number = Math.floor(this.names.length / 3);
    const name = `${this.pick(folders)}x${number}.${this.pick(extensions)}`;
    if (this.names.includes(name)) return this.add();
    this.names.push(name);
    await this.write(name);
  }

  /** Other content each time, often of the same size. */
  async write(name: string): Promise<void> {
    await mkdir(dirname(this.path(name)), { recursive: true });
    const lengths = [4, 1, 7, 3].slice(this.#seed % 3);
    const form = name.endsWith('.npy') ? 'single' : 'packed';
    const given = makeSequences(form === 'single' ? [9] : lengths, this.#seed++);
    await writeSequences(this.path(name), given, { form });
    this.damaged.delete(name);
  }

  async damage(name: string): Promise<void> {
    await writeFile(this.path(name), 'neither rows nor lines');
    this.damaged.add(name);
  }

  async remove(name: string): Promise<void> {
    await rm(this.path(name));
    this.names.splice(this.names.indexOf(name), 1);
    this.damaged.delete(name);
  }

  async repair(): Promise<void> {
    for (const name of this.damaged) await this.write(name);
  }
}

/** A few of all the things that may happen to inputs and outputs between two runs. */
async function disturb(folder: GrowingFolder, out: string, added: number): Promise<void> {
  for (let n = 0; n < added; n++) await folder.add();
  await folder.write(folder.pick(folder.names));
  await folder.damage(folder.pick(folder.names));
  await utimes(folder.path(folder.pick(folder.names)), 1, 1);
  const outputs = await outputsIn(out);
  if (outputs.length > 0) await rm(join(out, folder.pick(outputs)));
  if (folder.names.length > 12) await folder.remove(folder.pick(folder.names));
  if (folder.damaged.size > 3) await folder.repair();
}

/** Returns how many files were done when runs began, all runs together. */
export async function assertGrows(t: ExecutionContext, growth: Growth): Promise<number> {
  const { files, kills, seed } = growth;
  const where = await makeFolder(t);
  const [root, out] = [join(where, 'in'), join(where, 'out')];
  await mkdir(out);
  const random = createRandom(seed);
  const folder = new GrowingFolder(root, random);
  const flags = [...(await layerFlags(where)), '--kernel', 'reference', '--on-error', 'skip'];
  const args = ['run', '-i', root, '-o', out, ...flags, '--resume'];
  for (let n = 0; n < files / 2; n++) await folder.add();
  let [killed, kept, pending] = [0, 0, folder.names.length];
  while (killed < kills) {
    const started = start(where, [...args, '--batch-tokens', String(8 + Math.floor(random.uniform() * 40))]);
    // Now and then while it begins, else after some of what there is to do.
    const outputs = Math.floor(random.uniform() * (pending + 1));
    if (random.uniform() < 0.8) await untilWritten(started, out, outputs);
    await sleep(random.uniform() * 20);
    started.child.kill('SIGKILL');
    const { code, signal, stderr } = await started.finished;
    if (signal === 'SIGKILL') killed++;
    else t.true(code === 0 || code === 3, stderr);
    await disturb(folder, out, Math.ceil(files / 2 / kills));
    const told = await run(where, [...args, '--dry-run', '--json']);
    const { done } = (JSON.parse(told.stdout) as Told).found;
    kept += done;
    pending = folder.names.length - done;
  }
  await folder.repair();
  const { code, stdout, stderr } = await run(where, [...args, '--json', '--verify-output']);
  t.is(code, 0, stderr);
  t.like(JSON.parse(stdout), { failures: [] });
  await assertAsAlone(t, folder, { out, growth });
  return kept;
}

interface Told {
  readonly found: { readonly done: number };
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves once a run has its lock and has written so many outputs since, or has ended. */
async function untilWritten({ child }: Started, out: string, outputs: number): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    const lock = join(out, 'headpool.manifest.lock');
    const text = await readFile(lock, 'utf8').catch(() => '');
    if (text.includes(`"pid":${child.pid!},`)) {
      const since = (await mtimesOf([lock]))[0] ?? 0;
      const times = await mtimesOf((await outputsIn(out)).map((name) => join(out, name)));
      if (times.filter((time) => time > since).length >= outputs) return;
    }
    await sleep(3);
  }
}

/** Of those that are still there. */
async function mtimesOf(paths: readonly string[]): Promise<number[]> {
  const found = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)));
  return found.flatMap((stats) => (stats === undefined ? [] : [stats.mtimeMs]));
}

async function outputsIn(out: string): Promise<string[]> {
  return (await filesIn(out)).filter((name) => /\.(jsonl|npy|safetensors)$/.test(name));
}

interface Ended {
  readonly out: string;
  readonly growth: Growth;
}

async function assertAsAlone(
  t: ExecutionContext,
  folder: GrowingFolder,
  { out, growth }: Ended,
): Promise<void> {
  const names = await filesIn(out);
  t.deepEqual(names.filter((name) => name.endsWith('.partial')), []); // prettier-ignore
  for (const name of folder.names) {
    const alone = await makeFolder(t);
    const request = await requestFor({ inputs: [folder.path(name)], output: alone });
    await runBatch(request, { bench: growth });
    const [file] = (await readdir(alone)).filter((found) => !found.endsWith('manifest'));
    const wanted = await readFile(join(alone, file!));
    t.true(wanted.equals(await readFile(join(out, name))), `${name} is not what it should be`);
  }
}
