// The other side: a work as runs of a session of onnxruntime-node, in each form that it can have there.
import { encodeLayer, modelForms, type ModelForm } from '../../onnx-model.js';
import { openOnnxSessions, type OnnxSession } from '../peers/open-peer.js';
import { decodingForms, encodeDecoding, encodeKeysAndValues } from './decoding-models.js';
import { drawWork, type OpenWork, type Work } from './works.js';

/** What it can be expressed in. */
export function formsOf({ cached = 0 }: Work): readonly string[] {
  return cached === 0 ? modelForms : decodingForms;
}

type Peer = Awaited<ReturnType<typeof openOnnxSessions>>;

export async function openOnnx(
  work: Work,
  { form, threads }: { readonly form: string; readonly threads: number },
): Promise<OpenWork & Pick<Peer, 'version'>> {
  const peer = await openOnnxSessions(threads);
  const { cached = 0 } = work;
  const open =
    cached === 0 ? openLayer(peer, form as ModelForm, work) : openDecoding(peer, form, work, cached);
  return { version: peer.version, ...(await open) };
}

async function openLayer(peer: Peer, form: ModelForm, work: Work): Promise<OpenWork> {
  const { modelDim, lengths } = work;
  const { weights, sequences } = drawWork(work);
  const tokens = lengths.length === 1 ? lengths[0]! : 'any';
  const session = await peer.openSession(encodeLayer(form, { ...work, tokens }, weights));
  const runs = sequences.map(({ data }, n) =>
    session.bind({ x: { dims: [1, lengths[n]!, modelDim], data: new Float32Array(data) } }, { y: null }),
  );
  return workOf(runs, session);
}

async function openDecoding(peer: Peer, form: string, work: Work, cached: number): Promise<OpenWork> {
  const { modelDim, heads } = work;
  const { weights, sequences, prompt } = drawWork(work);
  const shape = { modelDim, heads, cached };
  const headDim = modelDim / heads;
  const { bytes, capacity, presents, presentTokens } = encodeDecoding(form, shape, weights);
  const rows = (tokens: number, data = new Float32Array(tokens * modelDim)) => ({
    dims: [1, heads, tokens, headDim],
    data,
  });
  const filling = await peer.openSession(encodeKeysAndValues(shape, weights));
  const x = { dims: [1, cached, modelDim], data: new Float32Array(prompt.data) };
  const { k, v } = await filling.bind({ x }, { k: null, v: null })();
  await filling.dispose();
  const toPast = (filled: Float32Array) =>
    rows(capacity, spread(filled, { heads, capacity: capacity * headDim }));
  const [past_k, past_v] = [toPast(k!), toPast(v!)];
  const present = (past: typeof past_k) => (presents === 'shared' ? past : rows(presentTokens));

  const mask = new Float32Array(capacity + 1).fill(-Infinity, cached, capacity);
  const session = await peer.openSession(bytes);
  const runs = sequences.map(({ data }) =>
    session.bind(
      {
        x: { dims: [1, 1, modelDim], data: new Float32Array(data) },
        ...{ past_k, past_v },
        ...(presents === 'rows' && { mask: { dims: [1, 1, 1, capacity + 1], data: mask } }),
      },
      { y: null, present_k: present(past_k), present_v: present(past_v) },
    ),
  );
  return workOf(runs, session);
}

function workOf(runs: readonly ReturnType<OnnxSession['bind']>[], session: OnnxSession): OpenWork {
  return {
    call: async (sequence) => (await runs[sequence]!())['y']!,
    [Symbol.asyncDispose]: async () => {
      await session.dispose();
    },
  };
}

/** The rows of each head at the start of as much room. */
function spread(
  filled: Float32Array,
  { heads, capacity }: { readonly heads: number; readonly capacity: number },
): Float32Array<ArrayBuffer> {
  const room = new Float32Array(heads * capacity);
  const length = filled.length / heads;
  for (let head = 0; head < heads; head++) {
    room.set(filled.subarray(head * length, (head + 1) * length), head * capacity);
  }
  return room;
}
