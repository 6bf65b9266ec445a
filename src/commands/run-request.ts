// The settings of `headpool run` as a request: files found, weights read, outputs planned.
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { openCheckpoint } from '../checkpoints/checkpoint.js';
import { loadLayerOf, type LoadedLayer } from '../checkpoints/load-layer.js';
import { planOutputs } from '../runs/plan-outputs.js';
import type { EmbeddingFile, RunRequest } from '../runs/request.js';
import { optionsOf } from '../config/attention-settings.js';
import { flagOf } from '../config/fields.js';
import type { Settings } from '../config/schemas.js';
import { HeadpoolError } from '../core/errors.js';
import { attempt } from '../files/attempt.js';
import { findFiles } from '../files/find-files.js';
import { openEmbedding } from '../files/sequences/embedding.js';
import { sequenceExtensions } from '../files/sequences/formats.js';

/** What is to be done, and the layer that does it. */
export interface LayerRequest {
  readonly request: RunRequest;
  readonly layer: LoadedLayer;
}

/** @throws INVALID_OPTION, INVALID_FILE, INVALID_WEIGHTS, FILE_FAILED */
export async function requestOf(settings: Settings<'run'>): Promise<LayerRequest> {
  const { key, value, output, inputFormat, outputFormat, statistics, dtype, pool, onError, dryRun } =
    settings;
  const { files, leftOut } = await findFiles(settings.input, sequenceExtensions, output);
  await using checkpoint = await openCheckpoint(settings.weights);
  const plan = await planOutputs({
    ...{ inputs: files, inputFormat, output, outputFormat },
    hasStatistics: statistics,
    alsoWritten: settings.report === undefined ? [] : [settings.report],
    alsoRead: [key, value, settings.embedding, ...checkpoint.files].filter((path) => path !== undefined),
  });
  checkDurable(settings, plan.manifestPath);
  const layer = await loadLayerOf(checkpoint, settings);
  const embedding = await embeddingOf(settings);
  if (plan.folder !== undefined && !dryRun) await makeFolders(plan.folder, plan);
  const { weights, heads, defaults } = layer;
  const options = optionsOf(settings, heads, defaults);
  const request = { ...plan, leftOut, key, value, embedding, weights, options, dtype, pool, onError };
  return { request, layer };
}

/** Before anything is computed: one that can't be made is better known now. @throws FILE_FAILED */
async function makeFolders(folder: string, { targets }: Pick<RunRequest, 'targets'>): Promise<void> {
  for (const path of new Set([folder, ...targets.map((target) => dirname(target.path))])) {
    await attempt(path, 'create the folder', () => mkdir(path, { recursive: true }));
  }
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
