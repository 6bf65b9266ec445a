// What is known of one query row while it is computed. Types only.

/** One query row of a block: query i of member g of the group. */
export interface Row {
  readonly i: number;
  readonly g: number;
  /** Scores of the keys in order, extra keys last, then their probabilities; nothing where left out. */
  readonly scores: Float32Array;
  /** Which keys the row may attend; decided by masks and positions alone, never by scores. */
  readonly isAttended: Uint8Array;
}
