// onnxruntime-node on its CPU execution provider.
import * as ort from 'onnxruntime-node';
import { createSessionLayer, openSession } from './onnx-session.mjs';

/** @param {{ threads: number }} options */
export async function openPeer({ threads }) {
  const options = {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  };
  return {
    version: ort.env.versions.node,
    threads,
    createLayer: (layer) => createSessionLayer(ort, layer, options),
    openSession: (model) => openSession(ort, model, options),
  };
}
