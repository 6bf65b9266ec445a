// The schemas of the commands' settings: names, types, defaults and what help says of them. Flags, environment
// variables, configuration files and configs/schema/*.json all come from here.
import * as z from 'zod';
import { createBenchSettings } from './bench-settings.js';
import { createExplainSettings } from './explain-settings.js';
import { createMakeSequencesSettings } from './make-sequences-settings.js';
import { createMakeWeightsSettings } from './make-weights-settings.js';
import { createRunSettings } from './run-settings.js';
import { createScaleSettings } from './scale-settings.js';
import { kernel, threads } from './shared-settings.js';

// Made when asked for: that takes a while, and a command needs one of them.
export const schemas = {
  run: createRunSettings,
  explain: createExplainSettings,
  'make-sequences': createMakeSequencesSettings,
  'make-weights': createMakeWeightsSettings,
  info: () => z.strictObject({ threads, kernel }),
  bench: createBenchSettings,
  scale: createScaleSettings,
} as const;

export type CommandName = keyof typeof schemas;
export type Settings<Name extends CommandName> = z.output<ReturnType<(typeof schemas)[Name]>>;

const made = new Map<CommandName, z.ZodType>();

function schemaOf(name: CommandName): z.ZodType {
  const schema = made.get(name) ?? schemas[name]();
  made.set(name, schema);
  return schema;
}

/** The JSON Schema of a command's configuration file. */
export function jsonSchemaOf(name: CommandName): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(schemaOf(name), { io: 'input' });
}

/**
 * A value that fits the schema, or the first thing that is wrong with it: an unknown setting, two that exclude each
 * other (an issue whose path is both), or one of a wrong value; with what was expected if that isn't the field's.
 */
export function checkSettings<Name extends CommandName>(
  name: Name,
  values: object,
):
  | { readonly settings: Settings<Name> }
  | { readonly unknown: string }
  | { readonly excluding: readonly [string, string] }
  | { readonly field: string; readonly expectation?: string } {
  const parsed = schemaOf(name).safeParse(values);
  if (parsed.success) return { settings: parsed.data as Settings<Name> };
  for (const issue of parsed.error.issues) {
    if (issue.code === 'unrecognized_keys') return { unknown: issue.keys[0]! };
  }
  const { path, code, message } = parsed.error.issues[0]!;
  if (code === 'custom' && path.length === 2) return { excluding: [String(path[0]), String(path[1])] };
  return { field: String(path[0]), ...(code === 'custom' && { expectation: message }) };
}
