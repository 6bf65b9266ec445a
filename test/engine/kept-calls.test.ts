// Calls that are kept: when workers may compute them again, seen from the block that they share.
import test from 'ava';
import { control, presenceSlot, slotStride } from '../../src/core/protocol/control.js';
import { createTensor } from '../../src/core/tensor/tensor.js';
import { planPhase } from '../../src/engine/assemble/assembly.js';
import type { WorkingSet } from '../../src/engine/assemble/working-set.js';
import { KeptCalls, type KeptCall } from '../../src/engine/kept-calls.js';
import { planPeak } from '../../src/engine/plan/plan-layer.js';
import type { WorkerPool } from '../../src/engine/pool.js';
import { Scheduler } from '../../src/engine/scheduler.js';

/** A pool of one seat, where nobody sits but `generation` says who would. */
function emptyPool() {
  const seat = { generation: 1 };
  const pool = { size: 1, generation: () => seat.generation, post: () => undefined };
  return { seat, pool: pool as unknown as WorkerPool };
}

const layer = {};
const plain = { options: {}, key: '' };

/** A kept call that was computed once, and taken again. */
function takeAgain(kept: KeptCalls): KeptCall {
  const rows = createTensor([2]);
  const phases = [planPhase('peak', { kind: 'peak' }, planPeak(2, 1))];
  const assembly = { phases, conclude: () => ({ output: rows }) };
  const take = () =>
    kept.take({ owner: layer, shape: [2], plain, priority: 'interactive' }, () => ({
      input: rows.data,
      output: rows.data,
      assembly,
    }))!;
  const call = take();
  setSlot(call, control.complete, 1);
  kept.give(call);
  return take();
}

function setSlot({ job }: KeptCall, slot: number, value: number): void {
  new Int32Array(job.block.description.block)[slotStride * slot] = value;
}

function openKept(pool: WorkerPool): KeptCalls {
  const memory = { bytes: 64, release: () => undefined } as unknown as WorkingSet;
  return new KeptCalls(new Scheduler(pool, { takesUnits: true }), () => memory);
}

test('who was called for the run before finds a kept call complete until its new rows lie in their place', (t) => {
  const { job } = takeAgain(openKept(emptyPool().pool));
  t.true(job.block.isOver);
});

test('a kept call that a worker ended in, after its last unit, runs again without that worker', (t) => {
  const { seat, pool } = emptyPool();
  const kept = openKept(pool);
  const call = takeAgain(kept);
  call.job.knownBy.set(0, seat.generation);
  setSlot(call, presenceSlot(call.phases.length, 0), 1);
  setSlot(call, control.complete, 1);
  kept.give(call);
  seat.generation++;
  t.is(takeAgain(kept), call);
  t.false(call.job.block.isEntered());
});
