// onnxruntime-web on its WebAssembly backend (CPU execution provider), threaded, in Node.
import * as ort from 'onnxruntime-web';

/** @param {{ threads: number }} options */
export async function openPeer({ threads }) {
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = 'error';
  return {
    version: ort.env.versions.web,
    threads,
    /** A session of `model` (ONNX bytes) whose every run reads x [1, tokens, modelDim] and returns y. */
    async createLayer({ model, x, tokens, modelDim }) {
      const session = await ort.InferenceSession.create(model, {
        executionProviders: ['wasm'],
        graphOptimizationLevel: 'all',
      });
      const feeds = { x: new ort.Tensor('float32', x, [1, tokens, modelDim]) };
      return {
        run: async () => (await session.run(feeds)).y.data,
        dispose: () => session.release(),
      };
    },
  };
}
