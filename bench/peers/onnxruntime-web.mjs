// onnxruntime-web on its WebAssembly backend (CPU execution provider), threaded, in Node.
import * as ort from 'onnxruntime-web';
import { createSessionLayer } from './onnx-session.mjs';

/** @param {{ threads: number }} options */
export async function openPeer({ threads }) {
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = 'error';
  const createLayer = (layer) => createSessionLayer(ort, layer, { executionProviders: ['wasm'] });
  return { version: ort.env.versions.web, threads, createLayer };
}
