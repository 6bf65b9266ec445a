// What headers and config.json tell of a layer: heads, widths, storage types and defaults. No number is read.
import { dirname } from 'node:path';
import { HeadpoolError } from '../core/errors.js';
import { formatShape } from '../core/tensor/shape.js';
import { isFloatStorage, type StorageType } from '../files/storage.js';
import type { Checkpoint } from './checkpoint.js';
import { nameOf } from './choose-layer.js';
import {
  normNames,
  type LayerDefaults,
  type LayerFacts,
  type MatrixOf,
  type Projections,
  type StoredLayer,
} from './family.js';
import { invalidLayer, listNames } from './layer-error.js';
import { settleHeads, type GivenHeads } from './settle-heads.js';

/** A layer that can be loaded. */
export interface DescribedLayer {
  readonly stored: StoredLayer;
  readonly kvHeads: number;
  readonly facts: LayerFacts;
  /** Without norms of queries and keys, whose weights are numbers of the file. */
  readonly defaults: LayerDefaults;
  /** Whether queries and keys have norms. */
  readonly hasNorms: boolean;
}

/** The widths and storage types of a layer, whatever its heads. */
export interface LayerOutline {
  readonly name: string;
  readonly index: number | undefined;
  readonly family: string;
  readonly modelDim: number;
  readonly keyWidth: number;
  readonly outputDim: number;
  readonly dtypes: readonly StorageType[];
}

/** @throws INVALID_WEIGHTS, INVALID_FILE, INVALID_OPTION */
export function describeLayer(
  checkpoint: Checkpoint,
  stored: StoredLayer,
  given: GivenHeads,
): DescribedLayer {
  const projections = projectionsOf(checkpoint, stored);
  const { kvHeads, heads, headDim } = settleHeads(checkpoint, stored, projections, given);
  const facts = { heads, headDim, index: stored.index, config: checkpoint.config };
  const { value, output } = projections;
  const valueDim = value.rows / kvHeads;
  if (!Number.isInteger(valueDim)) {
    const what = `a multiple of ${kvHeads} rows, one block a key/value head,`;
    throw invalidLayer(checkpoint.path, what, stored.prefix + value.tensor, value.rows);
  }
  if (output.columns !== valueDim * heads) {
    const what = `${valueDim * heads} columns, as wide as the output of its ${heads} heads,`;
    throw invalidLayer(checkpoint.path, what, stored.prefix + output.tensor, output.columns);
  }
  const hasNorms = checkNorms(checkpoint, stored, headDim);
  const folder = dirname(checkpoint.files[0]!);
  return { stored, kvHeads, facts, defaults: stored.family.defaultsOf(facts, folder), hasNorms };
}

/** @throws INVALID_WEIGHTS, INVALID_FILE */
export function outlineLayer(checkpoint: Checkpoint, stored: StoredLayer): LayerOutline {
  const { query, key, output } = projectionsOf(checkpoint, stored);
  return {
    name: nameOf(stored),
    index: stored.index,
    family: familyNameOf(checkpoint, stored),
    modelDim: query.columns,
    keyWidth: key.columns,
    outputDim: output.rows,
    dtypes: [...new Set([...stored.tensors.values()].map(({ dtype }) => dtype))],
  };
}

/** What config.json calls the family; else what its registry does. */
export function familyNameOf({ config }: Checkpoint, { family }: StoredLayer): string {
  return (family.modelTypes && config?.modelType) ?? family.name;
}

/** Checks what a layer must have, must not have, and what its tensors' shapes are. */
function projectionsOf(checkpoint: Checkpoint, stored: StoredLayer): Projections {
  const { path, config } = checkpoint;
  const { family, prefix, tensors, names } = stored;
  if (family.modelTypes && config?.modelType && !family.modelTypes.includes(config.modelType)) {
    const what = `one of ${family.modelTypes.join(', ')}, whose names its tensors have (\`${prefix}${family.marks[0]!}\`),`;
    throw config.refuse(what, 'model_type');
  }
  const has = (name: string): boolean => names.includes(name);
  const missing = family.needs(has).find((name) => !has(name));
  if (missing !== undefined) {
    const found = listNames(names.map((name) => prefix + name));
    throw invalidLayer(path, 'a tensor', prefix + missing, `nothing; there are ${found}`);
  }
  const odd = family.refused?.find(has);
  if (odd !== undefined) throw invalidLayer(path, 'a layer without it', prefix + odd, 'one');
  for (const [name, { dtype }] of tensors) {
    if (!isFloatStorage(dtype)) throw invalidLayer(path, 'F32, F16, BF16 or F64', prefix + name, dtype);
  }
  return checkWhole(checkpoint, stored, family.projectionsOf(matricesOf(checkpoint, stored), has));
}

function matricesOf({ path }: Checkpoint, { prefix, tensors }: StoredLayer): MatrixOf {
  return (name) => {
    const { shape } = tensors.get(name)!;
    const [rows = 0, columns = 0] = shape;
    if (shape.length === 2 && rows > 0 && columns > 0) return [rows, columns];
    throw invalidLayer(path, 'two axes', prefix + name, formatShape(shape));
  };
}

/** Parts of packed tensors are whole rows; biases are as long as their matrices have rows. */
function checkWhole({ path }: Checkpoint, stored: StoredLayer, projections: Projections): Projections {
  const { prefix, tensors } = stored;
  for (const { tensor, rows } of Object.values(projections)) {
    if (Number.isInteger(rows)) continue;
    throw invalidLayer(
      path,
      'rows of a query, a key and a value',
      prefix + tensor,
      formatShape(tensors.get(tensor)!.shape),
    );
  }
  const totals = new Map<string, number>();
  for (const { tensor, rows } of Object.values(projections)) {
    totals.set(tensor, (totals.get(tensor) ?? 0) + rows);
  }
  for (const [tensor, rows] of totals) {
    const name = tensor.replace(/weight$/, 'bias');
    const bias = tensor.endsWith('.weight') ? tensors.get(name) : undefined;
    if (bias === undefined || (bias.shape.length === 1 && bias.shape[0] === rows)) continue;
    throw invalidLayer(path, `${rows} numbers`, prefix + name, formatShape(bias.shape));
  }
  return projections;
}

/** Checks the norms of queries and keys. @returns whether there are some */
function checkNorms({ path }: Checkpoint, { prefix, tensors }: StoredLayer, headDim: number): boolean {
  const norms = normNames.filter((name) => tensors.has(name));
  for (const name of norms) {
    const { shape } = tensors.get(name)!;
    if (shape.length === 1 && shape[0] === headDim) continue;
    throw invalidLayer(path, `${headDim} numbers, one a dim of a head,`, prefix + name, formatShape(shape));
  }
  return norms.length > 0;
}

/** Whether an error says that a checkpoint can't be what it should be, rather than that it can't be read. */
export function isRefusal(error: unknown): error is HeadpoolError {
  const codes: readonly unknown[] = ['INVALID_WEIGHTS', 'INVALID_FILE', 'INVALID_OPTION'];
  return error instanceof HeadpoolError && codes.includes(error.code);
}
