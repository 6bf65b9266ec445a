// What options cost: each call in alternating pairs with the plain call on the same q, k, v [1, 8, 2048, 64], after both
// were held against the float64 oracle, at this size and at a small one. Times are shares of the plain call's. Then a
// window of 256 keys against full attention on 16,384 tokens, half of the heads of a layer, and decoding after a cache
// of 65,536 tokens. `--kernel native|wasm` and `--cases softcap,causal` choose.
import { createEngine, type AttentionInputs, type EngineOptions } from '../src/index.js';
import { readArguments } from './helpers/arguments.js';
import { AttentionCase } from './helpers/attention-case.js';
import { optionCases, type OptionCase, type OptionShape } from './helpers/option-cases.js';
import { checkOptions } from './helpers/option-check.js';
import { barOf, faster, measureCost, noteNoisy, type Cost } from './helpers/option-cost.js';
import { measureDecoding, measureHalfOfLayer, type DecodingStep } from './helpers/option-layer.js';
import { formatRatio, progress, report } from './helpers/outcome.js';
import { enableRelaxedSimd } from './helpers/relaxed-simd.js';

// More than one tile of any kernel, and a rest.
const checkTokens = 150;
const modelDim = 512;
const layerHeads = 8;
const longWindow = 256;
const otherCases = ['window-256', 'layer-half-of-heads', 'decoding'];

enableRelaxedSimd();
const { json, seconds, kernel, threads, cases, heads, tokens, headDim, longTokens, cacheTokens } =
  readArguments({
    ...{ seconds: 10, kernel: 'auto', threads: 2, cases: [] },
    ...{ heads: 8, tokens: 2048, headDim: 64, longTokens: 16_384, cacheTokens: 65_536 },
  });
checkNames(cases);
await using engine = await createEngine({ threads, kernel: kernel as NonNullable<EngineOptions['kernel']> });
const costs: Cost[] = [];
const steps: DecodingStep[] = [];

const shape = { heads, tokens, headDim };
const smallShape = { ...shape, tokens: checkTokens };
const { inputs } = attentionOf(shape);
const { inputs: smallInputs } = attentionOf(smallShape);
await check('plain', () => ({}), inputs);
for (const { name, options, pairs, limit } of optionCases.filter(isChosen)) {
  progress(name);
  const call: AttentionInputs = { ...inputs, ...options(shape) };
  await check(name, options, call);
  const cost = await measureCost({
    ...{ name, seconds, limit },
    plain: () => engine.attention(inputs),
    option: () => engine.attention(call),
    share: (pairs?.(tokens) ?? tokens ** 2) / tokens ** 2,
  });
  costs.push(cost);
}

if (isChosen({ name: 'window-256' })) {
  progress(`a window of ${longWindow} of ${longTokens} tokens`);
  const plain = attentionOf({ ...shape, tokens: longTokens }).inputs;
  const call: AttentionInputs = { ...plain, causal: true, window: { left: longWindow - 1 } };
  await checkOptions('plain', engine, plain);
  await checkOptions('window-256', engine, call);
  const cost = await measureCost({
    ...{ name: 'window-256', seconds, leastPairs: 3, control: 'option', limit: faster(20) },
    plain: () => engine.attention(plain),
    option: () => engine.attention(call),
  });
  costs.push(cost);
}

if (isChosen({ name: 'layer-half-of-heads' })) {
  progress('half of the heads of a layer');
  costs.push(await measureHalfOfLayer(engine, { modelDim, heads: layerHeads, tokens, seconds }));
}

if (isChosen({ name: 'decoding' })) {
  progress(`decoding after ${cacheTokens} tokens`);
  const found = await measureDecoding(engine, { modelDim, heads: layerHeads, tokens: cacheTokens, seconds });
  costs.push(...found.costs);
  steps.push(...found.steps);
}

report(
  {
    benchmark: 'options',
    engines: [engine.info],
    table: [
      ['option', 'pairs', 'plain ms', 'option ms', 'p10', 'p90', 'time', 'control', 'attended pair'],
      ...costs.map(({ name, plain, option, ratio, control, share }) => [
        ...[name, String(option.count)],
        ...[plain.median, option.median, option.p10, option.p90].map(formatMs),
        ...[formatRatio(ratio), formatRatio(control)],
        share === 1 ? '' : `${(ratio.median / share).toFixed(2)}x`,
      ]),
    ],
    notes: [
      `q, k, v [1, ${heads}, ${tokens}, ${headDim}], window-256 ${longTokens} tokens, ${threads} workers; ` +
        "time is a share of the plain call's, control the plain call (of window-256 the option's) against itself",
      ...steps.map(
        ({ dtype, us, bytesPerSecond }) =>
          `A token after ${cacheTokens} cached in ${dtype}, modelDim ${modelDim}: ` +
          `${us.toFixed(0)} µs, ${(bytesPerSecond / 1e9).toFixed(1)} GB/s of keys and values`,
      ),
      ...noteNoisy(costs),
    ],
    bars: costs.flatMap(barOf),
    figures: { shape, longTokens, cacheTokens, threads, costs, decoding: steps },
  },
  { json },
);

function attentionOf(of: OptionShape): AttentionCase {
  return new AttentionCase({ heads: of.heads, keys: of.tokens, headDim: of.headDim });
}

/** At a small size, and the call that is to be timed. */
async function check(name: string, options: OptionCase['options'], call: AttentionInputs): Promise<void> {
  await checkOptions(name, engine, { ...smallInputs, ...options(smallShape) });
  await checkOptions(name, engine, call);
}

function isChosen({ name }: { readonly name: string }): boolean {
  return cases.length === 0 || cases.includes(name);
}

function checkNames(given: readonly string[]): void {
  const names = [...optionCases.map(({ name }) => name), ...otherCases];
  for (const name of given) {
    if (!names.includes(name))
      throw new RangeError(`Expected some of ${names.join(', ')} for --cases, got ${name}`);
  }
}

function formatMs(ms: number): string {
  return ms.toFixed(ms < 10 ? 3 : 1);
}
