// A process of `server.ts`: the library called where the callers are. What it took, as JSON on stdout.
import { bytesOf } from '../../../src/files/positional-io.js';
import { createEngine, createXavierWeights } from '../../../src/index.js';
import { drawWork } from '../calls/works.js';
import { sampleWork, takeSample, type SampleRequest } from './sample.js';

const request = JSON.parse(process.argv[2]!) as SampleRequest;
const { modelDim, heads } = sampleWork;
const { sequences } = drawWork(sampleWork);
await using engine = await createEngine({ threads: request.threads });
// As the server makes them where it has no file.
const weights = createXavierWeights({ modelDim, heads, seed: 1 });
using layer = await engine.multiHeadAttention({ heads, weights });
const sample = await takeSample(
  async (sequence) => bytesOf((await layer.forward(sequences[sequence]!)).output.data),
  request,
  engine.info,
);
console.log(JSON.stringify(sample));
