// The rules of ARCHITECTURE.md about who may import whom, as functions from parsed sources to what breaks them.
import { posix } from 'node:path';
import type { ParsedSource } from './imports.js';

type Sources = readonly ParsedSource[];

/** Inside src/: a file imports its own place and the layers in front of it. Places of one layer don't know each other. */
const layers: readonly (readonly string[])[] = [
  ['src/core/'],
  ['src/files/', 'src/attention/', 'src/page/'],
  ['src/engine/', 'src/checkpoints/'],
  ['src/runs/', 'src/measure/', 'src/conformance/'],
  ['src/measure/report/'],
  ['src/index.ts'],
  ['src/config/'],
  ['src/commands/'],
  ['src/cli.ts'],
];

/** Implementations, and the only file that may import them. */
const registries: readonly { readonly implementation: RegExp; readonly registry: string }[] = [
  {
    implementation: /^workers\/kernels\/[^/]+\/([^/]+-)?kernel\.ts$/,
    registry: 'workers/kernels/registry.ts',
  },
  {
    implementation: /^src\/files\/sequences\/[^/]+-format\.ts$/,
    registry: 'src/files/sequences/formats.ts',
  },
];

/** Rule 1: workers/ and src/ meet in src/core/ alone; nothing that is published knows tests and tools. */
export function findCrossings(sources: Sources): string[] {
  return eachImport(sources, (from, to) => {
    const isAllowed =
      from.startsWith('workers/') && to.startsWith('src/')
        ? to.startsWith('src/core/')
        : from.startsWith('src/') || from.startsWith('workers/')
          ? to.startsWith(from.startsWith('src/') ? 'src/' : 'workers/')
          : true;
    return isAllowed ? [] : [`${from} may not import ${to}`];
  });
}

/** Rule 2, first half: imports run one way through the layers of src/. */
export function findLayerBreaks(sources: Sources): string[] {
  return eachImport(sources, (from, to) => {
    if (!from.startsWith('src/') || !to.startsWith('src/')) return [];
    const [own, other] = [placeOf(from), placeOf(to)];
    if (own === undefined || other === undefined)
      return [`${own === undefined ? from : to} belongs to no layer`];
    if (own.place === other.place || other.layer < own.layer) return [];
    return [`${from} may not import ${to}`];
  });
}

/** Of the longest name that fits: a place may lie inside another. */
function placeOf(path: string): { readonly layer: number; readonly place: string } | undefined {
  return layers
    .flatMap((places, layer) => places.map((place) => ({ layer, place })))
    .filter(({ place }) => (place.endsWith('/') ? path.startsWith(place) : path === place))
    .sort((one, other) => other.place.length - one.place.length)[0];
}

/** Rule 2, second half: no circles, by type neither. */
export function findCircles(sources: Sources): string[] {
  const importsOf = new Map(sources.map(({ path, files }) => [path, files]));
  const circles: string[] = [];
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) circles.push([...trail.slice(at), path].join(' -> '));
    if (at >= 0 || done.has(path)) return;
    for (const next of importsOf.get(path) ?? []) walk(next, [...trail, path]);
    done.add(path);
  };
  for (const { path } of sources) walk(path, []);
  return circles;
}

/** Rule 3: only registries import implementations. */
export function findUnregistered(sources: Sources): string[] {
  return eachImport(sources, (from, to) =>
    registries
      .filter(({ implementation, registry }) => implementation.test(to) && from !== registry)
      .map(({ registry }) => `${from} may not import ${to}, only ${registry} may`),
  );
}

/** Rule 4: each third-party package is imported in one file or one folder of each part that needs it. */
export function findScattered(sources: Sources): string[] {
  const importersOf = new Map<string, string[]>();
  for (const { path, packages } of sources) {
    for (const name of packages) {
      const use = `${partOf(path)} imports ${name}`;
      importersOf.set(use, [...(importersOf.get(use) ?? []), path]);
    }
  }
  return [...importersOf]
    .filter(([, importers]) => new Set(importers.map(folderOf)).size > 1)
    .map(([use, importers]) => `${use} in ${importers.sort().join(' and ')}`);
}

/** The place of a file of src/, else its top folder. */
function partOf(path: string): string {
  return placeOf(path)?.place ?? path.split('/', 1)[0]!;
}

/** cli.ts is the entry of commands/ and counts as one of them. */
function folderOf(path: string): string {
  return path === 'src/cli.ts' ? 'src/commands' : posix.dirname(path);
}

const outward = ['process.exit', 'process.env', 'console'];
const outwardPlaces = ['src/cli.ts', 'src/commands/', 'bench/'];

const isaSwitch = 'workers/kernels/native/addon.ts';

/** Rule 5: the library never exits, prints or reads the environment, but for HEADPOOL_ISA in the native loader. */
export function findOutward(sources: Sources): string[] {
  return sources.flatMap(({ path, globals }) => {
    if (outwardPlaces.some((place) => path.startsWith(place))) return [];
    return globals
      .filter((name) => outward.includes(name) && !(path === isaSwitch && name === 'process.env'))
      .map((name) => `${path} may not use ${name}`);
  });
}

function eachImport(sources: Sources, check: (from: string, to: string) => string[]): string[] {
  return sources.flatMap(({ path, files }) => files.flatMap((to) => check(path, to)));
}
