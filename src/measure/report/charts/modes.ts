// What modes are called in titles and legends.
import type { BenchMode } from '../../grid/results.js';

export const modeTitles: Readonly<Record<BenchMode, string>> = {
  layer: 'Layer',
  attention: 'Attention alone',
  decode: 'One token after a cache',
};

/** What a case's `tokens` are. */
export function tokensTitle(mode: BenchMode): string {
  return mode === 'decode' ? 'cached tokens' : 'tokens';
}
