// Every kernel of this process, called directly on this thread.
import test from 'ava';
import { probeCpuKernels } from '../../workers/kernels/registry.js';
import { hasAddon, kernels } from '../helpers/engines.js';
import { createBench } from '../helpers/kernel-bench.js';
import { kernelChecks } from '../helpers/kernel-checks.js';

const target = `${process.platform}-${process.arch}`;

for (const name of kernels) {
  for (const [title, check] of Object.entries(kernelChecks)) {
    test(`${name}: ${title}`, (t) => {
      t.notThrows(() => {
        check(createBench(name));
      });
    });
  }
}

test('the registry names the kernels best first, and all that were built can run here', (t) => {
  const answers = probeCpuKernels();
  t.deepEqual(
    answers.map(({ name }) => name),
    ['native', 'wasm', 'reference'],
  );
  for (const answer of answers) {
    if (hasAddon || answer.name !== 'native') t.true(answer.available, JSON.stringify(answer));
    else
      t.like(answer, {
        available: false,
        reason: `there is no addon for ${target}`,
      });
  }
  if (!hasAddon) t.log('the native kernel was not built here');
});

test('the WebAssembly kernel refuses keys, values and panels outside its memory', (t) => {
  const { kernel, place, placeOutside } = createBench('wasm');
  const panels = placeOutside(new Float32Array(16));
  const packing = { weight: place([1]), bias: null, columns: 1, depth: 1, panels };
  t.throws(
    () => {
      kernel.pack(packing);
    },
    { instanceOf: TypeError, message: /must lie in the arena/ },
  );
});
