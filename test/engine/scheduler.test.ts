// Jobs that fail inside a worker, seen from the scheduler.
import test from 'ava';
import { planPhase } from '../../src/engine/assemble/assembly.js';
import { planPeak } from '../../src/engine/plan/plan-layer.js';
import { WorkerPool } from '../../src/engine/pool.js';
import { Scheduler } from '../../src/engine/scheduler.js';
import { resolveWorkerUrl } from '../../src/engine/worker-url.js';
import { HeadpoolError } from '../../src/core/errors.js';

test('an error in a worker carries the phase and the unit that failed, and the pool goes on', async (t) => {
  const pool = new WorkerPool({ threads: 2, workerUrl: resolveWorkerUrl(undefined) });
  await pool.probe('cpu');
  const scheduler = new Scheduler(pool, { takesUnits: true });
  await pool.start({ kernel: 'reference', instructionSet: 'JavaScript' }, undefined, scheduler);
  try {
    const good = planPhase('peak', { kind: 'peak' }, planPeak(4, 10));
    const bad = planPhase('pack', { kind: 'pack', linears: [] }, planPeak(6, 7));
    const error = await t.throwsAsync(scheduler.run([good, bad]), { instanceOf: HeadpoolError });
    t.is(error.code, 'UNIT_FAILED');
    t.regex(error.message, /Worker \d failed in unit \[7, 0, 0, 0, 0\] of phase pack: /);
    t.true(error.cause instanceof TypeError);
    const { spans } = await scheduler.run([good, good]);
    t.is(spans.length, 2);
    t.true(spans.every(({ startMs, endMs }) => endMs >= startMs));
  } finally {
    await pool.close();
  }
});
