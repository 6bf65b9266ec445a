// Sizes of memory as people write them.

/** A number with a unit: B, kB, MB, GB, TB by thousands, KiB, MiB, GiB, TiB by 1,024; bytes without one. */
export const byteSize = /^([0-9]+(?:\.[0-9]+)?)\s*([kKMGT]i?)?B?$/;

const powers = ['', 'K', 'M', 'G', 'T'];

/** Bytes of a text that matches `byteSize`. */
export function parseByteSize(text: string): number {
  const [, number = '', prefix = ''] = byteSize.exec(text) ?? [];
  const base = prefix.endsWith('i') ? 1024 : 1000;
  return Math.floor(Number(number) * base ** powers.indexOf(prefix.charAt(0).toUpperCase()));
}
