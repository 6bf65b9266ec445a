// Which sampler takes a call, and how samplers end.
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { isShort, sampleCalls, sampleInCycles, sampleInTurn } from '../../src/measure/sample.js';

const options = { seconds: 0.05, leastSamples: 2 };

/** A call that waits and counts. */
function countedCall(ms: number) {
  const call = async (): Promise<void> => {
    call.count++;
    if (ms > 0) await sleep(ms);
  };
  call.count = 0;
  return call;
}

test('calls below 10 ms are short', (t) => {
  t.true(isShort(9.99));
  t.false(isShort(10));
});

test('short calls are sampled in cycles of many', async (t) => {
  const call = countedCall(0);
  const samples = await sampleCalls(call, options);
  t.true(samples.length >= 2);
  t.true(samples.every((ms) => ms > 0));
  t.true(call.count > 10 * samples.length, `${call.count} calls for ${samples.length} samples`);
});

test('long calls are their own samples, after at most two to warm up', async (t) => {
  const call = countedCall(20);
  const samples = await sampleCalls(call, options);
  t.true(samples.length >= 2);
  t.true(call.count - samples.length <= 2);
});

test('there are as many samples as are needed, however long they take', async (t) => {
  t.is((await sampleInTurn(countedCall(2), { seconds: 1e-6, leastSamples: 7 })).length, 7);
  t.true((await sampleInCycles(countedCall(0), { seconds: 1e-6, leastSamples: 4 })).length >= 4);
});

test('what a call throws comes out', async (t) => {
  const wrong = new Error('broken');
  for (const sampler of [sampleCalls, sampleInCycles, sampleInTurn]) {
    const calls = countedCall(0);
    const call = async (): Promise<void> => {
      await calls();
      if (calls.count > 3) throw wrong;
    };
    t.is(await t.throwsAsync(sampler(call, { seconds: 60, leastSamples: 2 })), wrong);
  }
});

test('a signal ends sampling with its reason', async (t) => {
  const reason = new Error('enough');
  for (const sampler of [sampleInCycles, sampleInTurn]) {
    const controller = new AbortController();
    setTimeout(() => {
      controller.abort(reason);
    }, 20);
    const limits = { seconds: 60, leastSamples: 2, signal: controller.signal };
    t.is(await t.throwsAsync(sampler(() => sleep(1), limits)), reason);
    t.is(await t.throwsAsync(sampler(() => sleep(1), limits)), reason, 'it was aborted before');
  }
});
