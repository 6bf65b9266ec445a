// Rotary positions as config.json tells them: the base at the top, or in `rope_parameters` since transformers 5.
import type { RotaryOptions } from '../attention/options.js';
import { invalidFile } from '../core/errors.js';
import type { LayerFacts } from './family.js';
import type { ModelConfig } from './model-config.js';

export interface RotaryFields {
  readonly base: string;
  /** Which part of a head turns. */
  readonly share: string;
  readonly defaultShare: number;
}

// What transformers takes where the file says nothing.
const defaultBase = 10_000;

/**
 * @param fields the family's own names, at the top of the file
 * @param folder where config.json should be
 * @throws INVALID_FILE if there is none, for positions that are scaled, and for two bases that differ
 */
export function rotaryOf(
  { config, headDim }: LayerFacts,
  fields: RotaryFields,
  folder: string,
): RotaryOptions {
  if (config === undefined) {
    throw invalidFile(
      folder,
      "the model's config.json, which tells its rotary positions,",
      'config.json',
      undefined,
    );
  }
  refuseScaling(config);
  const parameters = config.object('rope_parameters');
  const base = baseOf(config, fields.base, parameters);
  const share =
    parameters?.number('partial_rotary_factor') ?? config.number(fields.share) ?? fields.defaultShare;
  const dims = Math.floor(headDim * share);
  return dims === headDim ? { base } : { base, dims };
}

/** Only positions as they are can be computed: any kind but `default` changes their angles. */
function refuseScaling(config: ModelConfig): void {
  const scaling = config.object('rope_scaling');
  for (const group of [scaling, config.object('rope_parameters')]) {
    if (group === undefined) continue;
    const field =
      group.text('rope_type') === undefined && group.text('type') !== undefined ? 'type' : 'rope_type';
    const kind = group.text(field);
    if (kind === 'default' || (kind === undefined && group !== scaling)) continue;
    throw group.refuse('`default`, since no other scaling of positions is known,', field);
  }
}

function baseOf(config: ModelConfig, field: string, parameters: ModelConfig | undefined): number {
  const [own, nested] = [
    config.number(field) ?? config.number('rope_theta'),
    parameters?.number('rope_theta'),
  ];
  if (own !== undefined && nested !== undefined && own !== nested) {
    throw parameters!.refuse(`${own}, as \`${field}\` says,`, 'rope_theta');
  }
  if (parameters !== undefined && nested === undefined && own === undefined) {
    throw parameters.refuse('a number', 'rope_theta');
  }
  return own ?? nested ?? defaultBase;
}
