// The settings that say options of an attention, row by row of the table of options: each can be said in every way,
// reaches the call, and is recorded by a run.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { denseBatch } from '../../src/attention/batch.js';
import {
  settingRows,
  valueAt,
  type PlacedRow,
  type SettableOptions,
  type SettingRow,
} from '../../src/attention/option-rows.js';
import type { AttentionOptions } from '../../src/attention/options.js';
import { resolveOptions } from '../../src/attention/resolve-options.js';
import { optionsOf } from '../../src/config/attention-settings.js';
import { fieldsOf, flagOf, variableOf } from '../../src/config/fields.js';
import { resolveSettings } from '../../src/config/settings.js';
import { createXavierWeights } from '../../src/index.js';
import { configurationOf } from '../../src/runs/configuration.js';
import { headpool } from '../helpers/command.js';
import { makeFolder } from '../helpers/make-folder.js';

const [heads, headDim] = [2, 4];
const required = { input: 'x.npy', weights: 'w.safetensors', heads, head: 0, query: 0 };

/** A value that is neither the default nor off, and its text. */
function exampleOf({ kind, choices, flag }: SettingRow): readonly [value: unknown, text: string] {
  if (kind === 'flag' || flag !== undefined) return [true, 'true'];
  if (kind === 'numbers a head') return [[0.5, 2], '0.5,2'];
  if (choices.length === 0) return [2, '2'];
  // Another alignment than the calls below have, and the same of causal, which must not contradict it.
  const word = kind === 'choice' ? choices[0]! : choices.at(-1)!;
  return [word, word];
}

/** The settings that a setting needs. */
function neededOf({ name, path }: SettingRow): Readonly<Record<string, unknown>> {
  const needed = settingRows.filter((row) => row.isNeeded && row.name === name && row.path !== path);
  return Object.fromEntries(needed.map((row) => [row.setting, exampleOf(row)[0]]));
}

for (const row of settingRows) {
  const [value, text] = exampleOf(row);
  const { setting } = row;

  test(`${setting} is said by a flag, a variable and a file, and both commands help with it`, async (t) => {
    for (const command of ['run', 'explain'] as const) {
      t.like(fieldsOf(command).get(setting), { name: flagOf(setting), description: row.help });
    }
    const configPath = join(await makeFolder(t), 'explain.yaml');
    await writeFile(configPath, `${setting}: ${JSON.stringify(value)}\n`);
    const flags = { ...required, ...neededOf(row) };
    for (const sources of [
      { flags: { ...flags, [setting]: value }, environment: {}, configPath: undefined },
      { flags, environment: { [variableOf(setting)]: text }, configPath: undefined },
      { flags, environment: {}, configPath },
    ]) {
      t.deepEqual((await resolveSettings('explain', sources))[setting], value);
    }
  });

  test(`${setting} reaches the call as ${row.path}, and is recorded`, async (t) => {
    const flags = { ...required, alignment: 'bottom-right', ...neededOf(row) };
    const optionsFrom = async (given: object) => {
      const sources = { flags: { ...flags, ...given }, environment: {}, configPath: undefined };
      return optionsOf(await resolveSettings('explain', sources), heads, {});
    };
    const [without, options] = [await optionsFrom({}), await optionsFrom({ [setting]: value })];
    const wanted = row.flag === undefined ? value : row.flag.stands(heads);
    t.deepEqual(valueAt(options, row), wanted);
    t.notDeepEqual(resolve(options), resolve(without));
    t.deepEqual(recorded(options, row), wanted);
    t.notDeepEqual(recorded(without, row), wanted);
  });
}

/** The resolved options of two queries on four keys. */
function resolve(options: AttentionOptions): object {
  const batch = denseBatch(1, 2, 4, { keyLengths: undefined, offsets: undefined, keyOffsets: undefined });
  const layer = { heads, kvHeads: heads, headDim, valueDim: headDim };
  const { diagonalOf, ...others } = resolveOptions(options, layer, batch, []);
  return { ...others, start: diagonalOf(batch.entries[0]!) };
}

function recorded(options: SettableOptions, row: PlacedRow): unknown {
  const weights = createXavierWeights({ modelDim: heads * headDim, heads });
  const configuration = configurationOf({ options, weights }, { heads, kvHeads: heads, headDim });
  return valueAt(configuration, row);
}

test('help shows what each of them does', async (t) => {
  for (const command of ['run', 'explain']) {
    const { stdout } = await headpool(command, '--help');
    const words = stdout.replace(/\s+/g, ' ');
    for (const { setting, help } of settingRows)
      t.true(words.includes(` ${flagOf(setting)} ${help}`), setting);
  }
});
