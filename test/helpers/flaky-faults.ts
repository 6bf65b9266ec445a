// The ways in which units of the flaky worker fail, told by the scale of their call.

/** How often a fault happens, among all threads, before units of that scale compute as any other. */
export const faults = {
  'throws once': { scale: 0.5, times: 1 },
  'throws twice': { scale: 0.25, times: 2 },
  'exits once': { scale: 0.125, times: 1 },
  'exits twice': { scale: 0.0625, times: 2 },
  'hangs once': { scale: 2, times: 1 },
  'exhausts its heap once': { scale: 4, times: 1 },
} as const;

export type Fault = keyof typeof faults;
