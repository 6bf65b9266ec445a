// The peers themselves. They are not dependencies of headpool: bench/peers has a package.json of its own, and its modules
// are loaded from there when asked for.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { MultiHeadWeights } from '../../../src/index.js';
import { encodeLayer } from '../../onnx-model.js';
import type { Bytes } from '../onnx-encode.js';
import type { LayerInputs, Peer, PeerForm, PeerLayer } from './peer.js';

// What bench/peers/*.mjs export.
interface PeerModule {
  openPeer(options: { threads: number }): Promise<OpenPeer>;
}

interface OpenPeer {
  readonly version: string;
  readonly threads: number;
  createLayer(description: object): Promise<PeerLayer>;
}

interface OpenOnnx extends OpenPeer {
  openSession(model: Bytes): Promise<OnnxSession>;
}

/** float32, row-major. */
interface OnnxTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

type Named<T> = Readonly<Record<string, T>>;

export interface OnnxSession {
  /** A function that runs on these inputs and gives all outputs: new ones, or written where one is given. */
  bind(inputs: Named<OnnxTensor>, outputs: Named<OnnxTensor | null>): () => Promise<Named<Float32Array>>;
  dispose(): unknown;
}

// By the package's own name, which is right wherever the benchmarks were compiled to.
const packageFile = createRequire(import.meta.url).resolve('headpool/package.json');
const peersFolder = new URL('bench/peers/', new URL(`file://${packageFile}`));

/** Whether an npm package of bench/peers is there. */
export function isInstalled(packageName: string): boolean {
  return existsSync(new URL(`node_modules/${packageName}/`, peersFolder));
}

export async function openOnnxNode(threads: number): Promise<Peer> {
  return describeOnnx('onnxruntime-node', await open('onnxruntime-node', threads));
}

/** onnxruntime-node itself, for models that are no layers. */
export async function openOnnxSessions(threads: number): Promise<Pick<OpenOnnx, 'version' | 'openSession'>> {
  return (await open('onnxruntime-node', threads)) as OpenOnnx;
}

export async function openOnnxWeb(threads: number): Promise<Peer> {
  return describeOnnx('onnxruntime-web', await open('onnxruntime-web', threads));
}

export async function openTfjs(threads: number): Promise<Peer> {
  const peer = await open('tfjs', threads);
  return {
    ...{ name: 'tfjs-backend-wasm', version: peer.version, threads: peer.threads },
    ...(peer.threads < threads && {
      note: 'the package turns its threads off under Node (tensorflow/tfjs#3830)',
    }),
    forms: ['batched', 'perHead'].map((form) => plainForm(peer, form)),
  };
}

export async function openGpu(threads: number): Promise<Peer> {
  const peer = await open('gpu', threads);
  return {
    ...{ name: 'gpu.js', version: peer.version, threads: peer.threads },
    note: 'naive kernels, on the processor: its OpenGL for Node is built by an install script, and scripts are off',
    forms: ['webasm', 'cpu'].map((form) => plainForm(peer, form)),
  };
}

function describeOnnx(name: string, peer: OpenPeer): Peer {
  const form = (which: 'fused' | 'nodes', hasScores: PeerForm['hasScores']): PeerForm => ({
    ...{ name: which, hasScores },
    create: ({ shape, weights, x }) =>
      peer.createLayer({ model: encodeLayer(which, shape, weights), x: new Float32Array(x.data), ...shape }),
  });
  const forms = [
    // MultiHeadAttention works by tiles without a mask, and leaves that for one with.
    form('fused', ({ causal = false }) => causal),
    form('nodes', () => true),
  ];
  return { name, version: peer.version, threads: peer.threads, forms };
}

// A form that takes the weights as they are.
function plainForm(peer: OpenPeer, form: string): PeerForm {
  return {
    ...{ name: form, hasScores: () => true },
    create: ({ shape, weights, x }: LayerInputs) =>
      peer.createLayer({ form, weights: plainWeights(weights), x: new Float32Array(x.data), ...shape }),
  };
}

function plainWeights({ query, key, value, output }: MultiHeadWeights): object {
  return Object.fromEntries(
    Object.entries({ q: query, k: key, v: value, o: output }).map(([name, { weight, bias }]) => [
      name,
      { weight: new Float32Array(weight.data), bias: new Float32Array(bias!.data) },
    ]),
  );
}

async function open(name: string, threads: number): Promise<OpenPeer> {
  const module = (await import(new URL(`${name}.mjs`, peersFolder).href)) as PeerModule;
  return module.openPeer({ threads });
}
