// The settings of attention, for every command that computes or explains it: those of the layer, and the options that
// the table of options says are settings; what they demand of each other, and the options of a call that they stand for.
import * as z from 'zod';
import {
  settingRows,
  type OptionSettings,
  type SettableOptions,
  type SettingRow,
} from '../attention/option-rows.js';
import { checkTogether, grouped, heads, path } from './shared-settings.js';

/** The layer, and all that its attention can be asked on a command line. */
export const attentionSettings = () => ({
  ...grouped('Layer', {
    weights: path.describe(
      'checkpoint: a .safetensors file, a .safetensors.index.json, or a folder with either',
    ),
    layer: z
      .union([z.string(), z.int().min(0)])
      .default('')
      .describe("which layer of it, by number or by a prefix of its tensors' names; see headpool layers"),
    heads: heads.optional().describe('attention heads, where neither the file nor its config.json tells'),
    kvHeads: z
      .int()
      .min(1)
      .optional()
      .describe('key/value heads; default: what the shapes of the weights say'),
    addZeroAttention: z.boolean().default(false).describe("add_zero_attn of PyTorch's module"),
  }),
  ...grouped('Attention', optionSettings()),
});

export type AttentionSettings = z.output<z.ZodObject<ReturnType<typeof attentionSettings>>>;

type OptionSchemas = { [Setting in keyof OptionSettings]: z.ZodType<OptionSettings[Setting]> };

function optionSettings(): OptionSchemas {
  const schemas = settingRows.map((row) => [row.setting, schemaOf(row).describe(row.help)]);
  return Object.fromEntries(schemas) as OptionSchemas;
}

function schemaOf({ kind, choices, flag }: SettingRow): z.ZodType {
  const said = flag === undefined ? kind : 'flag';
  switch (said) {
    case 'flag':
      return z.boolean().default(false);
    case 'choice':
      return z.enum(choices).optional();
    case 'flag or choice':
      return z.union([z.boolean(), z.enum(choices)]).optional();
    case 'count':
      return z.int().min(0).optional();
    case 'even count':
      return z.int().min(2).multipleOf(2).optional();
    case 'float32':
      return z.number().optional();
    case 'positive float32':
    case 'positive number':
      return z.number().positive().optional();
    case 'numbers a head':
      return z.array(z.number()).optional();
    default:
      return said satisfies never;
  }
}

/** Settings of the fields of an option, each with that of the field which the option can't be without. */
const needs = settingRows
  .filter(({ isNeeded }) => isNeeded)
  .flatMap((needed) => {
    const others = settingRows.filter(
      ({ name, setting }) => name === needed.name && setting !== needed.setting,
    );
    return others.map(({ setting }) => [setting, needed.setting] as const);
  });

/** What they demand of each other; the message of an issue is what was expected. */
export function checkAttention(settings: AttentionSettings, context: z.core.$RefinementCtx): void {
  const refuse = (field: keyof AttentionSettings, message: string): void => {
    context.addIssue({ code: 'custom', path: [field], message });
  };
  const { heads: count, causal, alignment } = settings;
  if (typeof causal === 'string' && ![undefined, causal].includes(alignment))
    refuse('alignment', `${causal}, as \`--causal\` says,`);
  for (const { setting } of settingRows) {
    const value = settings[setting];
    if (count !== undefined && Array.isArray(value) && value.length !== count)
      refuse(setting, `a list of ${count} numbers, one a head,`);
  }
  checkTogether(settings, context, { needs });
}

/**
 * The options of a call of a layer.
 * @param defaults those of the layer, which hold where the settings say nothing
 * @throws INVALID_OPTION for ALiBi with more heads than can be
 */
export function optionsOf<Options extends SettableOptions>(
  settings: AttentionSettings,
  heads: number,
  defaults: Options,
): SettableOptions & Options {
  const options: Record<string, unknown> = { ...defaults };
  for (const { name, field, setting, flag } of settingRows) {
    const said = settings[setting];
    // What is off by default stays off in silence; causal is told from a layer's own by being said.
    if (said === undefined || (said === false && name !== 'causal')) continue;
    const value = flag === undefined ? said : flag.stands(heads);
    options[name] =
      field === undefined ? value : { ...(options[name] as object | undefined), [field]: value };
  }
  return options as SettableOptions & Options;
}
