// What a page shows as output, held against what came out: words alike, numbers nearly, measured ones not at all.

/** What differs from machine to machine and from run to run. */
const measured: readonly (readonly [RegExp, string])[] = [
  [/^(kernel|threads|tokens\/s|GFLOP\/s) +.*$/gm, '$1 …'],
  [/[\d.,]+ (µs|ms|s|min)\b/g, '… time'],
  [/[\d.]+ %/g, '… %'],
];

/** The first difference, or undefined. */
export function findDifference(shown: string, found: string): string | undefined {
  const [want, have] = [linesOf(shown), linesOf(found)];
  for (let n = 0; n < Math.max(want.length, have.length); n++) {
    const [a, b] = [want[n], have[n]];
    if (a === undefined || b === undefined || !areAlike(a, b))
      return `shown:\n  ${a ?? '(no more lines)'}\nfound:\n  ${b ?? '(no more lines)'}`;
  }
  return undefined;
}

function linesOf(text: string): string[] {
  const masked = measured.reduce((rest, [pattern, mask]) => rest.replace(pattern, mask), text);
  return masked
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function areAlike(a: string, b: string): boolean {
  const [left, right] = [a.split(/\s+/), b.split(/\s+/)];
  return left.length === right.length && left.every((word, n) => isNear(word, right[n]!));
}

function isNear(a: string, b: string): boolean {
  if (a === b) return true;
  const [x, y] = [Number(a), Number(b)];
  return Math.abs(x - y) <= 1e-3 * Math.max(1, Math.abs(x));
}
