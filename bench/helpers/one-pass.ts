// A process of `memory.ts`: one sequence through one layer, then what it took, as JSON on stdout.
import { createEngine, type EngineInfo } from '../../src/index.js';
import { normalTensor } from '../../src/measure/cases/inputs.js';
import { checkRows, layerWeights } from './layer.js';
import { enableRelaxedSimd } from './relaxed-simd.js';

export interface OnePass {
  readonly engine: EngineInfo;
  readonly tokens: number;
  readonly modelDim: number;
  /** Resident memory of the process with its engine, before the input. */
  readonly startBytes: number;
  /** The most that was resident at any time, input and output included. */
  readonly peakBytes: number;
  readonly ms: number;
  /** Of a few rows against float64. */
  readonly error: number;
}

const modelDim = 256;
const heads = 4;

enableRelaxedSimd();
const [tokens, threads] = process.argv.slice(2).map(Number) as [number, number];
await using engine = await createEngine({ threads, kernel: 'wasm' });
const weights = layerWeights({ modelDim, heads });
const layer = await engine.multiHeadAttention({ heads, weights });
const startBytes = process.memoryUsage.rss();

const x = normalTensor([tokens, modelDim], 6);
const start = performance.now();
const { output } = await layer.forward(x);
const ms = performance.now() - start;
// Read before the check, which needs memory of its own. Kilobytes on every system.
const peakBytes = process.resourceUsage().maxRSS * 1024;

const error = checkRows('The output', { x, y: output, weights, heads });
const pass: OnePass = { engine: engine.info, tokens, modelDim, startBytes, peakBytes, ms, error };
console.log(JSON.stringify(pass));
