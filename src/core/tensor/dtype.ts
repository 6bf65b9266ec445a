// The storage types of numbers and their conversion to and from float32. All arithmetic elsewhere is float32.

export const dtypes = ['f32', 'f16', 'bf16'] as const;
/** How numbers are stored. @useDeclaredType */
export type Dtype = (typeof dtypes)[number];

export const bytesPerElement: Readonly<Record<Dtype, number>> = { f32: 4, f16: 2, bf16: 2 };

const scratchFloat = new Float32Array(1);
const scratchBits = new Uint32Array(scratchFloat.buffer);

/** The float32 value of an IEEE half (5 exponent bits, 10 fraction bits); NaN payloads keep their upper bits. */
export function decodeF16(bits: number): number {
  const sign = (bits & 0x8000) << 16;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) {
    const magnitude = fraction * 2 ** -24;
    return sign === 0 ? magnitude : -magnitude;
  }
  const wideExponent = exponent === 31 ? 255 : exponent + 112;
  scratchBits[0] = sign | (wideExponent << 23) | (fraction << 13);
  return scratchFloat[0]!;
}

/** The nearest half of a float32, ties to even; overflow becomes infinity, NaN stays a quiet NaN. */
export function encodeF16(value: number): number {
  scratchFloat[0] = value;
  const bits = scratchBits[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x1ff);
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) return sign | roundHalfToEven(Math.abs(scratchFloat[0]) * 2 ** 24);
  const rebased = magnitude - (112 << 23);
  const isOdd = (rebased >>> 13) & 1;
  return sign | ((rebased + 0xfff + isOdd) >>> 13);
}

/** The float32 value of a bfloat16: the upper half of a float32. */
export function decodeBF16(bits: number): number {
  scratchBits[0] = bits << 16;
  return scratchFloat[0]!;
}

/** The nearest bfloat16 of a float32, ties to even; NaN stays a quiet NaN. */
export function encodeBF16(value: number): number {
  scratchFloat[0] = value;
  const bits = scratchBits[0]!;
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  const isOdd = (bits >>> 16) & 1;
  return (bits + 0x7fff + isOdd) >>> 16;
}

/** Widens `source`, stored as `dtype`, into `target` of the same length. */
export function decodeInto(target: Float32Array, source: Float32Array | Uint16Array, dtype: Dtype): void {
  if (dtype === 'f32') {
    target.set(source);
    return;
  }
  const decode = dtype === 'f16' ? decodeF16 : decodeBF16;
  for (let i = 0; i < source.length; i++) target[i] = decode(source[i]!);
}

/** Narrows `source` into `target` of the same length, rounding to nearest even. */
export function encodeInto(target: Uint16Array, source: Float32Array, dtype: 'f16' | 'bf16'): void {
  const encode = dtype === 'f16' ? encodeF16 : encodeBF16;
  for (let i = 0; i < source.length; i++) target[i] = encode(source[i]!);
}

function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest > 0.5 || (rest === 0.5 && below % 2 === 1)) return below + 1;
  return below;
}
