// Which of a checkpoint's layers is meant: by its number, or by a prefix of its tensors' names.
import { expected, HeadpoolError } from '../core/errors.js';
import { didYouMean } from '../core/suggest.js';
import { familyNames, findLayers } from './families.js';
import type { StoredLayer } from './family.js';
import { listNames } from './layer-error.js';
import type { Checkpoint } from './checkpoint.js';

/** What a layer is called: its prefix without the last dot; empty where names have none. */
export function nameOf({ prefix }: Pick<StoredLayer, 'prefix'>): string {
  return prefix.replace(/\.$/, '');
}

/** All layers of a checkpoint, one at least. @throws INVALID_WEIGHTS, naming what is there */
export function layersOf({ path, tensors }: Checkpoint): StoredLayer[] {
  const layers = findLayers(tensors);
  if (layers.length > 0) return layers;
  const found = listNames([...tensors.keys()]);
  throw new HeadpoolError(
    'INVALID_WEIGHTS',
    `${path}: expected the attention layers of a known family (${familyNames.join(', ')}), got ${found}`,
  );
}

/**
 * @param wanted a number, as such or as text, or a prefix of names with or without its last dot; nothing where there is
 * one layer only
 * @throws INVALID_OPTION, naming the layers that are there; INVALID_WEIGHTS if there is none
 */
export function chooseLayer(checkpoint: Checkpoint, wanted: number | string = ''): StoredLayer {
  const layers = layersOf(checkpoint);
  const matching = matchLayers(layers, String(wanted));
  if (matching.length === 1) return matching[0]!;
  const { path } = checkpoint;
  const candidates = matching.length === 0 ? layers : matching;
  const names = candidates.map(nameOf).filter((name) => name !== '');
  const listed = listNames(names);
  if (wanted === '') {
    throw new HeadpoolError('INVALID_OPTION', `Expected \`layer\`, since ${path} has several: ${listed}`);
  }
  const kind = matching.length === 0 ? 'one of the layers' : 'a single one of the layers';
  const { message } = expected('INVALID_OPTION', `${kind} of ${path}`, 'layer', wanted);
  const hint = matching.length === 0 ? didYouMean(String(wanted), names) : '';
  const known = names.length === 0 ? 'its only layer has no name: leave `layer` out' : `there are ${listed}`;
  throw new HeadpoolError('INVALID_OPTION', `${message}${hint}; ${known}`);
}

function matchLayers(layers: readonly StoredLayer[], wanted: string): readonly StoredLayer[] {
  if (wanted === '') return layers.length === 1 ? layers : layers.filter(({ prefix }) => prefix === '');
  if (/^\d+$/.test(wanted)) return layers.filter(({ index }) => index === Number(wanted));
  const name = wanted.replace(/\.$/, '');
  const same = layers.find((layer) => nameOf(layer) === name);
  return same === undefined ? layers.filter(({ prefix }) => prefix.startsWith(`${name}.`)) : [same];
}
