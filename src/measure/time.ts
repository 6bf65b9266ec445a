// The clock of all measurements.

/** Milliseconds that a run takes. */
export async function time(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}
