// Sessions of onnxruntime, whichever package it comes from.

/** A layer as a session of `model` (ONNX bytes) whose every run reads x [1, tokens, modelDim] and returns y. */
export async function createSessionLayer(ort, { model, x, tokens, modelDim }, options) {
  const session = await openSession(ort, model, options);
  const run = session.bind({ x: { dims: [1, tokens, modelDim], data: x } }, { y: null });
  return { run: async () => (await run()).y, dispose: session.dispose };
}

/** A session of `model` (ONNX bytes), whose inputs and outputs are { dims, data } of float32 by name. */
export async function openSession(ort, model, options) {
  const session = await ort.InferenceSession.create(model, { graphOptimizationLevel: 'all', ...options });
  const toTensor = (given) => given && new ort.Tensor('float32', given.data, given.dims);
  const toTensors = (given) => mapValues(given, toTensor);
  return {
    /** A function that runs on these inputs and gives the data of the outputs, which are new where null is given. */
    bind: (inputs, outputs) => {
      const [feeds, fetches] = [toTensors(inputs), toTensors(outputs)];
      return async () => mapValues(await session.run(feeds, fetches), ({ data }) => data);
    },
    dispose: () => session.release(),
  };
}

function mapValues(object, map) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(value)]));
}
