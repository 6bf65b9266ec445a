// The registry of families of checkpoints: which one a layer is of, by the names of its tensors.
import type { StoredTensor } from '../files/storage.js';
import { bertFamily } from './bert-family.js';
import { distilbertFamily } from './distilbert-family.js';
import type { Family, StoredLayer } from './family.js';
import { gpt2Family } from './gpt2-family.js';
import { gptNeoxFamily } from './gpt-neox-family.js';
import { llamaFamily } from './llama-family.js';
import { torchFamily } from './torch-family.js';

const families: readonly Family[] = [
  torchFamily,
  bertFamily,
  distilbertFamily,
  gpt2Family,
  gptNeoxFamily,
  llamaFamily,
];

/** What messages call them. */
export const familyNames: readonly string[] = families.flatMap(
  ({ name, modelTypes }) => modelTypes ?? [name],
);

/** The attention layers among named tensors, in the order of their numbers; what belongs to none is passed over. */
export function findLayers(tensors: ReadonlyMap<string, StoredTensor>): StoredLayer[] {
  const found = new Map<string, Family>();
  for (const name of tensors.keys()) {
    for (const family of families) {
      const prefix = prefixOf(name, family);
      if (prefix !== undefined) found.set(prefix, family);
    }
  }
  return [...found]
    .sort(([one], [other]) => one.localeCompare(other, 'en', { numeric: true }))
    .map(([prefix, family]) => layerAt(prefix, family, tensors));
}

/** What stands in front of a family's mark, if the name ends with one at the right place. */
function prefixOf(name: string, { marks, place }: Family): string | undefined {
  const mark = marks.find((end) => name === place + end || name.endsWith(`.${place}${end}`));
  return mark === undefined ? undefined : name.slice(0, -mark.length);
}

function layerAt(prefix: string, family: Family, tensors: ReadonlyMap<string, StoredTensor>): StoredLayer {
  const below = [...tensors].flatMap(([name, tensor]) =>
    name.startsWith(prefix) ? [[name.slice(prefix.length), tensor] as const] : [],
  );
  const all = new Map(below);
  const wanted = [...family.needs((name) => all.has(name)), ...family.optional];
  const numbers = prefix.split('.').filter((part) => /^\d+$/.test(part));
  return {
    family,
    prefix,
    index: numbers.length === 0 ? undefined : Number(numbers.at(-1)),
    tensors: new Map(below.filter(([name]) => wanted.includes(name))),
    names: [...all.keys()],
  };
}
