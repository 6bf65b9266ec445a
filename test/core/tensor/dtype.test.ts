import test from 'ava';
import fc from 'fast-check';
import {
  bytesPerElement,
  decodeBF16,
  decodeF16,
  decodeInto,
  encodeBF16,
  encodeF16,
  encodeInto,
} from '../../../src/core/tensor/dtype.js';

interface Format {
  readonly title: 'f16' | 'bf16';
  readonly exponentBits: number;
  readonly fractionBits: number;
  readonly decode: (bits: number) => number;
  readonly encode: (value: number) => number;
}

const formats: readonly Format[] = [
  { title: 'f16', exponentBits: 5, fractionBits: 10, decode: decodeF16, encode: encodeF16 },
  { title: 'bf16', exponentBits: 8, fractionBits: 7, decode: decodeBF16, encode: encodeBF16 },
];

/** The value of `bits` by the formula of IEEE 754, in float64. */
function valueOf(bits: number, { exponentBits, fractionBits }: Format): number {
  const sign = bits >>> 15 === 1 ? -1 : 1;
  const exponent = (bits >>> fractionBits) & (2 ** exponentBits - 1);
  const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

/** The bits of the nearest value to a float32, ties to even, found by bisection among all values that are >= 0. */
function nearestBits(value: number, format: Format): number {
  const infinity = (2 ** format.exponentBits - 1) << format.fractionBits;
  // Rounding treats the step after the largest finite value as one more value of the same spacing.
  const ceiling = 2 ** (2 ** (format.exponentBits - 1));
  const at = (bits: number) => (bits === infinity ? ceiling : valueOf(bits, format));
  const magnitude = Math.abs(value);
  const sign = Object.is(value, -0) || value < 0 ? 0x8000 : 0;
  if (magnitude >= ceiling) return sign | infinity;
  let low = 0;
  let high = infinity;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (at(middle) <= magnitude) low = middle;
    else high = middle;
  }
  const below = magnitude - at(low);
  const above = at(high) - magnitude;
  return sign | (below < above || (below === above && low % 2 === 0) ? low : high);
}

for (const format of formats) {
  const { title, decode, encode } = format;

  test(`All 65,536 ${title} values decode to what IEEE 754 says and encode back to themselves`, (t) => {
    for (let bits = 0; bits < 2 ** 16; bits++) {
      const value = decode(bits);
      const wanted = valueOf(bits, format);
      if (!Object.is(value, wanted)) t.fail(`0x${bits.toString(16)}: ${value}, not ${wanted}`);
      const again = encode(value);
      const isBack = Number.isNaN(wanted) ? Number.isNaN(valueOf(again, format)) : again === bits;
      if (!isBack) t.fail(`0x${bits.toString(16)} came back as 0x${again.toString(16)}`);
    }
    t.pass();
  });

  test(`Between any two neighbours of ${title}, the nearer one wins and the middle goes to the even one`, (t) => {
    const neighbour = new Float32Array(1);
    const neighbourBits = new Uint32Array(neighbour.buffer);
    const largest = ((2 ** format.exponentBits - 1) << format.fractionBits) - 1;
    for (let bits = 0; bits < largest; bits++) {
      const middle = Math.fround((valueOf(bits, format) + valueOf(bits + 1, format)) / 2);
      const even = bits % 2 === 0 ? bits : bits + 1;
      neighbour[0] = middle;
      neighbourBits[0]! -= 1;
      const below = neighbour[0];
      neighbourBits[0]! += 2;
      const above = neighbour[0];
      const isRight =
        encode(middle) === even &&
        encode(below) === bits &&
        encode(above) === bits + 1 &&
        encode(-middle) === (even | 0x8000);
      if (!isRight) t.fail(`around ${middle}`);
    }
    t.pass();
  });

  test(`Any float32 encodes to the nearest ${title}`, (t) => {
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (value) => {
        t.is(encode(value), nearestBits(value, format), String(value));
      }),
      { seed: 7, numRuns: 20_000 },
    );
  });

  test(`The largest ${title} overflows to infinity from half a step on`, (t) => {
    const infinity = (2 ** format.exponentBits - 1) << format.fractionBits;
    const largest = valueOf(infinity - 1, format);
    const step = largest - valueOf(infinity - 2, format);
    t.is(encode(largest + step * 0.499), infinity - 1);
    t.is(encode(largest + step / 2), infinity);
    t.is(encode(-largest - step / 2), infinity | 0x8000);
    t.is(encode(Infinity), infinity);
    t.is(encode(-Infinity), infinity | 0x8000);
  });

  test(`Arrays of ${title} convert like single values`, (t) => {
    const values = Float32Array.of(0, -0, 1, -1.5, 1 / 3, 65504, 1e-7, Infinity);
    const bits = new Uint16Array(values.length);
    encodeInto(bits, values, title);
    t.deepEqual([...bits], [...values].map(encode));
    const back = new Float32Array(values.length);
    decodeInto(back, bits, title);
    t.deepEqual([...back], [...bits].map(decode));
  });
}

test('A NaN stays a NaN whatever its payload', (t) => {
  const bits = new Uint32Array(1);
  const value = new Float32Array(bits.buffer);
  for (const payload of [1, 0x1000, 0x2000, 0x10000, 0x400000, 0x7fffff]) {
    bits[0] = 0x7f800000 | payload;
    t.true(Number.isNaN(decodeF16(encodeF16(value[0]!))));
    t.true(Number.isNaN(decodeBF16(encodeBF16(value[0]!))));
  }
});

test('Float32 is copied as it is', (t) => {
  const target = new Float32Array(3);
  decodeInto(target, Float32Array.of(1, 2, 3), 'f32');
  t.deepEqual([...target], [1, 2, 3]);
  t.deepEqual(bytesPerElement, { f32: 4, f16: 2, bf16: 2 });
});
