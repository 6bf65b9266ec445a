// A process of `server.ts`: the clients of a server that is a process of its own. What it took, as JSON on stdout.
import { formatSafetensors, parseSafetensors } from '../../../src/index.js';
import { bytesOf } from '../../../src/files/positional-io.js';
import { callers } from '../calls/many-callers.js';
import { drawWork } from '../calls/works.js';
import { Connection, formatRequest } from './connection.js';
import { sampleWork, takeSample, type SampleRequest } from './sample.js';
import { startServer } from './start-server.js';

const request = JSON.parse(process.argv[2]!) as SampleRequest;
const { modelDim, heads, lengths } = sampleWork;
const requests = drawWork(sampleWork).sequences.map((x) =>
  formatRequest(formatSafetensors(new Map([['x', { shape: x.shape, data: x.data }]]))),
);
await using server = await startServer({
  THREADS: String(request.threads),
  MODEL_DIM: String(modelDim),
  HEADS: String(heads),
});
const connections = await Promise.all(Array.from({ length: callers }, () => Connection.open(server.port)));
// Whose bytes are compared are those that come first: reading an answer is work that a client has anyhow.
const isCompared = { left: lengths.length };
const sample = await takeSample(
  async (sequence, caller) => {
    const body = await connections[caller]!.ask(requests[sequence]!);
    return isCompared.left-- > 0 ? readOutput(body) : body;
  },
  request,
  null,
);
for (const connection of connections) connection.close();
console.log(JSON.stringify(sample));

async function readOutput(body: Buffer): Promise<Uint8Array> {
  const { tensors } = await parseSafetensors(body);
  return bytesOf(tensors.get('output')!.data);
}
