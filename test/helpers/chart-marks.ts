// The marks of a chart, read back out of its SVG.

export interface Mark {
  readonly series: string;
  readonly x: number;
  readonly y: number;
}

export function readMarks(svg: string): Mark[] {
  const marks = svg.matchAll(
    /<g class="mark[^"]*" data-series="([^"]*)" data-x="([^"]*)" data-y="([^"]*)">/g,
  );
  return [...marks].map(([, series, x, y]) => ({ series: series!, x: Number(x), y: Number(y) }));
}

type Place = Pick<Mark, 'x' | 'y'>;

export function sortMarks(marks: readonly Place[]): Place[] {
  return [...marks].sort((a, b) => a.x - b.x || a.y - b.y);
}

/** All numbers of a path, in their order. */
export function readNumbers(path: string): number[] {
  return (path.match(/-?\d+(?:\.\d+)?/g) ?? []).map(Number);
}
