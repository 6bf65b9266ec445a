// The peers of `peers.ts` behind one interface. They are not dependencies of headpool: bench/peers has a package.json
// of its own, and its modules are loaded from there when asked for.
import { createRequire } from 'node:module';
import type { MultiHeadWeights, Tensor } from '../../src/index.js';
import { median } from '../../src/measure/statistics.js';
import { encodeLayer } from '../onnx-model.js';
import type { LayerCase } from './inputs.js';

/** A layer with its input, ready to run. */
export interface PeerLayer {
  /** Which way of expressing the layer this is. */
  readonly form: string;
  run(): Promise<Float32Array>;
  dispose(): void;
}

export interface LayerInputs {
  readonly shape: LayerCase;
  readonly weights: MultiHeadWeights;
  readonly x: Tensor;
}

export interface Peer {
  readonly name: string;
  readonly version: string;
  /** How many it really uses. */
  readonly threads: number;
  readonly note?: string;
  /** The layer in the form that runs fastest here. */
  createLayer(inputs: LayerInputs): Promise<PeerLayer>;
}

// What bench/peers/*.mjs export.
interface PeerModule {
  openPeer(options: { threads: number }): Promise<{
    readonly version: string;
    readonly threads: number;
    createLayer(description: object): Promise<Omit<PeerLayer, 'form'>>;
  }>;
}

// By the package's own name, which is right wherever the benchmarks were compiled to.
const packageFile = createRequire(import.meta.url).resolve('headpool/package.json');
export const peersFolder = new URL('bench/peers/', new URL(`file://${packageFile}`));

export async function loadPeers(threads: number): Promise<Peer[]> {
  return [await loadOnnx(threads), await loadTfjs(threads)];
}

async function loadOnnx(threads: number): Promise<Peer> {
  const peer = await open('onnxruntime-web', threads);
  return {
    name: 'onnxruntime-web',
    version: peer.version,
    threads: peer.threads,
    createLayer: ({ shape, weights, x }) =>
      fastest(['fused', 'nodes'] as const, (form) =>
        peer.createLayer({ model: encodeLayer(form, shape, weights), x: new Float32Array(x.data), ...shape }),
      ),
  };
}

async function loadTfjs(threads: number): Promise<Peer> {
  const peer = await open('tfjs', threads);
  const plain = ({ query, key, value, output }: MultiHeadWeights): object =>
    Object.fromEntries(
      Object.entries({ q: query, k: key, v: value, o: output }).map(([name, { weight, bias }]) => [
        name,
        { weight: new Float32Array(weight.data), bias: new Float32Array(bias!.data) },
      ]),
    );
  return {
    name: 'tfjs-backend-wasm',
    version: peer.version,
    threads: peer.threads,
    ...(peer.threads < threads && {
      note: 'the package turns its threads off under Node (tensorflow/tfjs#3830)',
    }),
    createLayer: ({ shape, weights, x }) =>
      fastest(['batched', 'perHead'] as const, (form) =>
        peer.createLayer({ form, weights: plain(weights), x: new Float32Array(x.data), ...shape }),
      ),
  };
}

async function open(name: string, threads: number): ReturnType<PeerModule['openPeer']> {
  const module = (await import(new URL(`${name}.mjs`, peersFolder).href)) as PeerModule;
  return module.openPeer({ threads });
}

/** The form with the least median of three runs after a warm-up; the others are disposed. */
async function fastest<Form extends string>(
  forms: readonly Form[],
  create: (form: Form) => Promise<Omit<PeerLayer, 'form'>>,
): Promise<PeerLayer> {
  let best: { readonly layer: PeerLayer; readonly ms: number } | undefined;
  for (const form of forms) {
    const layer = { ...(await create(form)), form };
    await layer.run();
    const times: number[] = [];
    for (let n = 0; n < 3; n++) {
      const start = performance.now();
      await layer.run();
      times.push(performance.now() - start);
    }
    const ms = median(times);
    if (best !== undefined && best.ms <= ms) {
      layer.dispose();
      continue;
    }
    best?.layer.dispose();
    best = { layer, ms };
  }
  return best!.layer;
}
