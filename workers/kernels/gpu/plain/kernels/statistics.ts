// Statistics of rows of weights, 0 for a row that attends no key. A thread: query x, head y.
import type { Heads, Threads } from './thread.js';

/** -Σ p ln p, in nats; p ln p is 0 at 0. */
export function findEntropy(this: Threads, weights: Heads, columns: number): number {
  let entropy = 0;
  for (let j = 0; j < columns; j++) {
    const p = weights[this.thread.y]![this.thread.x]![j]!;
    if (p !== 0) entropy -= p * Math.log(p);
  }
  return entropy;
}

/** Σ p · |position - j| */
export function findDistance(this: Threads, weights: Heads, keys: number, position: number): number {
  let distance = 0;
  for (let j = 0; j < keys; j++)
    distance += weights[this.thread.y]![this.thread.x]![j]! * Math.abs(this.thread.x + position - j);
  return distance;
}

/** The weight of key `first` + `step` · query; 0 where there is none. */
export function findWeight(this: Threads, weights: Heads, keys: number, first: number, step: number): number {
  if (first + step * this.thread.x < 0) return 0;
  if (first + step * this.thread.x >= keys) return 0;
  return weights[this.thread.y]![this.thread.x]![first + step * this.thread.x]!;
}

/** The largest of numbers that are not negative. */
export function findLargest(this: Threads, numbers: Heads, columns: number): number {
  let largest = 0;
  for (let j = 0; j < columns; j++) largest = Math.max(largest, numbers[this.thread.y]![this.thread.x]![j]!);
  return largest;
}

/** The L2 norm of rows. */
export function findNorm(this: Threads, rows: Heads, columns: number): number {
  let squares = 0;
  for (let d = 0; d < columns; d++)
    squares += rows[this.thread.y]![this.thread.x]![d]! * rows[this.thread.y]![this.thread.x]![d]!;
  return Math.sqrt(squares);
}

/** √(oᵀ·G·o) with G of the head; rounding may leave the square a little below 0. */
export function findContribution(this: Threads, rows: Heads, gram: Heads, valueDim: number): number {
  let square = 0;
  for (let a = 0; a < valueDim; a++) {
    let product = 0;
    for (let b = 0; b < valueDim; b++)
      product += rows[this.thread.y]![this.thread.x]![b]! * gram[this.thread.y]![a]![b]!;
    square += rows[this.thread.y]![this.thread.x]![a]! * product;
  }
  if (square < 0) return 0;
  return Math.sqrt(square);
}
