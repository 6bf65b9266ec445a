// The servers of README.md and docs/servers.md: they answer, refuse what is wrong, and end when they are told to.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'ava';
import { createXavierWeights } from '../../src/attention/xavier.js';
import { createEngine } from '../../src/engine/engine.js';
import { formatSafetensors, parseSafetensors } from '../../src/files/safetensors-bytes.js';
import { assertSameBytes } from '../helpers/assertions.js';
import { makeReadersFolder, manual, readBlocks } from '../helpers/documents.js';
import { answerOf, rowsOf, toSafetensors } from '../helpers/served-rows.js';
import { testOnUnix } from '../helpers/skips.js';

const servers = manual.flatMap(readBlocks).filter(({ text }) => text.includes('createServer('));

test('two pages have a server', (t) => {
  t.deepEqual(
    servers.map(({ page }) => page),
    ['README.md', 'docs/servers.md'],
  );
});

for (const { page, text } of servers) {
  testOnUnix(
    `the server of ${page} answers rows with rows, refuses others, and ends on SIGTERM`,
    async (t) => {
      const folder = await makeReadersFolder(t, page);
      const path = join(folder, 'server.mjs');
      await writeFile(path, text);
      const child = spawn(process.execPath, [path], { cwd: folder, env: { ...process.env, PORT: '0' } });
      t.teardown(() => child.kill('SIGKILL'));
      const lines = createInterface(child.stdout);
      const [first] = (await once(lines, 'line')) as [string];
      const port = /port: (\d+)/.exec(first)![1]!;
      const post = (body: Uint8Array<ArrayBuffer>) =>
        fetch(`http://localhost:${port}/`, { method: 'POST', body });

      const [a, b] = [rowsOf([3, 64], 1), rowsOf([2, 40, 64], 2)];
      const both = formatSafetensors(
        new Map([
          ['a', a],
          ['b', b],
        ]),
      );
      const answers = await Promise.all(
        [both, toSafetensors(a), toSafetensors(rowsOf([3, 7])), both.slice(1)].map(post),
      );
      t.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 400, 400],
      );
      const { tensors } = await parseSafetensors(new Uint8Array(await answers[0]!.arrayBuffer()));
      for (const [name, x] of [
        ['a', a],
        ['b', b],
      ] as const)
        assertSameBytes(t, tensors.get(name)!.data, (await answerOf(x, { causal: true })).data, name);
      t.regex(await answers[2]!.text(), /Expected a last axis of 64/);

      child.kill('SIGTERM');
      const [code] = (await once(child, 'close')) as [number];
      t.is(code, 0);
    },
  );
}

test('the sizes that docs/servers.md tells are those of an engine', async (t) => {
  await using engine = await createEngine({ threads: 1 });
  const weights = createXavierWeights({ modelDim: 512, heads: 8, seed: 1 });
  const layer = await engine.multiHeadAttention({ heads: 8, weights });
  const { memoryBytes } = engine.stats();
  t.is((memoryBytes / 1e6).toFixed(1), '4.2');
  for (const [dtype, bytes] of [
    ['f32', 8],
    ['f16', 4],
  ] as const) {
    const cache = layer.createCache({ maxTokens: 4096, dtype });
    t.is(engine.stats().memoryBytes - memoryBytes, bytes * 8 * 64 * 4096);
    cache.dispose();
  }
  const call = layer.forward(engine.tensor([100, 512]), { causal: true });
  t.is(engine.stats().queuedBytes, 20 * 512 * 100);
  await call;
});
