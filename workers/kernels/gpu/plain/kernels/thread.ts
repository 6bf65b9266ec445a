// What a kernel of gpu.js sees. Types only.
//
// The kernels beside this file are read as text and translated, so these modules are never bundled or made smaller. What
// gpu.js makes of JavaScript: a local variable is a float, an argument and `this.thread` may be an integer, a conditional
// expression computes both its sides (`if` computes one), and an infinity that is written into a kernel is only the
// largest float.

/** Which element a thread computes: column x of row y of head z. */
export interface Threads {
  readonly thread: { readonly x: number; readonly y: number; readonly z: number };
}

/** Numbers [head][row][column]; how they lie in memory is not a kernel's business. */
export type Heads = readonly (readonly (readonly number[])[])[];
