// The settings of `headpool run` as a request: files found, weights read, outputs planned.
import { openCheckpoint } from '../checkpoints/checkpoint.js';
import { loadLayerOf, type LoadedLayer } from '../checkpoints/load-layer.js';
import { planOutputs } from '../runs/plan-outputs.js';
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
import { findFiles } from '../files/find-files.js';
import { foreseeOutputs, prepareOutputs } from '../files/prepare-outputs.js';
import { openEmbedding } from '../files/sequences/embedding.js';
import { sequenceExtensions } from '../files/sequences/formats.js';
import type { FieldChoice } from '../files/sequences/sequences.js';

/** What is to be done, and the layer that does it. */
export interface LayerRequest {
  readonly request: RunRequest;
  readonly layer: LoadedLayer;
}

/**
 * Makes the folders of what is to be written, unless nothing is.
 * @param configPath of the file that settings come from
 * @throws INVALID_OPTION, INVALID_FILE, INVALID_WEIGHTS, FILE_FAILED
 */
export async function requestOf(
  settings: Settings<'run'>,
  configPath: string | undefined,
): Promise<LayerRequest> {
  const { key, value, output, inputFormat, outputFormat, statistics, dtype, pool, onError } = settings;
  const { keepFields, nonFinite } = settings;
  const { files, leftOut } = await findFiles(settings.input, sequenceExtensions, output);
  await using checkpoint = await openCheckpoint(settings.weights);
  const plan = await planOutputs({
    ...{ inputs: files, inputFormat, output, outputFormat },
    hasStatistics: statistics,
    isKeepingFields: keepFields,
    alsoWritten: settings.report === undefined ? [] : [{ path: settings.report, option: 'report' }],
    alsoRead: [key, value, settings.embedding, configPath, ...checkpoint.files].filter(
      (path) => path !== undefined,
    ),
  });
  checkDurable(settings, plan.manifestPath);
  const layer = await loadLayerOf(checkpoint, settings);
  const embedding = await embeddingOf(settings);
  await checkWritten(plan, settings);
  const { weights, heads, defaults } = layer;
  const options = optionsOf(settings, heads, defaults);
  const [tensors, fields] = [tensorsOf(settings), fieldsOf(settings)];
  const source = { leftOut, key, value, embedding, tensors, fields, nonFinite };
  const request = { ...plan, ...source, weights, options, dtype, pool, onError };
  return { request, layer };
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
