// The uniform block of the attention shaders: its fields stand here once, for the text and for who fills it.
import { defineUniform } from '../uniform.js';

const fields = {
  headDim: 'u32',
  valueDim: 'u32',
  queryHead: 'u32',
  queryRow: 'u32',
  keyHead: 'u32',
  keyRow: 'u32',
  valueHead: 'u32',
  valueRow: 'u32',
  outputHead: 'u32',
  outputRow: 'u32',
  /** Flags of what there is; what isn't there is bound to something and not read. */
  hasBias: 'u32',
  hasMask: 'u32',
  hasSinks: 'u32',
  /** Whether the bias is part of the scores, or says only who is left out. */
  addsBias: 'u32',
  biasOffset: 'u32',
  biasEntry: 'u32',
  biasHead: 'u32',
  biasRow: 'u32',
  biasColumn: 'u32',
  maskOffset: 'u32',
  maskEntry: 'u32',
  maskHead: 'u32',
  maskRow: 'u32',
  maskColumn: 'u32',
  scale: 'f32',
  softcap: 'f32',
  inverseSoftcap: 'f32',
  left: 'i32',
  right: 'i32',
  tiles: 'u32',
  entriesAt: 'u32',
  headsAt: 'u32',
  extraKeysAt: 'u32',
  extraValuesAt: 'u32',
  extraCount: 'i32',
  /** Keys [firstKey, endKey) of this dispatch, at multiples of a tile's keys. */
  firstKey: 'i32',
  endKey: 'i32',
  isFirst: 'u32',
  isLast: 'u32',
  carryAt: 'u32',
  stateAt: 'u32',
  heads: 'u32',
  group: 'u32',
  /** Of what a second pass writes: whether keys left out are left out of it, and where it goes. */
  isOfAttended: 'u32',
  columnsOffset: 'u32',
  columnsEntry: 'u32',
  columnsHead: 'u32',
  columnsRow: 'u32',
  columnsColumn: 'u32',
  extraColumn: 'i32',
  share: 'f32',
  /** Bits of numbers that the text of a shader may not name. */
  nan: 'u32',
  minusInfinity: 'u32',
} as const;

export type Parameters = Readonly<Record<keyof typeof fields, number>>;

const block = defineUniform<keyof Parameters>(fields, 'at');
const nothing = Object.fromEntries(Object.keys(fields).map((name) => [name, 0])) as Parameters;

export const parametersText = `\n${block.declaration}\n`;

/** What is not said is 0. */
export function fillParameters(values: Partial<Parameters>): ArrayBuffer {
  return block.fill({ ...nothing, ...values });
}
