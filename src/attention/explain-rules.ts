// The rules that leave a key out, and which one does, in words and numbers.
import { from, type Strided } from '../core/protocol/strided.js';
import type { CallRules } from './resolved-options.js';

/** Which row of which head. */
export interface RowPlace {
  readonly batch: number;
  readonly head: number;
  /** The key/value head that `head` reads. */
  readonly kvHead: number;
  readonly query: number;
  /** Of the query on the diagonal: query + offset. */
  readonly position: number;
}

/** What can leave a key out; 'causal' stands for every right bound of 0, a window's too. */
export type Reason = 'length' | 'causal' | 'window' | 'mask' | 'bias';

export interface LeftOut {
  readonly reason: Reason;
  /** The reason in numbers: 'key 7 comes after position 5'. */
  readonly because: string;
}

/** The first rule that leaves a key out, padding first, then positions, then what lies in operands. */
export function whyLeftOut(
  { left, right, mask, bias }: CallRules,
  place: RowPlace,
  key: number,
  validKeys: number,
): LeftOut | undefined {
  const { batch, head, query, position } = place;
  if (key >= validKeys) return { reason: 'length', because: `keyLengths[${batch}] = ${validKeys}` };
  if (key > position + right) {
    if (right === 0) return { reason: 'causal', because: `key ${key} comes after position ${position}` };
    return { reason: 'window', because: `window right ${right} reaches up to key ${position + right}` };
  }
  if (key < position - left) {
    return { reason: 'window', because: `window left ${left} reaches back to key ${position - left}` };
  }
  const at = `[${batch}, ${head}, ${query}, ${key}]`;
  if (mask !== null && elementAt(mask, place, key) === 0) {
    return { reason: 'mask', because: `mask is false at ${at}` };
  }
  if (bias !== null && elementAt(bias, place, key) === -Infinity) {
    return { reason: 'bias', because: `bias is -Infinity at ${at}` };
  }
  return undefined;
}

/** The element of a broadcast operand at a row and a key. */
export function elementAt(
  operand: Strided<ArrayLike<number>>,
  { batch, head, query }: RowPlace,
  key: number,
): number {
  const { data, offset } = from(operand, { entry: batch, head, row: query, column: key });
  return data[offset]!;
}
