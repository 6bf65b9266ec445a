// Least squares of two unknowns that may not be negative, solved exactly: the minimum lies inside, on one of the two
// edges or in the corner, and each of them is a formula.

/** a·x + b·y = c */
export type Equation = readonly [a: number, b: number, c: number];

/** x >= 0 and y >= 0 with the least sum of (a·x + b·y - c)². */
export function solveNonNegative(equations: readonly Equation[]): readonly [number, number] {
  const sum = (term: (equation: Equation) => number): number =>
    equations.reduce((total, equation) => total + term(equation), 0);
  const [aa, ab, bb] = [sum(([a]) => a * a), sum(([a, b]) => a * b), sum(([, b]) => b * b)];
  const [ac, bc] = [sum(([a, , c]) => a * c), sum(([, b, c]) => b * c)];
  const determinant = aa * bb - ab * ab;
  // Columns that are multiples of each other leave a line of solutions, and the edges are on it.
  if (determinant > 1e-12 * aa * bb) {
    const [x, y] = [(ac * bb - bc * ab) / determinant, (bc * aa - ac * ab) / determinant];
    if (x >= 0 && y >= 0) return [x, y];
  }
  const onEdges = [
    [aa > 0 ? Math.max(0, ac / aa) : 0, 0] as const,
    [0, bb > 0 ? Math.max(0, bc / bb) : 0] as const,
  ];
  const [first, second] = onEdges.map(([x, y]) => sum(([a, b, c]) => (a * x + b * y - c) ** 2));
  return first! <= second! ? onEdges[0]! : onEdges[1]!;
}
