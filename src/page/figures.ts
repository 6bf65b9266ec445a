// Numbers as people read them, short enough to compare by eye. Exact ones go into CSV, tooltips and the embedded JSON.

/** Stands for what there is no number of. */
export const absent = '–';

/** 1234567 -> '1,234,567'. */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** '1 cell', '2 cells'. */
export function formatQuantity(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Bytes with a binary unit: '1.5 GiB'. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]!}`;
}

/** Floating-point operations with a decimal prefix: '12.3 GFLOP'. */
export function formatFlop(flop: number): string {
  const prefixes = ['', 'k', 'M', 'G', 'T', 'P'];
  const power = Math.min(prefixes.length - 1, Math.floor(Math.log10(Math.max(flop, 1)) / 3));
  return `${(flop / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${prefixes[power]!}FLOP`;
}

/** Milliseconds as '850 ms', '12.3 s', '4 min 05 s' or '26 h 10 min'. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${ms.toFixed(0)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const [whole, large, small] = seconds < 3600 ? [seconds, 'min', 's'] : [seconds / 60, 'h', 'min'];
  const rounded = Math.round(whole);
  return `${Math.floor(rounded / 60)} ${large} ${String(rounded % 60).padStart(2, '0')} ${small}`;
}

/** About three digits, whatever the size: '1,234', '12.3', '0.0456'. */
export function formatFigure(value: number): string {
  if (!Number.isFinite(value)) return absent;
  const size = Math.abs(value);
  if (size >= 99.95) return formatCount(value);
  if (size >= 9.995) return value.toFixed(1);
  if (size >= 0.9995) return value.toFixed(2);
  if (size >= 1e-4) return String(Number(value.toPrecision(3)));
  return value === 0 ? '0' : value.toExponential(1);
}

/** The decimals that give a number from 1 on so many digits, but one at least: points of a column stay close together. */
export function formatDecimals(value: number, digits = 3): string {
  return value.toFixed(Math.max(1, digits - (value < 10 ? 1 : value < 100 ? 2 : 3)));
}

/** 0.714 -> '71 %', 0.0123 -> '1.2 %'; or as many decimals as are asked for. */
export function formatShare(share: number, decimals?: number): string {
  if (!Number.isFinite(share)) return absent;
  const percent = 100 * share;
  return `${percent.toFixed(decimals ?? (Math.abs(percent) < 9.95 && percent !== 0 ? 1 : 0))} %`;
}

/** Two decimals, and more where a bound would look like the 1 that it excludes. */
export function formatRatio(ratio: number): string {
  if (ratio >= 1000 || ratio < 0.01) return ratio.toPrecision(2);
  const digits = [2, 3, 4].find((count) => ratio === 1 || Number(ratio.toFixed(count)) !== 1) ?? 4;
  return ratio.toFixed(digits);
}

/** '1.2 to 3.4' */
export function formatRange(
  { low, high }: { readonly low: number; readonly high: number },
  format: (value: number) => string,
  between = ' to ',
): string {
  return `${format(low)}${between}${format(high)}`;
}

/** A number of an axis: all digits that a tick has. */
export function formatTick(value: number): string {
  if (value >= 1e5 && value % 1000 === 0) return `${formatCount(value / 1000)}k`;
  return value >= 1000 ? formatCount(value) : String(Number(value.toPrecision(4)));
}

/** 16384 -> '16Ki' where there is little room, else '16,384'. */
export function formatTokens(tokens: number, isTight = false): string {
  return isTight && tokens >= 1024 && tokens % 1024 === 0 ? `${tokens / 1024}Ki` : formatCount(tokens);
}
