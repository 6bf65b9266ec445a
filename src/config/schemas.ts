// The schemas of the commands' settings: names, types, defaults and what help says of them. Flags, environment
// variables, configuration files and configs/schema/*.json all come from here.
import * as z from 'zod';
import { createBenchSettings } from './bench-settings.js';
import {
  createCancelSettings,
  createStatusSettings,
  createSubmitSettings,
  createWorkSettings,
} from './queue-settings.js';
import { createRunSettings } from './run-settings.js';
import { createScaleSettings } from './scale-settings.js';
import type { Misplaced } from './shared-settings.js';
import {
  createCompletionSettings,
  createExplainSettings,
  createInfoSettings,
  createLayersSettings,
  createMakeSequencesSettings,
  createMakeWeightsSettings,
  createMergeSettings,
  createShardsSettings,
  createVerifySettings,
} from './small-settings.js';

// Made when asked for: that takes a while, and a command needs one of them.
export const schemas = {
  run: createRunSettings,
  explain: createExplainSettings,
  layers: createLayersSettings,
  verify: createVerifySettings,
  'make-sequences': createMakeSequencesSettings,
  'make-weights': createMakeWeightsSettings,
  info: createInfoSettings,
  bench: createBenchSettings,
  scale: createScaleSettings,
  shards: createShardsSettings,
  merge: createMergeSettings,
  submit: createSubmitSettings,
  work: createWorkSettings,
  status: createStatusSettings,
  cancel: createCancelSettings,
  completion: createCompletionSettings,
} as const;

export type CommandName = keyof typeof schemas;
export type Settings<Name extends CommandName> = z.output<ReturnType<(typeof schemas)[Name]>>;

const made = new Map<CommandName, z.ZodType>();

function schemaOf(name: CommandName): z.ZodType {
  const schema = made.get(name) ?? schemas[name]();
  made.set(name, schema);
  return schema;
}

/** The JSON Schema of a command's settings. */
export function jsonSchemaOf(name: CommandName): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(schemaOf(name), { io: 'input' });
}

/** The same of a configuration file, which may name its schema for editors. */
export function configSchemaOf(name: CommandName): z.core.JSONSchema.BaseSchema {
  const schema = jsonSchemaOf(name);
  return { ...schema, properties: { $schema: { type: 'string' }, ...schema.properties } };
}

/** The setting that a command takes as arguments without a flag. */
export const argumentOf: { readonly [Name in CommandName]?: keyof Settings<Name> & string } = {
  layers: 'checkpoint',
  verify: 'dirs',
  completion: 'shell',
};

/** The command whose configuration files another one reads too, for the settings that they have in common. */
export const readsConfigOf: { readonly [Name in CommandName]?: CommandName } = {
  shards: 'run',
  merge: 'run',
  submit: 'run',
};

/** What is wrong with a setting; without an expectation it isn't what the field says. */
export type Misfit =
  { readonly unknown: string } | { readonly field: string; readonly expectation?: string } | Misplaced;

/** Values that fit the schema, or the first thing that is wrong with them. */
export function checkSettings<Name extends CommandName>(
  name: Name,
  values: object,
): { readonly settings: Settings<Name> } | Misfit {
  const parsed = schemaOf(name).safeParse(values);
  if (parsed.success) return { settings: parsed.data as Settings<Name> };
  for (const issue of parsed.error.issues) {
    if (issue.code === 'unrecognized_keys') return { unknown: issue.keys[0]! };
  }
  const issue = parsed.error.issues[0]!;
  const field = String(issue.path[0]);
  if (issue.code !== 'custom') return { field };
  return (issue.params as Misplaced | undefined) ?? { field, expectation: issue.message };
}
