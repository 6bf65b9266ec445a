// The schemas of the commands' settings: names, types, defaults and what help says of them. Flags, environment
// variables, configuration files and configs/schema/*.json all come from here.
import * as z from 'zod';
import { benchSettings } from './bench-settings.js';
import { explainSettings } from './explain-settings.js';
import { makeSequencesSettings } from './make-sequences-settings.js';
import { makeWeightsSettings } from './make-weights-settings.js';
import { runSettings } from './run-settings.js';
import { scaleSettings } from './scale-settings.js';
import { kernel, threads } from './shared-settings.js';

export const schemas = {
  run: runSettings,
  explain: explainSettings,
  'make-sequences': makeSequencesSettings,
  'make-weights': makeWeightsSettings,
  info: z.strictObject({ threads, kernel }),
  bench: benchSettings,
  scale: scaleSettings,
} as const;

export type CommandName = keyof typeof schemas;
export type Settings<Name extends CommandName> = z.output<(typeof schemas)[Name]>;

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
