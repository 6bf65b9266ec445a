// Scores of queries and keys. A thread: key x, query y, head z of those that share a key/value head.
import { hyperbolicTangent } from './numbers.js';
import type { Heads, Threads } from './thread.js';

/** 1 where a query may attend a key; decided by masks and positions alone, never by scores. Extra keys come last. */
export function findAttended(
  this: Threads,
  mask: Heads,
  leftOut: Heads,
  keys: number,
  position: number,
  left: number,
  right: number,
): number {
  if (this.thread.x >= keys) return 1;
  if (this.thread.x < this.thread.y + position - left) return 0;
  if (this.thread.x > this.thread.y + position + right) return 0;
  if (mask[this.thread.z]![this.thread.y]![this.thread.x]! === 0) return 0;
  if (leftOut[this.thread.z]![this.thread.y]![this.thread.x]! === 1) return 0;
  return 1;
}

/** scale · q·k */
export function multiplyKeys(
  this: Threads,
  query: Heads,
  key: Heads,
  headDim: number,
  scale: number,
): number {
  let dot = 0;
  for (let d = 0; d < headDim; d++)
    dot += query[this.thread.z]![this.thread.y]![d]! * key[0]![this.thread.x]![d]!;
  return dot * scale;
}

/** c · tanh(s / c) */
export function capScores(this: Threads, scores: Heads, softcap: number): number {
  return softcap * hyperbolicTangent(scores[this.thread.z]![this.thread.y]![this.thread.x]! / softcap);
}

/** s - slope · distance + bias; extra keys, which have no position, keep theirs. */
export function placeScores(
  this: Threads,
  scores: Heads,
  slopes: Heads,
  bias: Heads,
  keys: number,
  position: number,
): number {
  if (this.thread.x >= keys) return scores[this.thread.z]![this.thread.y]![this.thread.x]!;
  return (
    scores[this.thread.z]![this.thread.y]![this.thread.x]! -
    slopes[this.thread.z]![0]![0]! * Math.abs(this.thread.y + position - this.thread.x) +
    bias[this.thread.z]![this.thread.y]![this.thread.x]!
  );
}

/** Scores, and `instead` where a key is left out. */
export function leaveOut(this: Threads, scores: Heads, attended: Heads, instead: number): number {
  if (attended[this.thread.z]![this.thread.y]![this.thread.x]! === 0) return instead;
  return scores[this.thread.z]![this.thread.y]![this.thread.x]!;
}
