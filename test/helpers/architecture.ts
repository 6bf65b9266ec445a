// The rules of DESIGN.md about who may import whom, as functions from parsed sources to what breaks them.
import { posix } from 'node:path';
import type { ParsedSource } from './imports.js';

type Sources = readonly ParsedSource[];

/** Inside src/: a file imports its own place and the layers in front of it. Places of one layer don't know each other. */
const layers: readonly (readonly string[])[] = [
  ['src/errors.ts', 'src/suggest.ts'],
  ['src/tensor/'],
  ['src/files/', 'src/attention/'],
  ['src/engine/'],
  ['src/batch/', 'src/measure/'],
  ['src/report/'],
  ['src/index.ts'],
  ['src/conformance/', 'src/config/'],
  ['src/commands/'],
  ['src/cli.ts'],
];

/** Implementations, and the only file that may import them. */
const registries: readonly { readonly implementation: RegExp; readonly registry: string }[] = [
  { implementation: /^workers\/kernels\/[^/]+\/kernel\.ts$/, registry: 'workers/kernels/registry.ts' },
  {
    implementation: /^src\/files\/sequences\/[^/]+-format\.ts$/,
    registry: 'src/files/sequences/formats.ts',
  },
];

const protocol = 'workers/protocol/';

/** Rule 1: workers/ and src/ meet in the tensors, the errors and the protocol, which knows no worker. */
export function findCrossings(sources: Sources): string[] {
  return eachImport(sources, (from, to) => {
    // Else the workers would come to src/ through it.
    if (from.startsWith(protocol) && to.startsWith('workers/') && !to.startsWith(protocol)) {
      return [`${from} may not import ${to}`];
    }
    if (from.startsWith('workers/') && to.startsWith('src/')) {
      return to.startsWith('src/tensor/') || to === 'src/errors.ts' ? [] : [`${from} may not import ${to}`];
    }
    if (from.startsWith('src/') && to.startsWith('workers/')) {
      return to.startsWith(protocol) ? [] : [`${from} may not import ${to}`];
    }
    return [];
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

function placeOf(path: string): { readonly layer: number; readonly place: string } | undefined {
  for (const [layer, places] of layers.entries()) {
    const place = places.find((start) => (start.endsWith('/') ? path.startsWith(start) : path === start));
    if (place !== undefined) return { layer, place };
  }
  return undefined;
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

/** Rule 4: each third-party package is imported in one file or one folder. */
export function findScattered(sources: Sources): string[] {
  const importersOf = new Map<string, Set<string>>();
  for (const { path, packages } of sources) {
    for (const name of packages) importersOf.set(name, (importersOf.get(name) ?? new Set()).add(path));
  }
  return [...importersOf]
    .filter(([, importers]) => new Set([...importers].map(folderOf)).size > 1)
    .map(([name, importers]) => `${name} is imported in ${[...importers].sort().join(' and ')}`);
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
