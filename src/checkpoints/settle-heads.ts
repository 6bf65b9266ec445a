// How many heads a layer has: what the caller says, what the file and its config.json record, and what shapes tell must
// agree.
import { describe, expected, HeadpoolError } from '../core/errors.js';
import type { Checkpoint } from './checkpoint.js';
import { normNames, type Projections, type StoredLayer } from './family.js';

export interface GivenHeads {
  readonly heads?: number | undefined;
  readonly kvHeads?: number | undefined;
}

export interface SettledHeads {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** The names under which `make-weights` records them in the metadata of its file. */
export const headRecords = { heads: 'heads', kvHeads: 'kvHeads' } as const;

/** Somebody who says a number of heads. */
interface Witness {
  readonly count: number;
  readonly who: string;
}

/**
 * @throws INVALID_OPTION for heads that the caller gives where the file says others, or that are missing; INVALID_WEIGHTS
 * or INVALID_FILE where the file contradicts itself
 */
export function settleHeads(
  checkpoint: Checkpoint,
  layer: StoredLayer,
  projections: Projections,
  given: GivenHeads,
): SettledHeads {
  requireCount('heads', given.heads);
  requireCount('kvHeads', given.kvHeads);
  const heads = agree(checkpoint, 'heads', given.heads, witnessesOf(checkpoint, layer, projections));
  if (heads === undefined) {
    const what = 'neither the file nor a config.json beside it tells how many the layer has';
    throw new HeadpoolError('INVALID_OPTION', `Expected \`heads\` (--heads) for ${checkpoint.path}: ${what}`);
  }
  const { query, key } = projections;
  const headDim = query.rows / heads;
  const kvHeads = key.rows / headDim;
  if (!Number.isInteger(headDim) || !Number.isInteger(kvHeads) || heads % kvHeads !== 0) {
    const name = (tensor: string): string => `\`${layer.prefix}${tensor}\``;
    const of = `heads ${heads} and width ${query.rows} of the query in ${name(query.tensor)}`;
    const beside = key.rows === query.rows ? '' : `, width ${key.rows} of the key in ${name(key.tensor)}`;
    const message = `${checkpoint.path}: expected \`heads\` that divide the layer's projections, got ${of}${beside}`;
    throw new HeadpoolError(given.heads === undefined ? 'INVALID_WEIGHTS' : 'INVALID_OPTION', message);
  }
  agree(checkpoint, 'kvHeads', given.kvHeads, [
    { count: kvHeads, who: `the shapes with ${heads} heads` },
    ...recorded(checkpoint, 'kvHeads'),
    ...configured(checkpoint, ['num_key_value_heads']),
  ]);
  return { heads, kvHeads, headDim };
}

function witnessesOf(
  checkpoint: Checkpoint,
  { family, prefix, tensors }: StoredLayer,
  { query }: Projections,
): Witness[] {
  const norm = tensors.get(normNames[0]);
  const widths = [
    ...configured(checkpoint, ['head_dim']),
    ...(norm === undefined ? [] : [{ count: norm.shape[0] ?? 0, who: `\`${prefix}${normNames[0]}\`` }]),
  ];
  return [
    ...recorded(checkpoint, 'heads'),
    ...configured(checkpoint, family.headFields),
    ...widths.map(({ count, who }) => ({ count: query.rows / count, who })),
  ];
}

function recorded({ metadata }: Checkpoint, name: keyof typeof headRecords): Witness[] {
  const count = Number(metadata.get(headRecords[name]) ?? NaN);
  return Number.isInteger(count) && count > 0 ? [{ count, who: 'its metadata' }] : [];
}

function configured({ config }: Checkpoint, fields: readonly string[]): Witness[] {
  return fields.flatMap((field) => {
    const count = config?.count(field);
    return count === undefined ? [] : [{ count, who: `\`${field}\` in ${config!.path}` }];
  });
}

/** The number that all say. */
function agree(
  { path }: Checkpoint,
  name: string,
  given: number | undefined,
  [first, ...others]: readonly Witness[],
): number | undefined {
  if (first === undefined) return given;
  const odd = others.find(({ count }) => count !== first.count);
  if (odd !== undefined) {
    const message = `${path}: expected one number of \`${name}\`, got ${first.count} by ${first.who} and ${odd.count} by ${odd.who}`;
    throw new HeadpoolError('INVALID_WEIGHTS', message);
  }
  if (given === undefined || given === first.count) return first.count;
  const message = `Expected ${first.count} for \`${name}\` of ${path}, by ${first.who}, got ${describe(given)}`;
  throw new HeadpoolError('INVALID_OPTION', message);
}

function requireCount(name: string, count: number | undefined): void {
  if (count === undefined || (Number.isInteger(count) && count >= 1)) return;
  throw expected('INVALID_OPTION', 'an integer >= 1', name, count);
}
