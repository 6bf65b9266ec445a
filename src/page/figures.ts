// Figures as a report shows them: short enough to compare by eye. Exact numbers go into tooltips and the embedded JSON.
import { formatCount } from './table.js';

/** Stands for what wasn't measured. */
export const absent = '–';

/** About three digits: '1,234', '12.3', '0.0456'. */
export function formatFigure(value: number): string {
  if (!Number.isFinite(value)) return absent;
  const size = Math.abs(value);
  if (size >= 99.95) return formatCount(value);
  if (size >= 9.995) return value.toFixed(1);
  if (size >= 0.9995) return value.toFixed(2);
  if (size >= 1e-4) return String(Number(value.toPrecision(3)));
  return value === 0 ? '0' : value.toExponential(1);
}

/** 0.714 -> '71 %', 0.0123 -> '1.2 %'. */
export function formatShare(share: number): string {
  if (!Number.isFinite(share)) return absent;
  const percent = 100 * share;
  return `${Math.abs(percent) < 9.95 && percent !== 0 ? percent.toFixed(1) : percent.toFixed(0)} %`;
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

/** '1 cell', '2 cells'. */
export function formatQuantity(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
