// Admission by itself: who is let in, who waits for whom, and who is refused. No engine, no workers.
import { getEventListeners } from 'node:events';
import test from 'ava';
import fc from 'fast-check';
import type { Priority } from '../../src/core/protocol/messages.js';
import { HeadpoolError } from '../../src/core/errors.js';
import {
  Admission,
  type AdmissionLimits,
  type AdmissionRequest,
  type Admitted,
} from '../../src/engine/admission.js';

const mebibyte = 2 ** 20;

function open(limits: Partial<AdmissionLimits> = {}, residentBytes = () => 0): Admission {
  const [maxQueue, bytes] = [1024, 100 * mebibyte];
  return new Admission(
    {
      maxQueue,
      maxQueueBytes: bytes,
      memoryLimitBytes: bytes,
      capacityBytes: Infinity,
      whenFull: 'wait',
      ...limits,
    },
    residentBytes,
  );
}

interface Wish {
  readonly mebibytes?: number;
  readonly priority?: Priority;
  readonly signal?: AbortSignal;
}

/** Calls that ask for admission, and the order in which they got it. */
class Callers {
  readonly order: string[] = [];
  readonly calls = new Map<string, Promise<Admitted>>();
  readonly #admission: Admission;

  constructor(admission: Admission) {
    this.#admission = admission;
  }

  call(name: string, { mebibytes = 0, priority = 'interactive', signal }: Wish = {}): void {
    const entered = enter(this.#admission, { bytes: mebibytes * mebibyte, priority, signal });
    const noted = entered.then((admitted) => {
      this.order.push(name);
      return admitted;
    });
    noted.catch(() => undefined);
    this.calls.set(name, noted);
  }

  /** Ends a call that was let in; resolves once those that it made room for have gone on. */
  async leave(name: string): Promise<void> {
    (await this.calls.get(name)!).leave();
    await settle();
  }
}

/** Refusals as rejections. */
async function enter(admission: Admission, request: AdmissionRequest): Promise<Admitted> {
  return admission.enter(request);
}

/** Lets everything happen that waits for nothing. */
const settle = () => new Promise(setImmediate);

async function refusal(entered: Promise<unknown> | undefined): Promise<HeadpoolError> {
  const error: unknown = await entered!.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof HeadpoolError) return error;
  throw new Error(`expected a refusal, got ${String(error)}`);
}

test("as many calls as `maxQueue` are let in at once, and 'error' refuses the next until one has left", async (t) => {
  const admission = open({ maxQueue: 2, whenFull: 'error' });
  const callers = new Callers(admission);
  for (const name of ['a', 'b', 'c']) callers.call(name);
  const { code, message } = await refusal(callers.calls.get('c'));
  t.is(code, 'QUEUE_FULL');
  t.is(message, 'Expected fewer than 2 open calls (maxQueue)');
  t.is(admission.openCalls, 2);
  await callers.leave('a');
  callers.call('d');
  await settle();
  t.deepEqual(callers.order, ['a', 'b', 'd']);
  t.is(admission.waitingCalls, 0);
});

for (const [bound, limits] of [
  ['maxQueueBytes', { maxQueueBytes: 10 * mebibyte }],
  ['memoryLimitBytes', { memoryLimitBytes: 13 * mebibyte }],
  ['what memory can hold', { capacityBytes: 13 * mebibyte }],
] as const) {
  test(`'error' refuses calls that take more together than ${bound} leaves beside weights and caches`, async (t) => {
    const callers = new Callers(open({ ...limits, whenFull: 'error' }, () => 3 * mebibyte));
    callers.call('a', { mebibytes: 6 });
    callers.call('b', { mebibytes: 5 });
    const { code, message } = await refusal(callers.calls.get('b'));
    t.is(code, 'QUEUE_FULL');
    t.is(
      message,
      'The call needs 5.0 MiB beside the 6.0 MiB of open calls, which may hold 10.0 MiB together ' +
        '(maxQueueBytes, memoryLimitBytes)',
    );
    callers.call('c', { mebibytes: 4 });
    await callers.leave('a');
    callers.call('d', { mebibytes: 6 });
    await settle();
    t.deepEqual(callers.order, ['a', 'c', 'd']);
  });
}

for (const whenFull of ['error', 'wait'] as const) {
  test(`'${whenFull}': a call that has no room even alone is refused at once`, async (t) => {
    const callers = new Callers(open({ whenFull }, () => 40 * mebibyte));
    callers.call('large', { mebibytes: 61 });
    const { code, message } = await refusal(callers.calls.get('large'));
    t.is(code, 'MEMORY_LIMIT');
    t.is(
      message,
      'The work needs 61.0 MiB on top of 40.0 MiB in use, over the limit of 100.0 MiB (memoryLimitBytes)',
    );
    callers.call('fits', { mebibytes: 60 });
    await callers.leave('fits');
  });
}

test('a call that needs more than calls may hold together computes alone', async (t) => {
  const callers = new Callers(open({ maxQueueBytes: 10 * mebibyte, capacityBytes: 10 * mebibyte }));
  callers.call('small', { mebibytes: 1 });
  callers.call('large', { mebibytes: 99 });
  callers.call('late', { mebibytes: 0 });
  await settle();
  t.deepEqual(callers.order, ['small']);
  await callers.leave('small');
  t.deepEqual(callers.order, ['small', 'large']);
  await callers.leave('large');
  t.deepEqual(callers.order, ['small', 'large', 'late']);
});

test('waiting calls are let in as they came, and each is told how long it waited', async (t) => {
  const admission = open({ maxQueue: 1 });
  const callers = new Callers(admission);
  const start = performance.now();
  for (const name of ['a', 'b', 'c', 'd']) callers.call(name);
  t.is(admission.openCalls, 1);
  t.is(admission.waitingCalls, 3);
  t.is((await callers.calls.get('a')!).waitedMs, 0);
  for (const name of ['a', 'b', 'c', 'd']) await callers.leave(name);
  t.deepEqual(callers.order, ['a', 'b', 'c', 'd']);
  const { waitedMs } = await callers.calls.get('d')!;
  t.true(waitedMs > 0 && waitedMs <= performance.now() - start);
  t.is(admission.openCalls, 0);
});

test('small calls do not overtake a large one, nor do those that come while it waits', async (t) => {
  const callers = new Callers(open({ maxQueueBytes: 10 * mebibyte }));
  callers.call('first', { mebibytes: 8 });
  callers.call('large', { mebibytes: 9 });
  callers.call('small', { mebibytes: 1 });
  await settle();
  callers.call('late', { mebibytes: 1 });
  await settle();
  t.deepEqual(callers.order, ['first']);
  await callers.leave('first');
  t.deepEqual(callers.order, ['first', 'large', 'small']);
  await callers.leave('small');
  t.deepEqual(callers.order, ['first', 'large', 'small', 'late']);
});

test("interactive calls go before those of 'batch', each in the order in which they came", async (t) => {
  const callers = new Callers(open({ maxQueue: 1 }));
  callers.call('first', { priority: 'batch' });
  callers.call('batch 1', { priority: 'batch' });
  callers.call('interactive 1');
  callers.call('batch 2', { priority: 'batch' });
  callers.call('interactive 2');
  const order = ['first', 'interactive 1', 'interactive 2', 'batch 1', 'batch 2'];
  for (const name of order) await callers.leave(name);
  t.deepEqual(callers.order, order);
});

test('an interactive call goes in before a large one of batch that waits for memory', async (t) => {
  const callers = new Callers(open({ maxQueueBytes: 10 * mebibyte }));
  callers.call('first', { mebibytes: 5 });
  callers.call('batch', { mebibytes: 9, priority: 'batch' });
  callers.call('interactive', { mebibytes: 5 });
  await settle();
  t.deepEqual(callers.order, ['first', 'interactive']);
});

test('an endless stream of interactive calls cannot hold one of batch back', async (t) => {
  const callers = new Callers(open({ maxQueueBytes: 10 * mebibyte }));
  callers.call('0', { mebibytes: 5 });
  callers.call('batch', { mebibytes: 10, priority: 'batch' });
  // Two at a time, so that there is never room for all that it needs.
  for (let n = 0; !callers.order.includes('batch'); n++) {
    t.true(n < 1000, 'it was held back');
    callers.call(String(n + 1), { mebibytes: 5 });
    await callers.leave(String(n));
    if (callers.order.at(-1) === 'batch') await callers.leave('batch');
  }
  t.is(callers.order.indexOf('batch'), 65);
});

test('a call that is aborted while it waits is gone at once, and takes no room', async (t) => {
  const admission = open({ maxQueueBytes: 10 * mebibyte });
  const callers = new Callers(admission);
  const early = { bytes: 0, priority: 'batch', signal: AbortSignal.abort('early') } as const;
  t.is(await enter(admission, early).catch((error: unknown) => error), 'early');
  const controller = new AbortController();
  callers.call('first', { mebibytes: 8 });
  callers.call('large', { mebibytes: 9, signal: controller.signal });
  callers.call('small', { mebibytes: 2 });
  await settle();
  t.deepEqual(callers.order, ['first']);
  controller.abort('enough');
  const reason: unknown = await callers.calls.get('large')!.catch((error: unknown) => error);
  t.is(reason, 'enough');
  await settle();
  t.deepEqual(callers.order, ['first', 'small'], 'who waited behind it is let in');
  t.is(admission.openCalls, 2);
  await callers.leave('first');
  await callers.leave('small');
  t.deepEqual([admission.openCalls, admission.waitingCalls], [0, 0]);
});

test('a thousand calls that wait on one signal are one listener on it, and none once they are over', async (t) => {
  const admission = open({ maxQueue: 1 });
  const callers = new Callers(admission);
  const controller = new AbortController();
  const { signal } = controller;
  callers.call('first');
  const names = Array.from({ length: 1000 }, (_, n) => String(n));
  for (const name of names) callers.call(name, { signal });
  t.is(getEventListeners(signal, 'abort').length, 1);
  await callers.leave('first');
  controller.abort('all');
  const reasons = await Promise.all(names.map((name) => callers.calls.get(name)!.catch(String)));
  t.is(reasons.filter((reason) => reason === 'all').length, 999);
  t.is(getEventListeners(signal, 'abort').length, 0);
  t.deepEqual([admission.openCalls, admission.waitingCalls], [1, 0]);
});

test('a signal that ends several waiting calls ends those alone, whoever it makes room for', async (t) => {
  const admission = open({ maxQueueBytes: 10 * mebibyte });
  const callers = new Callers(admission);
  const controller = new AbortController();
  callers.call('first', { mebibytes: 5 });
  callers.call('large', { mebibytes: 9, signal: controller.signal });
  callers.call('small', { mebibytes: 5, signal: controller.signal });
  callers.call('other', { mebibytes: 9 });
  controller.abort('enough');
  // Its turn came when the large one was gone, so that it is no longer one that waits.
  await callers.leave('small');
  await callers.leave('first');
  t.deepEqual(callers.order, ['first', 'small', 'other']);
  t.deepEqual([admission.openCalls, admission.waitingCalls], [1, 0]);
});

test('a call that no longer fits since memory was taken for other things is refused when nobody is left', async (t) => {
  let residentBytes = 0;
  const callers = new Callers(open({}, () => residentBytes));
  callers.call('first', { mebibytes: 60 });
  callers.call('second', { mebibytes: 70 });
  callers.call('third', { mebibytes: 50 });
  residentBytes = 40 * mebibyte;
  await callers.leave('first');
  t.is((await refusal(callers.calls.get('second'))).code, 'MEMORY_LIMIT');
  t.deepEqual(callers.order, ['first', 'third']);
});

test('leaving twice makes room once', async (t) => {
  const admission = open({ maxQueue: 2 });
  const callers = new Callers(admission);
  for (const name of ['a', 'b', 'c', 'd']) callers.call(name);
  await callers.leave('a');
  await callers.leave('a');
  t.deepEqual(callers.order, ['a', 'b', 'c']);
});

test('draining waits for calls that wait, too', async (t) => {
  const admission = open({ maxQueue: 1 });
  await admission.drain();
  const callers = new Callers(admission);
  callers.call('a');
  callers.call('b');
  let isIdle = false;
  const drained = admission.drain().then(() => {
    isIdle = true;
  });
  await callers.leave('a');
  t.false(isIdle);
  await callers.leave('b');
  await drained;
  t.true(isIdle);
});

const anyStep = fc.oneof(
  fc.record({
    kind: fc.constant('call' as const),
    mebibytes: fc.integer({ min: 0, max: 12 }),
    priority: fc.constantFrom('interactive' as const, 'batch' as const),
  }),
  fc.record({ kind: fc.constantFrom('leave' as const, 'abort' as const), which: fc.nat({ max: 1000 }) }),
);

test('whatever comes, leaves or is aborted: bounds hold, nobody of one priority overtakes, and all settle', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 60 }), async (steps) => {
      const admission = open({ maxQueue: 3, maxQueueBytes: 10 * mebibyte });
      const inside = new Map<number, { readonly mebibytes: number; readonly admitted: Admitted }>();
      const waiting = new Map<number, AbortController>();
      const entered: Record<Priority, number[]> = { interactive: [], batch: [] };
      let settled = 0;
      let count = 0;
      for (const step of steps) {
        if (step.kind === 'call') {
          const id = count++;
          const controller = new AbortController();
          waiting.set(id, controller);
          const { mebibytes, priority } = step;
          void enter(admission, { bytes: mebibytes * mebibyte, priority, signal: controller.signal })
            .then((admitted) => {
              entered[priority].push(id);
              inside.set(id, { mebibytes, admitted });
            })
            .catch(() => settled++)
            .finally(() => waiting.delete(id));
        } else if (step.kind === 'leave' && inside.size > 0) {
          const [id, { admitted }] = [...inside][step.which % inside.size]!;
          inside.delete(id);
          settled++;
          admitted.leave();
        } else if (step.kind === 'abort' && waiting.size > 0) {
          [...waiting.values()][step.which % waiting.size]!.abort();
        }
        await settle();
        const bytes = [...inside.values()].reduce((sum, one) => sum + one.mebibytes, 0);
        if ((bytes > 10 && inside.size > 1) || inside.size > 3) throw new Error('over its bounds');
        if (admission.openCalls !== inside.size) throw new Error('wrong count of open calls');
        if (admission.waitingCalls !== waiting.size) throw new Error('wrong count of waiting calls');
        if (waiting.size > 0 && inside.size === 0) throw new Error('nobody would wake who waits');
      }
      while (inside.size > 0) {
        for (const [id, { admitted }] of inside) {
          inside.delete(id);
          settled++;
          admitted.leave();
        }
        await settle();
      }
      for (const ids of Object.values(entered))
        t.deepEqual(
          ids,
          [...ids].sort((a, b) => a - b),
        );
      t.is(settled, count);
    }),
    { seed: 14, numRuns: 200 },
  );
});
