// The peers by name: which kernel meets them, on how many threads, with which layers, and what has to come out.
import type { EngineOptions } from '../../../src/index.js';
import type { LayerCase } from '../layer.js';
import { everyCase, wholeTable, type BarsOf } from './bars.js';
import { smallCases, wideCases } from './cases.js';
import { openGpu, openOnnxNode, openOnnxWeb, openTfjs } from './open-peer.js';
import type { Peer } from './peer.js';

export interface Match {
  /** As `--peer` and the report name it. */
  readonly name: string;
  /** The npm package in bench/peers. */
  readonly package: string;
  open(threads: number): Promise<Peer>;
  readonly kernel: NonNullable<EngineOptions['kernel']>;
  /** Default: all of the machine. */
  readonly mostThreads?: number;
  readonly cases: readonly LayerCase[];
  /** They count on all threads of the match. */
  readonly bars: BarsOf;
}

// Peers that are WebAssembly themselves meet the WebAssembly kernel.
export const matches: readonly Match[] = [
  {
    name: 'onnxruntime-node',
    package: 'onnxruntime-node',
    open: openOnnxNode,
    kernel: 'auto',
    cases: wideCases,
    bars: wholeTable({ mean: 1.5, worst: 1.1, causalMean: 2 }),
  },
  // Before onnxruntime-web, which sets a global Worker that gpu.js would take for a browser's.
  {
    name: 'gpu.js',
    package: 'gpu.js',
    open: openGpu,
    kernel: 'wasm',
    cases: smallCases.slice(0, 1),
    bars: everyCase(1.5),
  },
  {
    name: 'onnxruntime-web',
    package: 'onnxruntime-web',
    open: openOnnxWeb,
    kernel: 'wasm',
    mostThreads: 2,
    cases: smallCases,
    bars: everyCase(1.5),
  },
  {
    name: 'tfjs-backend-wasm',
    package: '@tensorflow/tfjs-backend-wasm',
    open: openTfjs,
    kernel: 'wasm',
    mostThreads: 2,
    cases: smallCases,
    bars: everyCase(1.5),
  },
];
