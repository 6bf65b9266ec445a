// Pieces of WGSL text: what is unrolled is written out, so that arrays of a thread become registers everywhere.

/** `make(0)` … `make(count - 1)`, a line each. */
export function times(count: number, make: (n: number) => string): string {
  return Array.from({ length: count }, (_, n) => make(n)).join('\n');
}

/** `make(0)` … `make(count - 1)` as a list of arguments. */
export function listed(count: number, make: (n: number) => string): string {
  return Array.from({ length: count }, (_, n) => make(n)).join(', ');
}

/** The text where a variant has it, else nothing. */
export function when(isPresent: boolean, text: string): string {
  return isPresent ? text : '';
}

/** Component r of a vector of rows. */
export function component(r: number): string {
  return 'xyzw'[r]!;
}
