// What becomes of a call whose worker throws, exits, hangs or is ended: what was left undone runs again, once.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import type { AttentionResult } from '../../src/attention/result.js';
import { createXavierWeights } from '../../src/attention/xavier.js';
import { createEngine, type Engine } from '../../src/engine/engine.js';
import { startFlaky } from '../helpers/flaky-engine.js';
import { faults } from '../helpers/flaky-faults.js';
import { normalTensor } from '../helpers/random.js';
import { untilWritten } from '../helpers/long-calls.js';

const [modelDim, heads] = [64, 4];
const x = normalTensor([700, modelDim], 1);

async function wantedBytes(scale: number): Promise<Float32Array> {
  await using engine = await createEngine({ kernel: 'reference', threads: 2 });
  return (await engine.attention({ q: x, k: x, v: x, heads, scale })).output.data;
}

for (const fault of ['throws once', 'exits once', 'hangs once'] as const) {
  for (const threads of [1, 2]) {
    test.serial(`a worker of ${threads} that ${fault} costs a call nothing but time`, async (t) => {
      const warnings: string[] = [];
      await using engine = await startFlaky(t, {
        threads,
        unitTimeoutMs: 3000,
        logger: { warn: (message) => warnings.push(message) },
      });
      const { scale } = faults[fault];
      const { output } = await engine.attention({ q: x, k: x, v: x, heads, scale });
      t.deepEqual(output.data, await wantedBytes(scale));
      t.regex(warnings.join(), /running what is left of the call again/);
      if (fault === 'hangs once')
        t.regex(warnings.join(), /its unit took longer than 3000 ms \(unitTimeoutMs\)/);
      t.is(engine.stats().calls.completed, 1);
    });
  }
}

test.serial('a unit that throws again fails its call with the cause, and the engine goes on', async (t) => {
  await using engine = await startFlaky(t, { threads: 1 });
  const { scale } = faults['throws twice'];
  const error = await t.throwsAsync(engine.attention({ q: x, k: x, v: x, heads, scale }), {
    code: 'UNIT_FAILED',
    message: /^Worker 0 failed in unit \[.*\] of phase attend: on purpose$/,
  });
  t.is((error.cause as Error).message, 'on purpose');
  t.deepEqual(
    (await engine.attention({ q: x, k: x, v: x, heads, scale })).output.data,
    await wantedBytes(scale),
  );
});

test.serial('a call whose workers end twice fails, and the engine goes on', async (t) => {
  await using engine = await startFlaky(t, { threads: 1 });
  const { scale } = faults['exits twice'];
  await t.throwsAsync(engine.attention({ q: x, k: x, v: x, heads, scale }), {
    code: 'WORKER_LOST',
    message: /^Worker 0 ended during the call: /,
  });
  t.deepEqual(
    (await engine.attention({ q: x, k: x, v: x, heads, scale })).output.data,
    await wantedBytes(scale),
  );
});

test('a worker that runs out of heap costs a call nothing but time', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headpool-faults-'));
  const script = fileURLToPath(new URL('hosts/small-heap.js', import.meta.url));
  const { stdout, status } = spawnSync(process.execPath, ['--max-old-space-size=48', script], {
    encoding: 'utf8',
    env: { ...process.env, HEADPOOL_TEST_FAULTS: folder },
  });
  rmSync(folder, { recursive: true });
  t.regex(stdout, /memory limit.*running what is left of the call again\nthe same bytes\n$/s);
  t.is(status, 0);
});

test.serial('a call whose worker is ended gives the same bytes, whatever it was at', async (t) => {
  const layerOf = async (engine: Engine) =>
    engine.multiHeadAttention({ heads, weights: createXavierWeights({ modelDim, heads }) });
  await using engine = await createEngine({ kernel: 'reference', threads: 2 });
  const layer = await layerOf(engine);
  const options = { causal: true, rope: { base: 10_000 }, qkNorm: { q: ones(), k: ones() } } as const;
  const wanted = (await layer.forward(x, options)).output.data;
  let failed = 0;
  for (let afterMs = 0; afterMs < 20; afterMs++) {
    const call = layer.forward(x, options).then(
      ({ output }) => output.data,
      (error: unknown) => error,
    );
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await engine.terminateWorker(afterMs % 2);
    const result = await call;
    if (result instanceof Float32Array) t.deepEqual(result, wanted);
    // The one kind of unit that overwrites what it reads.
    else {
      t.regex(String(result), /WORKER_LOST|ended during the call/);
      failed++;
    }
  }
  t.true(failed < 10, `${failed} of 20 calls failed`);
});

function ones(): Float32Array {
  return new Float32Array(modelDim / heads).fill(1);
}

test('the call of a worker that is ended twice fails', async (t) => {
  await using engine = await createEngine({ kernel: 'reference', threads: 1 });
  const long = normalTensor([3000, modelDim], 1);
  const out = engine.tensor(long.shape);
  const call = engine.attention({ q: long, k: long, v: long, heads, out });
  const failed = t.throwsAsync(call, { code: 'WORKER_LOST' });
  await untilWritten(out);
  await engine.terminateWorker(0);
  out.data.fill(0);
  await untilWritten(out);
  await engine.terminateWorker(0);
  await failed;
});

test('a call that adds up the weights of its heads never adds those of a unit twice', async (t) => {
  await using engine = await createEngine({ kernel: 'reference', threads: 2 });
  const options = { heads, returnWeights: 'mean' } as const;
  for (let round = 0; round < 6; round++) {
    const out = engine.tensor(x.shape);
    const call = engine.attention({ q: x, k: x, v: x, ...options, out }).catch((error: unknown) => error);
    await untilWritten(out);
    await engine.terminateWorker(round % 2);
    const result = await call;
    if (result instanceof Error) {
      t.regex(result.message, /ended during the call/);
      continue;
    }
    const { data } = (result as AttentionResult).weights!;
    const tokens = x.shape[0]!;
    for (let row = 0; row < tokens; row++) {
      const sum = data.subarray(row * tokens, (row + 1) * tokens).reduce((a, b) => a + b, 0);
      if (Math.abs(sum - 1) > 1e-3) t.fail(`row ${row} sums to ${sum}`);
    }
  }
  t.pass();
});
