// Attention of every shape that a tile, a lane or a group could get wrong, against the float64 oracle.
import { attentionCase, checkCase } from '../helpers/attention-case.js';
import { openEngines, testKernels } from '../helpers/engines.js';

const engineOf = openEngines();

// Around 4 rows x 8 columns of a register tile, 48 rows of a block, 64 keys of a tile, and twice those.
const tokens = [1, 2, 3, 7, 8, 9, 47, 48, 49, 63, 64, 65, 95, 96, 97, 127, 128, 129];

testKernels(engineOf, 'every headDim from 1 to 130 is computed to its last number', async (t, engine) => {
  for (let headDim = 1; headDim <= 130; headDim++) {
    await checkCase(t, engine, attentionCase({ heads: 2, queries: 3, keys: 5, headDim, seed: headDim }));
  }
});

testKernels(
  engineOf,
  'every valueDim from 1 to 34 beside another headDim is computed to its last number',
  async (t, engine) => {
    for (let valueDim = 1; valueDim <= 34; valueDim++) {
      const headDim = 1 + ((valueDim * 7) % 20);
      await checkCase(
        t,
        engine,
        attentionCase({ heads: 2, kvHeads: 1, queries: 4, keys: 9, headDim, valueDim, seed: valueDim }),
      );
    }
  },
);

testKernels(engineOf, 'as many keys as queries, around every tile length', async (t, engine) => {
  for (const queries of tokens)
    await checkCase(t, engine, attentionCase({ queries, headDim: 8, valueDim: 4, seed: queries }));
});

testKernels(engineOf, 'few queries on many keys, around every tile length', async (t, engine) => {
  for (const keys of tokens) {
    for (const queries of [1, 3])
      await checkCase(t, engine, attentionCase({ heads: 2, queries, keys, headDim: 5, seed: keys }));
  }
});

testKernels(engineOf, 'many queries on few keys, around every tile length', async (t, engine) => {
  for (const queries of tokens) {
    for (const keys of [1, 2, 7])
      await checkCase(t, engine, attentionCase({ queries, keys, headDim: 6, seed: queries }));
  }
});

testKernels(
  engineOf,
  'causal attention around every tile length, aligned to either corner',
  async (t, engine) => {
    for (const queries of tokens) {
      const keys = Math.max(1, queries - 2 + (queries % 5));
      await checkCase(
        t,
        engine,
        attentionCase({ queries, keys, headDim: 4, causal: 'top-left', seed: queries }),
      );
      await checkCase(
        t,
        engine,
        attentionCase({ queries, keys, headDim: 4, causal: 'bottom-right', seed: queries }),
      );
    }
  },
);

testKernels(
  engineOf,
  'query heads share key/value heads in groups, down to a single one',
  async (t, engine) => {
    for (const [heads, kvHeads] of [
      [1, 1],
      [2, 1],
      [3, 3],
      [4, 2],
      [6, 2],
      [7, 1],
      [8, 1],
      [9, 3],
      [12, 4],
    ] as const) {
      for (const queries of [1, 5, 17]) {
        const shape = { batch: 2, heads, kvHeads, queries, keys: 11, headDim: 8, valueDim: 12 };
        await checkCase(t, engine, attentionCase({ ...shape, seed: heads }));
        await checkCase(t, engine, attentionCase({ ...shape, seed: heads, causal: 'bottom-right' }));
      }
    }
  },
);

testKernels(
  engineOf,
  'a group of more heads than a block has rows is computed one query at a time',
  async (t, engine) => {
    await checkCase(
      t,
      engine,
      attentionCase({ heads: 101, kvHeads: 1, queries: 3, keys: 9, headDim: 3, causal: 'top-left' }),
    );
    await checkCase(t, engine, attentionCase({ heads: 98, kvHeads: 2, queries: 2, keys: 70, headDim: 3 }));
  },
);

testKernels(engineOf, 'batch entries attend their own keys', async (t, engine) => {
  await checkCase(t, engine, attentionCase({ batch: 5, heads: 3, queries: 7, keys: 13, headDim: 9 }));
});

testKernels(
  engineOf,
  'a batch without entries, queries or keys has an empty or an all-zero output',
  async (t, engine) => {
    await checkCase(t, engine, attentionCase({ batch: 0, heads: 2, queries: 3 }));
    await checkCase(t, engine, attentionCase({ batch: 2, heads: 2, queries: 0, keys: 3 }));
    await checkCase(t, engine, attentionCase({ batch: 2, heads: 2, queries: 3, keys: 0 }));
  },
);
