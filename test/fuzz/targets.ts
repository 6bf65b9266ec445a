// All targets of the fuzzer, by name.
import type { FuzzTarget } from './target.js';
import { addon } from './targets/addon.js';
import { compressed, npy, npz, safetensors, safetensorsBytes } from './targets/arrays.js';
import { gpuLimits } from './targets/gpu-limits.js';
import { options } from './targets/options.js';
import { arrow, arrowPiped, jsonl, parquet } from './targets/tables.js';
import { checkpoint, checkpointIndex, results, yaml } from './targets/texts.js';

export const targets: ReadonlyMap<string, FuzzTarget> = new Map([
  ['npy', npy],
  ['npz', npz],
  ['safetensors', safetensors],
  ['safetensors-bytes', safetensorsBytes],
  ...compressed,
  ['jsonl', jsonl],
  ['arrow', arrow],
  ['arrow-piped', arrowPiped],
  ['parquet', parquet],
  ['yaml', yaml],
  ['results', results],
  ['checkpoint', checkpoint],
  ['checkpoint-index', checkpointIndex],
  ['options', options],
  ['addon', addon],
  ['gpu-limits', gpuLimits],
]);
