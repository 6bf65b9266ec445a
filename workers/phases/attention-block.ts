// The operands of one block of attention, from the description of a job: where its queries, keys and the rest lie.
import type { RegionViews } from '../../src/core/tensor/region.js';
import type { AttentionBlock, Operand, StoredNumbers } from '../kernels/kernel.js';
import type { AttentionWork } from '../../src/core/protocol/attention-work.js';
import { openRules, rulesFrom } from '../../src/core/protocol/score-rules.js';
import { entryFrom, from, onData, type Strided } from '../../src/core/protocol/strided.js';
import { entryWords } from '../../src/core/protocol/tables.js';

/** Some queries of an entry, for neighbouring query heads that share a key/value head. */
export interface BlockRange {
  readonly entry: number;
  readonly firstHead: number;
  readonly endHead: number;
  readonly firstQuery: number;
  readonly endQuery: number;
}

/** Opens the operands once; what comes back makes the blocks of one phase. */
export function openBlocks(
  work: AttentionWork,
  entries: Float64Array,
  views: RegionViews,
): (range: BlockRange) => AttentionBlock {
  const { heads, kvHeads, headDim, valueDim } = work;
  const floats = views.floats.bind(views);
  const query = onData(work.query, floats);
  const stored = openStored(work, views);
  const output = onData(work.output, floats);
  const rules = openRules(work.rules, floats, views.bytes.bind(views));
  const weights = work.weights && onData(work.weights, floats);
  const scores = work.scores && onData(work.scores, floats);
  const logSumExp = work.logSumExp && onData(work.logSumExp, floats);
  const extra = work.extra && {
    count: work.extra.count,
    key: onData(work.extra.key, floats),
    value: onData(work.extra.value, floats),
  };
  const group = heads / kvHeads;

  return ({ entry, firstHead: head, endHead, firstQuery: row, endQuery }) => {
    const word = (index: number): number => entries[entry * entryWords.count + index]!;
    const kvHead = Math.floor(head / group);
    const at = { entry, head, row };
    return {
      queries: endQuery - row,
      group: endHead - head,
      keys: word(entryWords.keys),
      headDim,
      valueDim,
      query: entryFrom(query, word(entryWords.queryOffset), head, row),
      ...stored(word, kvHead),
      output: entryFrom(output, word(entryWords.outputOffset), head, row),
      extra: extra && {
        count: extra.count,
        key: from(extra.key, { head: kvHead }),
        value: from(extra.value, { head: kvHead }),
      },
      rules: rulesFrom(rules, at),
      position: row + word(entryWords.diagonal),
      weights: weights && from(weights, at),
      scores: scores && from(scores, at),
      statistics: null,
      logSumExp: logSumExp && entryFrom(logSumExp, word(entryWords.logSumExpOffset), head, row),
      isDecoding: false,
      partial: null,
    };
  };
}

type Stored = Pick<AttentionBlock, 'key' | 'value' | 'storage' | 'pages'>;

/** Keys and values of a key/value head: row after row, or in the pages of its entry. */
function openStored(
  { key, value, paging }: AttentionWork,
  views: RegionViews,
): (word: (index: number) => number, kvHead: number) => Stored {
  if (paging === null) {
    const [keys, values] = [key, value].map((operand) => onData(operand, views.floats.bind(views)));
    return (word, kvHead) => ({
      key: entryFrom<StoredNumbers>(keys!, word(entryWords.keyOffset), kvHead),
      value: entryFrom<StoredNumbers>(values!, word(entryWords.valueOffset), kvHead),
      storage: 'f32',
      pages: null,
    });
  }
  const { storage, pageKeys, pageStride } = paging;
  const pools = paging.pools.map((pool) => (storage === 'f32' ? views.floats(pool) : views.halves(pool)));
  const table = views.integers(paging.table);
  return (word, kvHead) => {
    const data = pools[word(entryWords.pool)]!;
    const inPages = (operand: Strided, offset: number): Operand<StoredNumbers> =>
      entryFrom({ ...operand, data }, offset, kvHead);
    return {
      key: inPages(key, word(entryWords.keyOffset)),
      value: inPages(value, word(entryWords.valueOffset)),
      storage,
      pages: {
        table: { data: table, offset: word(entryWords.pagesOffset) },
        pageKeys,
        stride: pageStride,
      },
    };
  };
}
