// onnxruntime-node on its CPU execution provider.
import * as ort from 'onnxruntime-node';

/** @param {{ threads: number }} options */
export async function openPeer({ threads }) {
  return {
    version: ort.env.versions.node,
    threads,
    /** A session of `model` (ONNX bytes) whose every run reads x [1, tokens, modelDim] and returns y. */
    async createLayer({ model, x, tokens, modelDim }) {
      const session = await ort.InferenceSession.create(model, {
        executionProviders: ['cpu'],
        graphOptimizationLevel: 'all',
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        logSeverityLevel: 3,
      });
      const feeds = { x: new ort.Tensor('float32', x, [1, tokens, modelDim]) };
      return {
        run: async () => (await session.run(feeds)).y.data,
        dispose: () => session.release(),
      };
    },
  };
}
