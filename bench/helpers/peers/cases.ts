// Which layers are run: the tables, their names on the command line, and what is too large for this machine.
import { formatBytes, formatFlop } from '../../../src/page/figures.js';
import { layerFlop, type LayerCase } from '../layer.js';

/** For peers that take seconds for a large layer. */
export const smallCases: readonly LayerCase[] = [
  { modelDim: 512, heads: 8, tokens: 128 },
  { modelDim: 768, heads: 12, tokens: 512 },
  { modelDim: 768, heads: 12, tokens: 2048 },
];

const sizes = [
  { modelDim: 512, heads: 8 },
  { modelDim: 768, heads: 12 },
  { modelDim: 1024, heads: 16 },
  { modelDim: 4096, heads: 32 },
];
const lengths = [16, 128, 512, 2048, 8192];
const leastCausal = 512;

/** The published sizes of transformers at short to long inputs; causal where it makes a difference. */
export const wideCases: readonly LayerCase[] = sizes.flatMap((size) => [
  ...lengths.map((tokens) => ({ ...size, tokens })),
  ...lengths.filter((tokens) => tokens >= leastCausal).map((tokens) => ({ ...size, tokens, causal: true })),
]);

/** modelDim/heads/tokens[/causal] */
export function nameOf({ modelDim, heads, tokens, causal = false }: LayerCase): string {
  return [modelDim, heads, tokens, ...(causal ? ['causal'] : [])].join('/');
}

/** The cases of these names; all of them without names. */
export function selectCases(cases: readonly LayerCase[], names: readonly string[]): readonly LayerCase[] {
  return names.length === 0 ? cases : cases.filter((shape) => names.includes(nameOf(shape)));
}

// A run of this much takes about 5 s on a thread.
const mostFlopPerThread = 0.4e12;

/** Why a case takes longer than a run of all cases should, if it does. */
export function refuseLong(shape: LayerCase, threads: number): string | undefined {
  const flop = layerFlop(shape);
  const most = mostFlopPerThread * threads;
  if (flop <= most) return undefined;
  return `${formatFlop(flop)}, over ${formatFlop(most)} on so many threads; --all or --cases ${nameOf(shape)} runs it`;
}

/** Why a form that holds scores, or one that doesn't, can't run here, if it can't. */
export function refuseLarge(shape: LayerCase, hasScores: boolean): string | undefined {
  const bytes = estimateBytes(shape, hasScores);
  const available = process.availableMemory();
  return bytes <= available ? undefined : `about ${formatBytes(bytes)} of ${formatBytes(available)} free`;
}

function estimateBytes({ modelDim, heads, tokens, causal = false }: LayerCase, hasScores: boolean): number {
  // Weights: ours as given and packed; theirs transposed, in the model, in the session and packed there.
  const weights = 6 * 4 * modelDim ** 2;
  // x, q, k, v, heads, y and their other layouts, on both sides.
  const activations = 16 * tokens * modelDim;
  // Scores and probabilities; a mask as made, in the model and in the session.
  const scores = hasScores ? 2 * heads * tokens ** 2 : 0;
  const mask = hasScores && causal ? 3 * tokens ** 2 : 0;
  return 4 * (weights + activations + scores + mask);
}
