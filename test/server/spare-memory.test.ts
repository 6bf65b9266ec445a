// Memory that the server of examples/server uses again: what is taken is long enough, nothing lies about without end, and
// nobody is answered with what others left there.
import { once } from 'node:events';
import test from 'ava';
import { assertSameBytes } from '../helpers/assertions.js';
import { connectTo, safetensorsType, served, startServer } from '../helpers/example-server.js';
import { packageRoot } from '../helpers/package-root.js';
import { answerOf, outputOf, rowsOf, toSafetensors } from '../helpers/served-rows.js';

interface Spare {
  take: (byteLength: number) => SharedArrayBuffer | undefined;
  give: (buffer: SharedArrayBuffer) => void;
}

async function makeSpare(most: number): Promise<Spare> {
  const { SpareMemory } = (await import(new URL('examples/server/spare-memory.js', packageRoot()).href)) as {
    readonly SpareMemory: new (most: number) => Spare;
  };
  return new SpareMemory(most);
}

const KiB = 2 ** 10;

test('what was given is taken again where it is as long, or a quarter longer, by one at a time', async (t) => {
  const spare = await makeSpare(2 ** 30);
  const first = new SharedArrayBuffer(100 * KiB);
  t.is(spare.take(100 * KiB), undefined);
  spare.give(first);
  t.is(spare.take(100 * KiB + 1), undefined);
  t.is(spare.take(80 * KiB - 1), undefined);
  t.is(spare.take(80 * KiB), first);
  t.is(spare.take(80 * KiB), undefined);
});

test('the oldest goes where there is too much, and little is not kept', async (t) => {
  const spare = await makeSpare(250 * KiB);
  const [first, second, third] = [1, 2, 3].map(() => new SharedArrayBuffer(100 * KiB));
  for (const buffer of [first!, second!, third!]) spare.give(buffer);
  t.is(spare.take(100 * KiB), third);
  t.is(spare.take(100 * KiB), second);
  t.is(spare.take(100 * KiB), undefined);
  for (const bytes of [10, 300 * KiB]) {
    spare.give(new SharedArrayBuffer(bytes));
    t.is(spare.take(bytes), undefined);
  }
});

const { modelDim } = served;

for (const most of ['', '0', String(400 * KiB)]) {
  test(`answers are each one’s own, among clients that hang up: MAX_SPARE_BYTES=${most}`, async (t) => {
    const server = await startServer(t, { MAX_SPARE_BYTES: most });
    const inputs = Array.from({ length: 8 }, (_, n) => rowsOf([280 + 21 * n, modelDim], n));
    const wanted = await Promise.all(inputs.map(async (x) => (await answerOf(x)).data));
    const hangUp = async (n: number): Promise<void> => {
      const { socket } = connectTo(server);
      const body = toSafetensors(inputs[n]!);
      const head = `POST /v1/attention HTTP/1.1\r\nHost: x\r\nContent-Type: ${safetensorsType}\r\nContent-Length: ${body.length}\r\n\r\n`;
      socket.write(head);
      // Some go in the midst of their body, some when its answer may be on its way.
      socket.end(body.subarray(0, n % 2 === 0 ? body.length : body.length / 2), () => socket.destroy());
      await once(socket, 'close');
    };
    for (let round = 0; round < 6; round++) {
      await Promise.all(
        inputs.map(async (x, n) => {
          if ((n + round) % 3 === 0) return hangUp(n);
          const output = await outputOf(await server.post('/v1/attention', toSafetensors(x)));
          assertSameBytes(t, output.data, wanted[n]!, `round ${round}, ${n}`);
        }),
      );
    }
  });
}
