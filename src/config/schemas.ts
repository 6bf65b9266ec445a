// The settings of every command: names, types, defaults and what help says of them. Flags, environment variables,
// configuration files and configs/schema/*.json all come from here.
import { z } from 'zod';

const threads = z.int().min(1).max(1024).optional().describe('worker threads; default: all cores');
const kernel = z
  .enum(['auto', 'native', 'wasm', 'reference'])
  .default('auto')
  .describe('which kernel computes');
const seed = z
  .int()
  .min(0)
  .max(2 ** 32 - 1)
  .default(0)
  .describe('seed of the random numbers');
const heads = z.int().min(1).describe('attention heads');
const modelDim = z.int().min(1).describe('width of a token');
const ifMissing = z.boolean().default(false).describe('do nothing if the output exists');

const runSettings = z.strictObject({
  input: z.array(z.string()).min(1).describe('.npy or .safetensors files of sequences'),
  key: z.string().optional().describe('sequences to attend (cross-attention); default: the input itself'),
  value: z.string().optional().describe('their values, if they are not the keys'),
  weights: z.string().describe('state dict of a PyTorch nn.MultiheadAttention (.safetensors)'),
  layer: z.string().default('').describe('prefix of the weights in the state dict'),
  heads,
  kvHeads: z.int().min(1).optional().describe('key/value heads; default: heads'),
  output: z.string().describe('file to write; for several inputs, the folder'),
  causal: z
    .union([z.boolean(), z.enum(['top-left', 'bottom-right'])])
    .default(false)
    .describe('attend no later tokens: true, top-left or bottom-right'),
  scale: z.number().optional().describe('factor of the scores; default: 1 / sqrt(headDim)'),
  addZeroAttention: z.boolean().default(false).describe("add_zero_attn of PyTorch's module"),
  threads,
  kernel,
  batchTokens: z
    .int()
    .min(1)
    .default(16_384)
    .describe('tokens computed at a time; a longer sequence goes alone'),
  dryRun: z.boolean().default(false).describe('say what would be computed, and stop'),
});

const index = z.int().min(0);

const explainSettings = z.strictObject({
  input: z.string().describe('.npy or .safetensors file of sequences'),
  keyInput: z
    .string()
    .optional()
    .describe('sequences to attend (cross-attention); default: the input itself'),
  sequence: index.default(0).describe('which sequence of the file, from 0'),
  head: index.describe('which head, from 0'),
  query: index.describe('which token of the sequence attends, from 0'),
  key: index.optional().describe('which token is attended, from 0; default: those with the largest weights'),
  ...runSettings.pick({
    weights: true,
    layer: true,
    heads: true,
    kvHeads: true,
    causal: true,
    scale: true,
    addZeroAttention: true,
  }).shape,
});

const makeSequencesSettings = z.strictObject({
  output: z.string().describe('.safetensors file to write'),
  sequences: z.int().min(1).default(256).describe('number of sequences'),
  minLength: z.int().min(0).default(16).describe('tokens of the shortest sequence'),
  maxLength: z.int().min(1).default(1024).describe('tokens of the longest sequence'),
  modelDim,
  seed,
  ifMissing,
});

const makeWeightsSettings = z.strictObject({
  output: z.string().describe('.safetensors file to write'),
  modelDim,
  heads,
  seed,
  ifMissing,
});

const infoSettings = z.strictObject({ threads, kernel });

export const schemas = {
  run: runSettings,
  explain: explainSettings,
  'make-sequences': makeSequencesSettings,
  'make-weights': makeWeightsSettings,
  info: infoSettings,
} as const;

export type CommandName = keyof typeof schemas;
export type Settings<Name extends CommandName> = z.output<(typeof schemas)[Name]>;

/** One setting as JSON Schema tells it; what yargs, the environment and editors need to know. */
export interface Field {
  readonly description: string;
  readonly kind: 'string' | 'number' | 'boolean' | 'array' | 'boolean or string';
  readonly choices: readonly string[] | undefined;
  readonly default: string | number | boolean | undefined;
  /** What a message says was expected. */
  readonly expectation: string;
}

/** The settings of a command by name. */
export function fieldsOf(name: CommandName): ReadonlyMap<string, Field> {
  const properties = (jsonSchemaOf(name).properties ?? {}) as Readonly<Record<string, JsonProperty>>;
  return new Map(
    Object.entries(properties).map(([field, property]) => {
      const { type, description = '', enum: choices, anyOf, default: fallback } = property;
      const kind =
        anyOf !== undefined ? 'boolean or string' : type === 'integer' ? 'number' : (type ?? 'string');
      return [field, { description, kind, choices, default: fallback, expectation: expectationOf(property) }];
    }),
  );
}

interface JsonProperty {
  readonly type?: 'string' | 'number' | 'integer' | 'boolean' | 'array';
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly JsonProperty[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: string | number | boolean;
}

function expectationOf({ type, enum: choices, anyOf, minimum, maximum }: JsonProperty): string {
  if (anyOf !== undefined) return anyOf.map(expectationOf).join(', ');
  if (choices !== undefined) return choices.join(', ');
  switch (type) {
    case 'integer':
      // Zod bounds every integer by what a double can count to.
      return `an integer ${maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? `>= ${minimum ?? 0}` : `from ${minimum ?? 0} to ${maximum}`}`;
    case 'number':
      return 'a number';
    case 'boolean':
      return 'true or false';
    case 'array':
      return 'a list of paths';
    case 'string':
    case undefined:
      return 'text';
    default:
      return type satisfies never;
  }
}

/** The JSON Schema of a command's configuration file. */
export function jsonSchemaOf(name: CommandName): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(schemas[name], { io: 'input' });
}

/** A value that fits the schema, or the first thing that is wrong with it. */
export function checkSettings<Name extends CommandName>(
  name: Name,
  values: object,
): { readonly settings: Settings<Name> } | { readonly unknown: string } | { readonly field: string } {
  const parsed = schemas[name].safeParse(values);
  if (parsed.success) return { settings: parsed.data as Settings<Name> };
  for (const issue of parsed.error.issues) {
    if (issue.code === 'unrecognized_keys') return { unknown: issue.keys[0]! };
  }
  return { field: String(parsed.error.issues[0]!.path[0]) };
}
