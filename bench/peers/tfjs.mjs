// tfjs with its WebAssembly backend in Node: SIMD, but one thread (the package turns its threads off under Node).
import { createRequire } from 'node:module';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import * as wasm from '@tensorflow/tfjs-backend-wasm';

/** @param {{ threads: number }} options */
export async function openPeer({ threads }) {
  const { resolve } = createRequire(import.meta.url);
  wasm.setWasmPaths(path.dirname(resolve('@tensorflow/tfjs-backend-wasm')) + path.sep);
  wasm.setThreadsCount(threads);
  if (!(await tf.setBackend('wasm'))) throw new Error('tfjs could not start its WebAssembly backend');
  return { version: wasm.version_wasm, threads: wasm.getThreadsCount(), createLayer };
}

/** Self-attention of x [tokens, modelDim]; weights { q, k, v, o: { weight [out, in], bias [out] } }. */
async function createLayer({ form, weights, x, tokens, modelDim, heads }) {
  const headDim = modelDim / heads;
  const linears = {};
  for (const [name, { weight, bias }] of Object.entries(weights)) {
    linears[name] = {
      weight: tf.tidy(() => tf.clone(tf.transpose(tf.tensor2d(weight, [modelDim, modelDim])))),
      bias: tf.tensor1d(bias),
    };
  }
  const input = tf.tensor2d(x, [tokens, modelDim]);
  const project = (rows, { weight, bias }) => tf.add(tf.matMul(rows, weight), bias);
  const split = (rows) => tf.transpose(tf.reshape(rows, [tokens, heads, headDim]), [1, 0, 2]);
  const scale = tf.scalar(1 / Math.sqrt(headDim));
  const attend = {
    batched: (q, k, v) => tf.matMul(tf.softmax(tf.matMul(q, k, false, true)), v),
    perHead: (q, k, v) => {
      const [qs, ks, vs] = [q, k, v].map((all) => tf.unstack(all));
      return tf.stack(qs.map((one, h) => tf.matMul(tf.softmax(tf.matMul(one, ks[h], false, true)), vs[h])));
    },
  }[form];
  const forward = () => {
    const [q, k, v] = ['q', 'k', 'v'].map((name) => project(input, linears[name]));
    const concat = tf.transpose(attend(split(tf.mul(q, scale)), split(k), split(v)), [1, 0, 2]);
    return project(tf.reshape(concat, [tokens, modelDim]), linears.o);
  };
  return {
    run: async () => {
      const y = tf.tidy(forward);
      const data = y.dataSync();
      y.dispose();
      return data;
    },
    dispose: () => tf.dispose([input, scale, linears]),
  };
}
