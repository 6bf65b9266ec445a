// Calls that are right, as bytes of fuzz_calls.cc: what libFuzzer makes others of, for it would hardly come upon one.
// Numbers stand in the order of workers/kernels/source/parameters.h.

/** Larger numbers than 23 have bytes of their own. */
const larger = new Map([127, 128, 1024].map((number, n) => [number, 242 + n]).concat([[Infinity, 252]]));

const operations = { pack: 0, project: 1, attend: 2, merge: 3 };
const none = [0];
/** An operand that is there: offset, and the strides of its heads, rows and columns. */
const at = (...strides) => [1, 0, ...strides];

/** Typed arrays by their kind in fuzz_calls.cc; lengths are multiples of 16. */
const array = (kind) => (length) => [kind + 64, length / 16];
const [f32, u8, u16, i32] = [0, 4, 5, 6].map(array);
/** Of up to 64 x 1024 floats. */
const scratch = [192, 64];

function whole(operation, numbers, arrays) {
  const padded = [...numbers, ...new Array(Math.max(0, 16 - numbers.length)).fill(0)];
  const bytes = padded.map((number) => larger.get(number) ?? number);
  return Uint8Array.of(
    operations[operation],
    padded.length - 16,
    arrays.length - 1,
    ...arrays.flat(),
    ...bytes,
  );
}

/** 3 queries of 2 heads, 128 keys, rows of 8 and 6 numbers. */
function attend({
  storage = 0,
  pages = [0, 0, none],
  rules = [...none, ...none, ...none],
  keys = f32,
  ...rest
} = {}) {
  const { ruleArrays = [], results = [], resultArrays = [], isDecoding = 0, tables = [] } = rest;
  const [weights, scores, statistics] = results.length > 0 ? results : [none, none, none];
  return whole(
    'attend',
    [
      ...[3, 2, 128, 8, 6, ...at(127, 8, 1), storage, pages[0], pages[1], ...pages[2]],
      ...[...at(0, 8, 1), ...at(0, 6, 1), 0, ...none, ...none, 1, 0, ...rules],
      ...[Infinity, 3, ...none, 5, ...at(127, 6, 1), ...none, ...none],
      ...[0, 1, 0, ...weights, 0, 0, ...scores, ...statistics, isDecoding, ...none],
    ],
    [f32(256), ...tables, keys(1024), keys(1024), ...ruleArrays, f32(256), ...resultArrays, scratch],
  );
}

export const wholeCalls = [
  whole('pack', [20, 7, ...at().slice(0, 2), 1, 0, 1, 0], [f32(160), f32(32), f32(512)]),
  whole('project', [5, 7, 20, 1, 0, 1, 0, ...at(0, 20, 1)], [f32(48), f32(512), f32(112)]),
  whole('merge', [3, 2, 6, 2, 127, ...at(23, 8, 1), ...at(20, 6, 1), ...none, ...none], [f32(256), f32(64)]),
  attend(),
  attend({ isDecoding: 1 }),
  attend({ storage: 1, keys: u16 }),
  attend({ storage: 2, keys: u16, isDecoding: 1 }),
  attend({ pages: [128, 1024, [1, 0]], tables: [i32(16)], isDecoding: 1 }),
  attend({
    rules: [...at(1, 0, 1), ...at(0, 128, 1), ...at(0, 128, 1)],
    ruleArrays: [f32(16), f32(640), u8(640)],
    results: [at(1024, 128, 1), at(1024, 128, 1), at(23, 4, 1)],
    resultArrays: [f32(2048), f32(2048), f32(64)],
  }),
];
