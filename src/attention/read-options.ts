// The options of a call as they are when it is made: their names checked, each option read once, and so is each field of
// those that are objects. What they hold is checked afterwards, on the copy.
import { readObject } from '../core/read-object.js';
import { optionRows } from './option-rows.js';
import type { AttentionOptions, Groups } from './options.js';

const optionNames = [...new Set(optionRows.map(({ name }) => name))];

const groups = optionNames.flatMap((name) => {
  const fields = optionRows.flatMap((row) => (row.name === name && row.field !== undefined ? [row] : []));
  if (fields.length === 0) return [];
  const told = fields.map(({ field, isNeeded }) => (isNeeded ? field : `${field}?`));
  return {
    name: name as keyof Groups,
    kind: `option of \`${name}\``,
    fields: fields.map(({ field }) => field!),
    what: `an object { ${told.join(', ')} }`,
  };
});

/**
 * A copy of the options.
 * @param others names that may stand beside them
 * @throws UNKNOWN_OPTION, naming the nearest; INVALID_OPTION if the options, or one that has fields, are no object
 */
export function readOptions<T extends AttentionOptions>(options: T, others: readonly string[] = []): T {
  const fields = [...optionNames, ...others];
  const read = readObject(options, { name: 'options', kind: 'option', fields });
  const grouped = read as { -readonly [Name in keyof Groups]?: object };
  for (const group of groups) {
    const value = grouped[group.name];
    if (value !== undefined) grouped[group.name] = readObject(value, group);
  }
  return read;
}
