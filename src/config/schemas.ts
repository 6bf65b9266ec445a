// The settings of every command: names, types, defaults and what help says of them. Flags, environment variables,
// configuration files and configs/schema/*.json all come from here.
import { z } from 'zod';
import { alignments } from '../attention/options.js';
import { poolings } from '../batch/request.js';
import { pipeableFormats, writableFormats } from '../files/sequences/sequences.js';
import { dtypes } from '../tensor/dtype.js';
import { benchSettings } from './bench-settings.js';
import { byteSize } from './byte-size.js';
import { scaleShape } from './scale-settings.js';

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

const alignment = z.enum(alignments);

/** The layer, and all that its attention can be asked on a command line; for every command that computes or explains it. */
const attentionSettings = z.strictObject({
  weights: z.string().describe('state dict of a PyTorch nn.MultiheadAttention (.safetensors)'),
  layer: z.string().default('').describe('prefix of the weights in the state dict'),
  heads,
  kvHeads: z.int().min(1).optional().describe('key/value heads; default: heads'),
  addZeroAttention: z.boolean().default(false).describe("add_zero_attn of PyTorch's module"),
  causal: z
    .union([z.boolean(), alignment])
    .default(false)
    .describe('attend no later tokens: true, top-left or bottom-right'),
  alignment: alignment
    .optional()
    .describe('where the diagonal starts; needed where keys are not as many as queries'),
  windowLeft: z.int().min(0).optional().describe('earlier tokens that a query attends; default: all'),
  windowRight: z.int().min(0).optional().describe('later tokens that a query attends; default: all'),
  scale: z.number().optional().describe('factor of the scores; default: 1 / sqrt(headDim)'),
  softcap: z.number().positive().optional().describe('c: a score s becomes c * tanh(s / c)'),
  alibi: z.boolean().default(false).describe('lower scores by distance, with the slopes of the ALiBi paper'),
  sinks: z
    .array(z.number())
    .optional()
    .describe("logits that join the softmax's denominator, one a head: a,b,..."),
  headScale: z
    .array(z.number())
    .optional()
    .describe("factors of the heads' outputs, one a head: a,b,...; 0 skips the head"),
  ropeBase: z
    .number()
    .positive()
    .optional()
    .describe('turn queries and keys by their positions (RoPE); 10000 in most models'),
  ropeDims: z.int().min(2).multipleOf(2).optional().describe('how many dims of a head turn; default: all'),
  ropeInterleaved: z
    .boolean()
    .default(false)
    .describe('turn pairs (2i, 2i + 1) instead of (i, i + dims / 2)'),
});

export type AttentionSettings = z.output<typeof attentionSettings>;

/** What settings demand of each other; the message of an issue is what was expected. */
function checkTogether(settings: AttentionSettings, context: z.core.$RefinementCtx): void {
  const refuse = (field: keyof AttentionSettings, message: string): void => {
    context.addIssue({ code: 'custom', path: [field], message });
  };
  const { heads: count, causal, ropeBase, ropeDims, ropeInterleaved } = settings;
  if (typeof causal === 'string' && ![undefined, causal].includes(settings.alignment))
    refuse('alignment', `${causal}, as \`--causal\` says,`);
  for (const field of ['sinks', 'headScale'] as const) {
    if (![undefined, count].includes(settings[field]?.length))
      refuse(field, `a list of ${count} numbers, one a head,`);
  }
  if (ropeBase !== undefined) return;
  if (ropeDims !== undefined) refuse('ropeDims', '`--rope-base` beside it');
  if (ropeInterleaved) refuse('ropeInterleaved', '`--rope-base` beside it');
}

const runSettings = z.strictObject({
  input: z
    .array(z.string())
    .min(1)
    .describe(
      'files, folders or globs of sequences (.safetensors, .npy, .npz, .jsonl, .arrow); - is standard input',
    ),
  inputFormat: z.enum(pipeableFormats).default('jsonl').describe('format of standard input'),
  key: z.string().optional().describe('sequences to attend (cross-attention); default: the input itself'),
  value: z.string().optional().describe('their values, if they are not the keys'),
  embedding: z.string().optional().describe('.safetensors file of rows for the token ids of .jsonl'),
  embeddingTensor: z.string().default('embedding').describe('its tensor [vocabulary, modelDim]'),
  positionTensor: z
    .string()
    .optional()
    .describe('its tensor [most tokens, modelDim] that is added by position; default: none'),
  output: z
    .string()
    .describe('file to write, or a folder for a file of each input; - is standard output (.jsonl, .arrow)'),
  outputFormat: z
    .enum(writableFormats)
    .optional()
    .describe("default: what the output's extension says, or the input's format"),
  dtype: z.enum(dtypes).default('f32').describe('numbers of the output'),
  pool: z.enum(poolings).optional().describe('write one row a sequence instead of one a token'),
  statistics: z
    .boolean()
    .default(false)
    .describe('write what heads attend beside each output (.statistics.jsonl)'),
  ...attentionSettings.shape,
  threads,
  kernel,
  memory: z
    .string()
    .regex(byteSize)
    .optional()
    .describe('most working memory, e.g. 500MB or 2GiB; default: a quarter of the machine'),
  batchTokens: z
    .int()
    .min(1)
    .optional()
    .describe('tokens computed at a time; default: 16384, or what the memory has room for'),
  onError: z
    .enum(['stop', 'skip'])
    .default('stop')
    .describe('what to do about a damaged file or sequence; skipped ones are listed, and the exit code is 3'),
  resume: z.boolean().default(false).describe('go on where an earlier run stopped, if there was one'),
  restart: z.boolean().default(false).describe('forget what an earlier run has done'),
  verifyOutput: z.boolean().default(false).describe('read the outputs again and check them'),
  report: z.string().optional().describe('file for the summary as JSON'),
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
  ...attentionSettings.shape,
});

const makeSequencesSettings = z.strictObject({
  output: z.string().describe('file to write: .safetensors, .npy, .jsonl or .arrow'),
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

const scaleSettings = z.strictObject({ ...scaleShape, kernel });

export const schemas = {
  run: runSettings.superRefine((settings, context) => {
    checkTogether(settings, context);
    if (settings.resume && settings.restart) {
      context.addIssue({ code: 'custom', path: ['restart'], message: 'no `--resume` beside it,' });
    }
  }),
  explain: explainSettings.superRefine(checkTogether),
  'make-sequences': makeSequencesSettings,
  'make-weights': makeWeightsSettings,
  info: infoSettings,
  bench: benchSettings,
  scale: scaleSettings,
} as const;

export type CommandName = keyof typeof schemas;
export type Settings<Name extends CommandName> = z.output<(typeof schemas)[Name]>;

/** One setting as JSON Schema tells it; what yargs, the environment and editors need to know. */
export interface Field {
  readonly description: string;
  readonly kind: 'string' | 'number' | 'boolean' | 'array' | 'numbers' | 'list' | 'boolean or string';
  readonly choices: readonly string[] | undefined;
  /** The words that elements of a list may be. */
  readonly elements: readonly string[];
  readonly default: string | number | boolean | readonly unknown[] | undefined;
  /** What a message says was expected. */
  readonly expectation: string;
}

/** The settings of a command by name. */
export function fieldsOf(name: CommandName): ReadonlyMap<string, Field> {
  const properties = (jsonSchemaOf(name).properties ?? {}) as Readonly<Record<string, JsonProperty>>;
  return new Map(
    Object.entries(properties).map(([field, property]) => {
      const { description = '', enum: choices, default: fallback } = property;
      const [kind, expectation] = [kindOf(property), expectationOf(property)];
      const elements = elementsOf(property.items);
      return [field, { description, kind, choices, elements, default: fallback, expectation }];
    }),
  );
}

interface JsonProperty {
  readonly type?: 'string' | 'number' | 'integer' | 'boolean' | 'array';
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly JsonProperty[];
  readonly items?: JsonProperty;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly multipleOf?: number;
  readonly default?: string | number | boolean | readonly unknown[];
}

function kindOf({ type, anyOf, items }: JsonProperty): Field['kind'] {
  if (anyOf !== undefined) return 'boolean or string';
  if (type === 'array') return kindOfList(items);
  return type === 'integer' ? 'number' : (type ?? 'string');
}

/** Texts without words to choose from are paths, which may hold commas. */
function kindOfList({ type, enum: words }: JsonProperty = {}): Field['kind'] {
  if (type === 'number') return 'numbers';
  return type === 'string' && words === undefined ? 'array' : 'list';
}

function elementsOf({ enum: words = [], anyOf = [] }: JsonProperty = {}): readonly string[] {
  return [...words, ...anyOf.flatMap(elementsOf)];
}

function expectationOf(property: JsonProperty): string {
  const { type, enum: choices, anyOf, items, minimum, exclusiveMinimum, maximum, multipleOf } = property;
  if (anyOf !== undefined) return anyOf.map(expectationOf).join(', ');
  if (choices !== undefined) return choices.join(', ');
  switch (type) {
    case 'integer':
      // Zod bounds every integer by what a double can count to.
      return `an ${multipleOf === 2 ? 'even ' : ''}integer ${maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? `>= ${minimum ?? 0}` : `from ${minimum ?? 0} to ${maximum}`}`;
    case 'number':
      return exclusiveMinimum === undefined ? 'a number' : `a number > ${exclusiveMinimum}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return expectationOfList(items);
    case 'string':
    case undefined:
      return property.pattern === undefined ? 'text' : 'a size such as 500MB or 2GiB';
    default:
      return type satisfies never;
  }
}

function expectationOfList(items: JsonProperty = {}): string {
  const kind = kindOfList(items);
  if (kind !== 'list') return kind === 'numbers' ? 'a list of numbers' : 'a list of paths';
  const several = expectationOf(items)
    .replace(/\ban (even )?integer\b/, '$1integers')
    .replace('true or', 'true and');
  return `a list of ${several}`;
}

/** The JSON Schema of a command's configuration file. */
export function jsonSchemaOf(name: CommandName): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(schemas[name], { io: 'input' });
}

/** A value that fits the schema, or the first thing that is wrong with it; what was expected if that isn't the field's. */
export function checkSettings<Name extends CommandName>(
  name: Name,
  values: object,
):
  | { readonly settings: Settings<Name> }
  | { readonly unknown: string }
  | { readonly field: string; readonly expectation?: string } {
  const parsed = schemas[name].safeParse(values);
  if (parsed.success) return { settings: parsed.data as Settings<Name> };
  for (const issue of parsed.error.issues) {
    if (issue.code === 'unrecognized_keys') return { unknown: issue.keys[0]! };
  }
  const { path, code, message } = parsed.error.issues[0]!;
  return { field: String(path[0]), ...(code === 'custom' && { expectation: message }) };
}
