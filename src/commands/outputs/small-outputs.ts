// What the commands print with `--json` that have little to say: layers, verify, info, make-sequences and make-weights.
import * as z from 'zod';
import { devices, kernelNames } from '../../core/protocol/kernels.js';
import { count, outputOf, texts, type Output } from './output.js';

const kernel = z.enum(kernelNames);
const reasoned = <Name extends z.ZodType>(name: Name) =>
  z.array(z.strictObject({ name, reason: z.string() }));

const listedLayer = z.strictObject({
  name: z.string(),
  index: count.nullable().describe('the last number in its name'),
  family: z.string(),
  modelDim: count,
  keyWidth: count,
  outputDim: count,
  dtypes: texts,
  heads: count.nullable().describe('null: the file does not tell'),
  kvHeads: count.nullable(),
  headDim: count.nullable(),
  defaults: z
    .strictObject({
      causal: z.union([z.boolean(), z.enum(['top-left', 'bottom-right'])]).exactOptional(),
      window: z.strictObject({ left: count.exactOptional(), right: count.exactOptional() }).exactOptional(),
      scale: z.number().exactOptional(),
      rope: z
        .strictObject({
          base: z.number(),
          dims: count.exactOptional(),
          interleaved: z.boolean().exactOptional(),
        })
        .exactOptional(),
    })
    .describe('options that come with the layer'),
  hasNorms: z.boolean().describe('whether queries and keys are normalised'),
  problem: z.string().nullable().describe('why it can not be run as it is'),
});

export type ListedLayer = Output<typeof listedLayer>;

export const layersOutput = outputOf(1, {
  path: z.string(),
  files: texts,
  layers: z.array(listedLayer),
  run: z.string().nullable().describe('what to type to run the first layer that can be run'),
});

const verifyCounts = {
  passed: count,
  failed: count,
  skipped: count.describe('cases of a kernel that can not run here'),
};

export const verifyOutput = outputOf(1, {
  suites: z.array(
    z.strictObject({
      suite: z.string(),
      kernel,
      ...verifyCounts,
      cases: z.array(
        z.discriminatedUnion('status', [
          z.strictObject({ name: z.string(), status: z.literal('passed') }),
          z.strictObject({ name: z.string(), status: z.literal('failed'), message: z.string() }),
        ]),
      ),
    }),
  ),
  unavailable: reasoned(kernel),
  ignored: texts.describe('paths that are no suite'),
  ...verifyCounts,
});

const limit = z.strictObject({ value: z.number(), file: z.string() });
const summary = z.strictObject({
  count,
  min: z.number(),
  p10: z.number(),
  median: z.number(),
  p90: z.number(),
  p99: z.number(),
  max: z.number(),
});

export const infoOutput = outputOf(1, {
  machine: z.strictObject({
    cpu: z.string(),
    cores: count,
    parallelism: count,
    memoryBytes: count,
    node: z.string(),
    v8: z.string(),
    platform: z.string(),
  }),
  limits: z
    .strictObject({
      threads: count,
      memoryBytes: count,
      container: z.strictObject({ processors: limit.exactOptional(), memoryBytes: limit.exactOptional() }),
    })
    .describe('what of the machine the process may use, and what of this a container says'),
  kernel,
  instructionSet: z.string(),
  otherInstructionSets: reasoned(z.string()).describe('why they are not in use'),
  threads: count,
  device: z.enum(devices),
  adapter: z
    .strictObject({
      name: z.string(),
      vendor: z.string(),
      architecture: z.string(),
      driver: z.string(),
      backend: z.string(),
      limits: z.strictObject({
        maxBufferSize: count,
        maxStorageBufferBindingSize: count,
        maxComputeWorkgroupStorageSize: count,
        maxComputeInvocationsPerWorkgroup: count,
        maxComputeWorkgroupsPerDimension: count,
        maxStorageBuffersPerShaderStage: count,
      }),
    })
    .exactOptional()
    .describe('the GPU, where that is the device'),
  node: z.string(),
  version: z.string().describe('of headpool'),
  unavailable: reasoned(kernel).describe('kernels that can not run here'),
  peak: z
    .strictObject({ threads: count, flopPerSecond: summary, perThread: z.number() })
    .describe('FLOP a second of nothing but multiply-adds'),
  pageCacheProblem: z
    .string()
    .exactOptional()
    .describe('why pages of files that were written stay in memory, where that is so'),
});

const seed = z.number();

export const makeSequencesOutput = outputOf(1, {
  output: z.string(),
  sequences: count,
  tokens: count,
  modelDim: count,
  seed,
});

export const makeWeightsOutput = outputOf(1, {
  output: z.string(),
  modelDim: count,
  heads: count,
  kvHeads: count,
  seed,
});
