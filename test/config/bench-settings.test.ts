// The settings of a grid: lists from flags, variables and files.
import test from 'ava';
import { resolveSettings } from '../../src/config/settings.js';

test('the configuration that comes with the project is valid', async (t) => {
  const settings = await resolveSettings('bench', {
    flags: {},
    environment: {},
    configPath: 'configs/bench.yaml',
  });
  t.like(settings, { heads: [8, 12], headDim: [64], kernel: ['native', 'wasm'], rounds: 5 });
});

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
