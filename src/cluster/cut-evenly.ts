// Cuts a row of weights into parts of about the same sum, in their order. It knows no files.

/**
 * The bounds [parts + 1] of `parts` parts: part `n` holds the weights `bounds[n]` … `bounds[n + 1] - 1`. A weight goes
 * where its middle lies, so that no part is further from an equal share than the largest weight.
 */
export function cutEvenly(weights: Iterable<number>, total: number, parts: number): number[] {
  const bounds = [0];
  let [index, before] = [0, 0];
  for (const weight of weights) {
    const part = Math.min(parts - 1, Math.floor(((before + weight / 2) / total) * parts));
    while (bounds.length <= part) bounds.push(index);
    before += weight;
    index++;
  }
  while (bounds.length <= parts) bounds.push(index);
  return bounds;
}
