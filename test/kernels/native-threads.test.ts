// The native kernel in many threads: workers load it, compute and end, one after another and side by side, and the
// arithmetic of the host stays as it was.
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { addonProblem } from '../helpers/engines.js';
import { computeSome, denormalsSurvive } from '../helpers/native-worker.js';
import { testUnless } from '../helpers/skips.js';

const workerFile = fileURLToPath(new URL('../helpers/native-worker.js', import.meta.url));

function runWorker(): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(workerFile);
    let answer: unknown;
    worker.once('message', (message: unknown) => (answer = message));
    worker.once('error', reject);
    worker.once('exit', () => {
      resolve(answer);
    });
  });
}

const testNative = testUnless(addonProblem);

testNative('200 workers load the kernel, compute and end, four at a time', async (t) => {
  const wanted = { numbers: computeSome(), denormals: true };
  for (let n = 0; n < 50; n++) {
    const answers = await Promise.all(Array.from({ length: 4 }, runWorker));
    t.deepEqual(answers, [wanted, wanted, wanted, wanted]);
  }
  t.deepEqual(computeSome(), wanted.numbers, 'the kernel of this thread works on');
});

testNative('denormal numbers keep their value after the kernel has computed', (t) => {
  computeSome();
  t.true(denormalsSurvive());
});
