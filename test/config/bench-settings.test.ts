// The settings of a grid: lists from flags, variables and files.
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import test from 'ava';
import { gridsOf } from '../../src/commands/bench.js';
import { resolveSettings } from '../../src/config/settings.js';
import { HeadpoolError } from '../../src/core/errors.js';
import { noteIdleBars } from '../../src/measure/grid/bars.js';
import { expandGrid } from '../../src/measure/grid/expand.js';
import { nameOfCase } from '../../src/measure/grid/results.js';

const experiments = readdirSync('configs/experiments');

test('the configuration that comes with the project is valid', async (t) => {
  const settings = await resolveSettings('bench', {
    flags: {},
    environment: {},
    configPath: 'configs/bench.yaml',
  });
  t.like(settings, { heads: [8, 12], headDim: [64], kernel: ['auto'], rounds: 5 });
});

for (const name of experiments) {
  test(`the experiment ${name} is valid, and every cell of it fits`, async (t) => {
    const configPath = `configs/experiments/${name}`;
    const settings = await resolveSettings('bench', { flags: {}, environment: {}, configPath });
    const grid = expandGrid(gridsOf(settings, 'native'));
    t.deepEqual([...grid.notes, ...noteIdleBars(settings.bars ?? [], grid.cases)], []);
    const page = await readFile(`docs/experiments/${name.replace('.yaml', '.md')}`, 'utf8');
    t.true(page.includes(`headpool bench --config ${configPath}`));
  });
}

test('a variable holds a list as a flag does', async (t) => {
  const environment = {
    HEADPOOL_TOKENS: '1,2',
    HEADPOOL_CAUSAL: 'true,false',
    HEADPOOL_WINDOW: 'none,4',
    HEADPOOL_DTYPE: 'f32,bf16',
  };
  const settings = await resolveSettings('bench', { flags: {}, environment, configPath: undefined });
  t.like(settings, { tokens: [1, 2], causal: [true, false], window: ['none', 4], dtype: ['f32', 'bf16'] });
});

test('further grids change the lists that they name, and one width replaces the other', async (t) => {
  const flags = {
    headDim: [64],
    tokens: [16],
    threads: [1],
    also: ['mode=decode dtype=f16,bf16 window=none,4', 'modelDim=96 causal=true tokens=8'],
  };
  const settings = await resolveSettings('bench', { flags, environment: {}, configPath: undefined });
  const { cases } = expandGrid(gridsOf(settings, 'native'));
  t.deepEqual(cases.map(nameOfCase), [
    'layer 512/8/16 native x1',
    'decode 512/8/16 f16 native x1',
    'decode 512/8/16 window 4 f16 native x1',
    'decode 512/8/16 bf16 native x1',
    'decode 512/8/16 window 4 bf16 native x1',
    'layer 96/8/8 causal native x1',
  ]);
});

for (const [field, text, message] of [
  ['also', 'decode', /lists such as `mode=decode tokens=1024,4096` for `--also`/],
  ['also', 'mode=decoding', /lists such as/],
  ['also', 'token=5', /lists such as/],
  ['also', 'tokens=', /lists such as/],
  ['bars', 'ms < 5', /bars such as `axis=value … ms\|tokens\/s/],
  ['bars', 'seconds <= 5', /bars such as/],
  ['bars', 'ms <= many', /bars such as/],
  ['bars', 'tokens=5 ms <= 1 of', /bars such as/],
  ['bars', 'tokens=5 ms <= 1 if tokens=6', /bars such as/],
  ['bars', 'token=5 ms <= 1', /bars such as/],
] as const) {
  test(`${field} are no ${text}`, async (t) => {
    const sources = { flags: { [field]: [text] }, environment: {}, configPath: undefined };
    const error = await t.throwsAsync(resolveSettings('bench', sources), { instanceOf: HeadpoolError });
    t.is(error.code, 'INVALID_OPTION');
    t.regex(error.message, message);
  });
}
