// The settings of `headpool run` as a request: files found, weights read, outputs planned.
import { openCheckpoint } from '../checkpoints/checkpoint.js';
import { loadLayerOf, type LoadedLayer } from '../checkpoints/load-layer.js';
import { planOutputs, type OutputChoice } from '../runs/plan-outputs.js';
import {
  pathsOf,
  standardStream,
  type EmbeddingFile,
  type RunRequest,
  type TensorChoices,
} from '../runs/request.js';
import { optionsOf } from '../config/attention-settings.js';
import { flagOf } from '../config/fields.js';
import type { Settings } from '../config/schemas.js';
import { tensorChoiceOf } from '../config/tensor-settings.js';
import { HeadpoolError } from '../core/errors.js';
import { findFiles, type FoundFiles } from '../files/find-files.js';
import { foreseeOutputs, prepareOutputs } from '../files/prepare-outputs.js';
import { openEmbedding } from '../files/sequences/embedding.js';
import { sequenceExtensions } from '../files/sequences/formats.js';
import type { FieldChoice } from '../files/sequences/sequences.js';

/** What all parts of a run read, and that takes long to read. */
export interface RunSource {
  readonly layer: LoadedLayer;
  readonly embedding: EmbeddingFile | undefined;
  /** That the weights come from. */
  readonly files: readonly string[];
}

/** What is to be done, and what it is done with. */
export interface LayerRequest extends RunSource {
  readonly request: RunRequest;
}

/** Of a part of a run, whose files are known. */
export type ChosenFiles = Pick<OutputChoice, 'inputs' | 'output' | 'isFolder'> &
  Partial<Pick<OutputChoice, 'outputFormat'>>;

/**
 * Makes the folders of what is to be written, unless nothing is.
 * @param configPath of the file that settings come from
 * @param chosen instead of what the settings say of inputs and outputs
 * @param source as an earlier call for the same settings has read it
 * @throws INVALID_OPTION, INVALID_FILE, INVALID_WEIGHTS, FILE_FAILED
 */
export async function requestOf(
  settings: Settings<'run'>,
  configPath: string | undefined,
  chosen?: ChosenFiles,
  source?: RunSource,
): Promise<LayerRequest> {
  const { key, value, output, inputFormat, outputFormat, statistics, dtype, pool, onError } = settings;
  const { keepFields, nonFinite } = settings;
  const { files, leftOut } = chosen ? { files: chosen.inputs, leftOut: [] } : await findInputs(settings);
  await using checkpoint = source === undefined ? await openCheckpoint(settings.weights) : undefined;
  const weightFiles = checkpoint?.files ?? source!.files;
  const plan = await planOutputs({
    ...{ inputs: files, inputFormat, output, outputFormat, ...chosen },
    hasStatistics: statistics,
    isKeepingFields: keepFields,
    alsoWritten: settings.report === undefined ? [] : [{ path: settings.report, option: 'report' }],
    alsoRead: [key, value, settings.embedding, configPath, ...weightFiles].filter(
      (path) => path !== undefined,
    ),
  });
  checkDurable(settings, plan.manifestPath);
  const layer = checkpoint === undefined ? source!.layer : await loadLayerOf(checkpoint, settings);
  const embedding = source === undefined ? await embeddingOf(settings) : source.embedding;
  await checkWritten(plan, settings);
  const { weights, heads, defaults } = layer;
  const options = optionsOf(settings, heads, defaults);
  const [tensors, fields] = [tensorsOf(settings), fieldsOf(settings)];
  const read = { leftOut, key, value, embedding, tensors, fields, nonFinite };
  const request = { ...plan, ...read, weights, options, dtype, pool, onError };
  return { request, layer, embedding, files: weightFiles };
}

export function findInputs({
  input,
  output,
}: Pick<Settings<'run'>, 'input' | 'output'>): Promise<FoundFiles> {
  return findFiles(input, sequenceExtensions, output);
}

function tensorsOf(settings: Settings<'run'>): TensorChoices | undefined {
  const { tensor, lengths, keyTensor, keyLengths, valueTensor } = settings;
  const query = tensorChoiceOf(tensor, lengths);
  const key = tensorChoiceOf(keyTensor, keyLengths);
  // Values are as many as their keys.
  const value = tensorChoiceOf(valueTensor, keyLengths);
  if ((query ?? key ?? value) === undefined) return undefined;
  return { ...(query && { query }), ...(key && { key }), ...(value && { value }) };
}

function fieldsOf({ field, keepFields }: Settings<'run'>): FieldChoice | undefined {
  if (field === undefined && !keepFields) return undefined;
  return { ...(field !== undefined && { field }), ...(keepFields && { isKeepingOthers: true }) };
}

/** What can't be written is better known before anything is computed. @throws FILE_FAILED */
async function checkWritten(
  { targets, manifestPath }: Pick<RunRequest, 'targets' | 'manifestPath'>,
  { report, dryRun }: Settings<'run'>,
): Promise<void> {
  const outputs = targets.flatMap(pathsOf).filter((path) => path !== standardStream);
  const paths = [...outputs, manifestPath, report].filter((path) => path !== undefined);
  await (dryRun ? foreseeOutputs(paths) : prepareOutputs(paths));
}

/** @throws INVALID_OPTION for what a manifest is needed for, where there is none */
function checkDurable(settings: Settings<'run'>, manifestPath: string | undefined): void {
  const field = (['resume', 'restart', 'verifyOutput'] as const).find((name) => settings[name]);
  if (field === undefined || manifestPath !== undefined) return;
  throw new HeadpoolError('INVALID_OPTION', `\`${flagOf(field)}\` needs files as input and output`);
}

async function embeddingOf(settings: Settings<'run'>): Promise<EmbeddingFile | undefined> {
  const { embedding: path, embeddingTensor, positionTensor } = settings;
  if (path === undefined) return undefined;
  const table = await openEmbedding({ path, embeddingTensor, positionTensor });
  return { path, tensors: [embeddingTensor, positionTensor], table };
}
