// Rows that are multiplied, copied and added. A thread: column x of row y of head or segment z.
import type { Heads, Threads } from './thread.js';

/** bias + Σ_k row · weight. Panels of 4 columns: their biases first, then the weights of one k after the other. */
export function multiplyRows(this: Threads, rows: Heads, panels: Heads, depth: number): number {
  let sum = panels[this.thread.z]![this.thread.x >> 2]![this.thread.x & 3]!;
  for (let k = 0; k < depth; k++)
    sum +=
      rows[0]![this.thread.y]![k]! *
      panels[this.thread.z]![this.thread.x >> 2]![4 * (k + 1) + (this.thread.x & 3)]!;
  return sum;
}

/** Numbers times a factor. */
export function copyRows(this: Threads, rows: Heads, factor: number): number {
  return rows[this.thread.z]![this.thread.y]![this.thread.x]! * factor;
}

/** What there is, plus `share` of every head, one after the other. */
export function addHeads(this: Threads, before: Heads, rows: Heads, heads: number, share: number): number {
  let sum = before[0]![this.thread.y]![this.thread.x]!;
  for (let head = 0; head < heads; head++) sum += rows[head]![this.thread.y]![this.thread.x]! * share;
  return sum;
}

export function fillRows(this: Threads, number: number): number {
  return number;
}
