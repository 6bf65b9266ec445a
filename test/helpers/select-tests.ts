// Which tests a change touches: those that need what changed, by whichever way, and how far they are from it. What
// the loop for working asks (tools/test-quick.mjs).
import { posix } from 'node:path';
import { parseSource, type Source } from './imports.js';

/** Files that are needed without being imported, by whom. */
export const needs: readonly { readonly user: string; readonly needed: RegExp }[] = [
  { user: 'test/architecture.test.ts', needed: /^(src|workers|bench|test\/oracle)\/.*\.ts$/ },
  { user: 'test/helpers/command.ts', needed: /^(src\/cli\.ts|tools\/bundle\.mjs)$/ },
  { user: 'test/bundle.test.ts', needed: /^(src\/(cli|index)\.ts|tools\/bundle\.mjs)$/ },
  {
    user: 'test/helpers/packed.ts',
    needed: /^(src\/(cli|index)\.ts|workers\/worker\.ts|tools\/bundle(-types)?\.mjs|package\.json)$/,
  },
  {
    user: 'workers/kernels/native/addon.ts',
    needed:
      /^workers\/kernels\/(source|native)\/.*\.(h|cc)$|^tools\/(build-native|addons|targets|toolchain)\.mjs$/,
  },
  {
    user: 'workers/kernels/wasm/wasm-kernel.ts',
    needed: /^workers\/kernels\/(source|wasm)\/.*\.(h|cc)$|^tools\/build-wasm\.mjs$/,
  },
  {
    user: 'src/files/page-cache/page-cache.ts',
    needed: /^src\/files\/page-cache\/.*\.cc$|^tools\/(build-page-cache|addons|targets|toolchain)\.mjs$/,
  },
  {
    user: 'test/platforms/platforms.test.ts',
    needed: /^tools\/(build-addons|addons|targets|toolchain)\.mjs$/,
  },
  { user: 'test/helpers/documents.ts', needed: /\.md$|^examples\/|^configs\/[^/]+\.yaml$/ },
];

/** A file of tests, and over how many others it needs what changed. */
export interface Touched {
  readonly path: string;
  readonly distance: number;
}

/** Which sources there are, and who needs a file. */
export interface Uses {
  readonly paths: readonly string[];
  readonly usersOf: (path: string) => readonly string[];
}

/** The tests that need any of `changed`: paths of any kind, of files that are gone too. */
export function findTouched({ paths, usersOf }: Uses, changed: readonly string[]): Touched[] {
  const found = findTests(usersOf, changed);
  // What tests read or start by names put together is needed by the tests beside it.
  const lonely = changed.filter((path) => path.startsWith('test/') && findTests(usersOf, [path]).size === 0);
  for (const path of lonely.flatMap((one) => findBeside(paths, posix.dirname(one)))) {
    found.set(path, Math.min(1, found.get(path) ?? 1));
  }
  return [...found].map(([path, distance]) => ({ path, distance }));
}

/** The tests below a folder, or else below the one that holds it. */
function findBeside(paths: readonly string[], folder: string): string[] {
  if (folder === 'test') return [];
  const tests = paths.filter((path) => isTest(path) && path.startsWith(`${folder}/`));
  return tests.length > 0 ? tests : findBeside(paths, posix.dirname(folder));
}

/** Tests and how far they are from what changed: breadth first, from what is needed to who needs it. */
function findTests(usersOf: Uses['usersOf'], changed: readonly string[]): Map<string, number> {
  const found = new Map(changed.map((path) => [path, 0]));
  // A Map goes on with what is added to it.
  for (const [path, distance] of found) {
    for (const user of usersOf(path)) if (!found.has(user)) found.set(user, distance + 1);
  }
  return new Map([...found].filter(([path]) => isTest(path)));
}

function isTest(path: string): boolean {
  return path.endsWith('.test.ts');
}

/** Reads out of all of TypeScript who imports a file, starts it as a thread or a process, or says its name. */
export function readUses(sources: readonly Source[]): Uses {
  const paths = sources.map(({ path }) => path);
  const importers = new Map<string, string[]>();
  for (const source of sources) {
    for (const needed of [...parseSource(source).files, ...startedFiles(source)]) {
      const known = importers.get(needed);
      if (known === undefined) importers.set(needed, [source.path]);
      else known.push(source.path);
    }
  }
  const usersOf = (path: string): string[] => {
    const others = needs.filter(({ user, needed }) => paths.includes(user) && needed.test(path));
    const readers = path.endsWith('.ts') ? [] : findReaders(sources, path);
    return [...(importers.get(path) ?? []), ...others.map(({ user }) => user), ...readers];
  };
  return { paths, usersOf };
}

/** Modules whose compiled names stand in the text, relative to it. */
function startedFiles({ path, text }: Source): string[] {
  const names = [...text.matchAll(/['"`]([\w./-]+)\.js['"`]/g)].map(([, name]) => name!);
  return names.map((name) => posix.join(posix.dirname(path), `${name}.ts`));
}

/** Sources that say the path, or a folder above it; not the top folder, which is a common word. */
function findReaders(sources: readonly Source[], path: string): string[] {
  const parts = path.split('/');
  const names = parts
    .map((_, n) => parts.slice(0, n + 1).join('/'))
    .filter((_, n) => n > 0 || parts.length === 1);
  return sources.filter(({ text }) => names.some((name) => text.includes(name))).map((source) => source.path);
}

/** CPU seconds of the test files that take 2 or more when they run alone. */
export const slowTests: Readonly<Record<string, number>> = {
  'test/architecture.test.ts': 3,
  'test/attention/cache-steps.test.ts': 2,
  'test/attention/cached-batches.test.ts': 3,
  'test/attention/cached-decoding.test.ts': 5,
  'test/attention/cached-failures.test.ts': 3,
  'test/attention/cached-forks.test.ts': 3,
  'test/attention/cached-long.test.ts': 4,
  'test/attention/cached-memory.test.ts': 3,
  'test/attention/cached-results.test.ts': 3,
  'test/attention/cached-rolling.test.ts': 4,
  'test/attention/cached-storage.test.ts': 4,
  'test/attention/cached-threads.test.ts': 6,
  'test/attention/combinations.test.ts': 28,
  'test/attention/decoding-batches.test.ts': 3,
  'test/attention/decoding-layers.test.ts': 4,
  'test/attention/decoding-numbers.test.ts': 3,
  'test/attention/decoding.test.ts': 6,
  'test/attention/determinism.test.ts': 13,
  'test/attention/masks.test.ts': 3,
  'test/attention/multi-head.test.ts': 4,
  'test/attention/properties.test.ts': 7,
  'test/attention/result-shapes.test.ts': 2,
  'test/attention/results.test.ts': 2,
  'test/attention/shapes.test.ts': 3,
  'test/attention/special-numbers.test.ts': 2,
  'test/checkpoints/load-layer.test.ts': 4,
  'test/checkpoints/models.test.ts': 5,
  'test/checkpoints/refusals.test.ts': 3,
  'test/cluster/queue-faults/queue-faults.test.ts': 51,
  'test/cluster/queue-faults/refusals.test.ts': 15,
  'test/cluster/queue-faults/servers.test.ts': 5,
  'test/commands/arguments.test.ts': 9,
  'test/commands/attention-options.test.ts': 12,
  'test/commands/bench.test.ts': 14,
  'test/commands/completion.test.ts': 3,
  'test/commands/explain.test.ts': 5,
  'test/commands/layers.test.ts': 20,
  'test/commands/outputs.test.ts': 15,
  'test/commands/run-formats.test.ts': 19,
  'test/commands/run-inputs.test.ts': 9,
  'test/commands/run-options.test.ts': 9,
  'test/commands/run.test.ts': 15,
  'test/commands/scale-machines.test.ts': 17,
  'test/commands/scale.test.ts': 8,
  'test/commands/terminal.test.ts': 8,
  'test/commands/verify.test.ts': 7,
  'test/conformance-suites.test.ts': 7,
  'test/docs/examples.test.ts': 8,
  'test/docs/programs.test.ts': 6,
  'test/docs/shell-lines.test.ts': 37,
  'test/engine/faults.test.ts': 9,
  'test/engine/job-kernels.test.ts': 5,
  'test/faults/calls.test.ts': 9,
  'test/faults/disk.test.ts': 9,
  'test/faults/kills.test.ts': 12,
  'test/faults/manifests.test.ts': 10,
  'test/faults/outputs.test.ts': 5,
  'test/faults/signals.test.ts': 7,
  'test/faults/writers.test.ts': 7,
  'test/files/lock-processes.test.ts': 3,
  'test/files/numpy-made.test.ts': 2,
  'test/files/record-log-long.test.ts': 2,
  'test/files/safetensors.test.ts': 3,
  'test/files/sequences/arrow/schemas.test.ts': 3,
  'test/files/sequences/arrow/stream.test.ts': 2,
  'test/files/sequences/npz.test.ts': 2,
  'test/files/strict-json.test.ts': 2,
  'test/kernels/kernels.test.ts': 3,
  'test/kernels/native-sets.test.ts': 6,
  'test/kernels/native-threads.test.ts': 9,
  'test/kernels/wasm-variants.test.ts': 4,
  'test/measure/cases/check.test.ts': 5,
  'test/measure/grid/compare-pairs.test.ts': 3,
  'test/measure/grid/compare-rates.test.ts': 2,
  'test/measure/cases/work.test.ts': 2,
  'test/measure/report/browser.test.ts': 6,
  'test/measure/report/charts.test.ts': 2,
  'test/runs/chunks.test.ts': 2,
  'test/runs/outputs.test.ts': 7,
  'test/runs/run-skips.test.ts': 2,
  'test/select-tests.test.ts': 2,
};

/** About: a file with a few tests is mostly the start of a process. */
export function secondsOf(path: string): number {
  return slowTests[path] ?? 1;
}

/** What takes least comes first, from one folder after another: a few of them look at everything. */
export function spread(tests: readonly string[]): string[] {
  const counts = new Map<string, number>();
  const ranked = tests
    .toSorted((a, b) => secondsOf(a) - secondsOf(b) || (a < b ? -1 : 1))
    .map((path) => {
      const folder = posix.dirname(path);
      const rank = counts.get(folder) ?? 0;
      counts.set(folder, rank + 1);
      return { path, rank };
    });
  return ranked.sort((a, b) => a.rank - b.rank).map(({ path }) => path);
}

/** The nearest first, and those that are equally near spread over the folders. */
export function orderOf(touched: readonly Touched[]): string[] {
  const distances = [...new Set(touched.map(({ distance }) => distance))].sort((a, b) => a - b);
  return distances.flatMap((distance) =>
    spread(touched.filter((one) => one.distance === distance).map(({ path }) => path)),
  );
}

/** As many tests as take `seconds` together; where not all fit, those that come first, and what fits besides. */
export function takeWithin(tests: readonly string[], seconds: number): string[] {
  let left = seconds;
  return tests.filter((path) => {
    const isTaken = secondsOf(path) <= left;
    if (isTaken) left -= secondsOf(path);
    return isTaken;
  });
}
