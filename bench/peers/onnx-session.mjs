// A layer as a session of onnxruntime, whichever package it comes from.

/** A session of `model` (ONNX bytes) whose every run reads x [1, tokens, modelDim] and returns y. */
export async function createSessionLayer(ort, { model, x, tokens, modelDim }, options) {
  const session = await ort.InferenceSession.create(model, { graphOptimizationLevel: 'all', ...options });
  const feeds = { x: new ort.Tensor('float32', x, [1, tokens, modelDim]) };
  return {
    run: async () => (await session.run(feeds)).y.data,
    dispose: () => session.release(),
  };
}
