// A process with little heap, one of whose workers exhausts it.
import { startEngine } from '../../../src/engine/engine.js';
import { faults } from '../../helpers/flaky-faults.js';
import { normalTensor } from '../../helpers/random.js';

const options = { threads: 1, logger: { warn: (message: string) => process.stdout.write(`${message}\n`) } };
await using engine = await startEngine(options, new URL('../workers/flaky.js', import.meta.url));
const x = normalTensor([50, 64], 1);
const { scale } = faults['exhausts its heap once'];
const call = async () => (await engine.attention({ q: x, k: x, v: x, heads: 4, scale })).output.data;
const first = await call();
const then = await call();
process.stdout.write(first.every((value, n) => value === then[n]) ? 'the same bytes\n' : 'other bytes\n');
