// Engines whose workers fail in the ways that the scale of a call names.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { startEngine, type Engine } from '../../src/engine/engine.js';
import type { EngineOptions } from '../../src/engine/engine-options.js';
import { sleep } from './long-calls.js';

/** Starts one whose faults have not happened yet; tests that have one must have the process for themselves. */
export async function startFlaky(t: ExecutionContext, options: EngineOptions): Promise<Engine> {
  const folder = mkdtempSync(join(tmpdir(), 'headpool-faults-'));
  process.env['HEADPOOL_TEST_FAULTS'] = folder;
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  return startEngine(options, new URL('../engine/workers/flaky.js', import.meta.url));
}

/** Resolves once a fault of the engine that was started last has happened. */
export async function untilFault(): Promise<void> {
  while (readdirSync(process.env['HEADPOOL_TEST_FAULTS']!).length === 0) await sleep(5);
}
