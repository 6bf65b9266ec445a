// The settings of a grid: lists from flags, variables and files.
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import test from 'ava';
import { resolveSettings } from '../../src/config/settings.js';
import { expandGrid } from '../../src/measure/grid/expand.js';

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
    const window = settings.window.map((tokens) => (tokens === 'none' ? null : tokens));
    const grid = expandGrid({ ...settings, window, threads: [2], kernel: ['native'] });
    t.deepEqual(grid.notes, []);
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
