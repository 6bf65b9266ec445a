// A sample that looks at all of a list, however soon it ends. Pure.

const goldenRatio = (Math.sqrt(5) - 1) / 2;

/** All of a list in an order whose every beginning is spread over it, again and again. */
export function* spreadEvenly<T>(list: readonly T[]): Generator<T, never> {
  const stride = strideFor(list.length);
  for (let at = 0; ; at = (at + stride) % list.length) yield list[at]!;
}

/** Steps of this length meet every place before one twice. */
function strideFor(length: number): number {
  let stride = Math.max(1, Math.round(length * goldenRatio));
  while (divisorOf(stride, length) > 1) stride++;
  return stride;
}

function divisorOf(a: number, b: number): number {
  return b === 0 ? a : divisorOf(b, a % b);
}
