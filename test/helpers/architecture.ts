// The rules of ARCHITECTURE.md about who may import whom, as functions from parsed sources to what breaks them.
import { posix } from 'node:path';
import type { ParsedSource } from './imports.js';

type Sources = readonly ParsedSource[];

/** A place of the house: a folder or a file, and the places that it may import besides itself. */
export interface Place {
  readonly path: string;
  readonly imports: readonly string[];
}

/** The places as the table of ARCHITECTURE.md tells them: | `path` | what it is | what it imports |. */
export function readHouse(markdown: string): Place[] {
  const rows = [...markdown.matchAll(/^\| `([^`]+)` \|.*\| ([^|]+) \|$/gm)];
  return rows.map(([, path, imports]) => ({
    path: path!,
    imports: [...imports!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
  }));
}

/** Implementations, and the only file that may import them. */
const registries: readonly { readonly implementation: RegExp; readonly registry: string }[] = [
  {
    implementation: /^workers\/kernels\/[^/]+\/[^/]+-kernel\.ts$/,
    registry: 'workers/kernels/registry.ts',
  },
  {
    implementation: /^src\/files\/sequences\/[^/]+-format\.ts$/,
    registry: 'src/files/sequences/formats.ts',
  },
  { implementation: /^src\/checkpoints\/[^/]+-family\.ts$/, registry: 'src/checkpoints/families.ts' },
];

/** Rule 1: a file imports its own place and those that the house lists for it. */
export function findLayerBreaks(sources: Sources, house: readonly Place[]): string[] {
  return eachImport(sources, (from, to) => {
    const [own, other] = [placeOf(from, house), placeOf(to, house)];
    if (own === undefined || other === undefined)
      return [`${own === undefined ? from : to} is in no place of the house`];
    return own === other || own.imports.includes(other.path) ? [] : [`${from} may not import ${to}`];
  });
}

/** Rule 1 the other way: what the house lists is there. A place imports only places above it. */
export function findFalseLines(sources: Sources, house: readonly Place[]): string[] {
  const used = new Set<string>();
  for (const { path, files } of sources) {
    for (const file of files) used.add(`${placeOf(path, house)?.path} ${placeOf(file, house)?.path}`);
  }
  return house.flatMap(({ path, imports }, row) => [
    ...(sources.some((source) => placeOf(source.path, house)?.path === path) ? [] : [`${path} is empty`]),
    ...imports
      .filter((name) => !used.has(`${path} ${name}`))
      .map((name) => `${path} does not import ${name}`),
    ...imports
      .filter((name) => !house.slice(0, row).some((place) => place.path === name))
      .map((name) => `${name} does not stand above ${path}`),
  ]);
}

/** Of the longest name that fits: a place may lie inside another. */
function placeOf(path: string, house: readonly Place[]): Place | undefined {
  return house
    .filter((place) => (place.path.endsWith('/') ? path.startsWith(place.path) : path === place.path))
    .sort((one, other) => other.path.length - one.path.length)[0];
}

/** Rule 2: no circles, by type neither. */
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

/** Rule 4: each third-party package is imported in one file or one folder of each place that needs it. */
export function findScattered(sources: Sources, house: readonly Place[]): string[] {
  const importersOf = new Map<string, string[]>();
  for (const { path, packages } of sources) {
    for (const name of packages) {
      const use = `${placeOf(path, house)?.path} imports ${name}`;
      importersOf.set(use, [...(importersOf.get(use) ?? []), path]);
    }
  }
  return [...importersOf]
    .filter(([, importers]) => new Set(importers.map(folderOf)).size > 1)
    .map(([use, importers]) => `${use} in ${importers.sort().join(' and ')}`);
}

/** cli.ts is the entry of commands/ and counts as one of them. */
function folderOf(path: string): string {
  return path === 'src/cli.ts' ? 'src/commands' : posix.dirname(path);
}

const outward = ['process.exit', 'process.env', 'console'];
const outwardPlaces = ['src/cli.ts', 'src/commands/', 'bench/'];

/** Each reads one variable, a switch for tests: HEADPOOL_ISA and HEADPOOL_GPU. */
const switches = ['workers/kernels/native/addon.ts', 'workers/kernels/gpu/software-device.ts'];

/** Rule 5: the library never exits, prints or reads the environment, but for its switches. */
export function findOutward(sources: Sources): string[] {
  return sources.flatMap(({ path, globals }) => {
    if (outwardPlaces.some((place) => path.startsWith(place))) return [];
    return globals
      .filter((name) => outward.includes(name) && !(switches.includes(path) && name === 'process.env'))
      .map((name) => `${path} may not use ${name}`);
  });
}

function eachImport(sources: Sources, check: (from: string, to: string) => string[]): string[] {
  return sources.flatMap(({ path, files }) => files.flatMap((to) => check(path, to)));
}
