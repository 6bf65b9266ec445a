// `npm run test:fuzz`: cases of all targets, as many as asked for, on all cores; then calls of the native kernel, where
// there is a clang for them. What is found is written to files that the tests read from then on.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { createCases } from './cases.js';
import { runChild } from './run-child.js';
import { targets } from './targets.js';

const finds = 'test/fuzz/finds';
const casesOfChild = 2000;

const { target, cases, first, minutes, nativeSeconds } = await yargs(hideBin(process.argv))
  .usage(
    'npm run test:fuzz -- [options]\n\nTries damaged inputs and hostile calls on everything that takes them.',
  )
  .option('target', {
    type: 'string',
    array: true,
    choices: [...targets.keys()],
    describe: 'what to try; default: all',
  })
  .option('cases', { type: 'number', default: 1_000_000, describe: 'how many, of all targets together' })
  .option('first', {
    type: 'number',
    default: 1_000_000,
    describe: 'number of the first case of each target',
  })
  .option('native-seconds', {
    type: 'number',
    describe: 'how long clang calls the kernel of each instruction set; default: 300, or 0 beside --target',
  })
  .option('minutes', { type: 'number', default: 60, describe: 'begin nothing more after so long' })
  .strict()
  .parseAsync();

interface Tally {
  cases: number;
  taken: number;
  refused: number;
  longestMs: number;
  mostGrowth: number;
  finds: number;
}

const names = target ?? [...targets.keys()];
const tallies = new Map(
  names.map((name): [string, Tally] => {
    return [name, { cases: 0, taken: 0, refused: 0, longestMs: 0, mostGrowth: 0, finds: 0 }];
  }),
);
const share = Math.ceil(cases / names.length);
const startMs = performance.now();

function* jobs(): Generator<{ readonly name: string; readonly from: number; readonly count: number }> {
  for (let done = 0; done < share; done += casesOfChild) {
    for (const name of names) {
      if (performance.now() - startMs > minutes * 60_000) return;
      yield { name, from: first + done, count: Math.min(casesOfChild, share - done) };
    }
  }
}

const queue = jobs();

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function work(): Promise<void> {
  for (const { name, from, count } of queue) {
    // A case that ends a child is passed over by the next one.
    for (let at = from; at < from + count;) {
      const outcome = await runChild({ target: name, first: at, count: from + count - at });
      const tally = tallies.get(name)!;
      tally.taken += outcome.taken;
      tally.refused += outcome.refused;
      tally.longestMs = Math.max(tally.longestMs, outcome.longestMs);
      tally.mostGrowth = Math.max(tally.mostGrowth, outcome.mostGrowth);
      for (const { at: number, problem } of outcome.finds) {
        tally.finds++;
        await keep(name, Number(number), problem);
      }
      const isWhole = outcome.taken + outcome.refused > 0;
      const next = isWhole ? from + count : Number(outcome.finds[0]!.at) + 1;
      tally.cases += next - at;
      at = next;
    }
  }
}

async function keep(name: string, number: number, problem: string): Promise<void> {
  say(`FOUND ${name} ${number}: ${problem}`);
  const folder = join(finds, name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `case-${number}`), (await createCases(targets.get(name)!))(number));
}

await Promise.all(Array.from({ length: availableParallelism() }, work));
for (const [name, { cases: count, taken, refused, longestMs, mostGrowth, finds: found }] of tallies) {
  const figures = `${taken} taken, ${refused} refused, at most ${Math.round(longestMs)} ms and ${Math.round(mostGrowth)} MB`;
  say(`${name.padEnd(17)} ${count} cases: ${figures}, ${found} finds`);
}
const all = [...tallies.values()];
const total = all.reduce((sum, tally) => sum + tally.cases, 0);
say(`${total} cases in ${Math.round((performance.now() - startMs) / 1000)} s`);
const seconds = nativeSeconds ?? (target === undefined ? 300 : 0);
const isNativeGood = seconds === 0 || (await fuzzNative(seconds));
process.exitCode = isNativeGood && all.every((tally) => tally.finds === 0) ? 0 : 1;

async function fuzzNative(limit: number): Promise<boolean> {
  const child = spawn(process.execPath, ['test/native/fuzz/run.mjs', '--seconds', String(limit)], {
    stdio: 'inherit',
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return code === 0;
}
