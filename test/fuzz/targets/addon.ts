// Direct calls of the native addon: right ones of every operation, with numbers and arrays in the place of others. What
// it takes must stay inside its arrays, and what it refuses must be an error.
import { HeadpoolError } from '../../../src/core/errors.js';
import { packedLength } from '../../../src/core/protocol/layout.js';
import { chooseOperations, type Operation } from '../../../workers/kernels/native/addon.js';
import { createNativeCall } from '../../../workers/kernels/native/native-call.js';
import type { Kernel } from '../../../workers/kernels/kernel.js';
import {
  writeAttention,
  writePacking,
  writePartialRows,
  writeProjection,
} from '../../../workers/kernels/parameters.js';
import { attendRanges, decodingBlock, decodingCase } from '../../helpers/decode-block.js';
import { strided } from '../../helpers/strided.js';
import { createDraw, type Draw } from '../draw.js';
import type { FuzzTarget } from '../target.js';

type Array_ = Parameters<Operation>[1];
interface Call {
  readonly operation: Operation;
  readonly numbers: Float64Array;
  readonly arrays: readonly Array_[];
}

const oddNumbers = [
  -1, 0, 1, 2, 3, 5, 16, 127, 128, 2 ** 20, 2 ** 30, 2 ** 30 + 1, 2 ** 31, 2 ** 32, 2 ** 52, 2 ** 53, 2 ** 62, 2 ** 63,
  0.5, NaN, Infinity, -Infinity, -(2 ** 53),
] as const; // prettier-ignore

/** Calls that are right, of all operations. */
function recordCalls(): readonly Call[] {
  const choice = chooseOperations();
  if ('reason' in choice) throw new Error(choice.reason);
  const { operations } = choice;
  const calls: Call[] = [];
  const record = (operation: Operation): Operation => {
    return (numbers, ...arrays) => {
      calls.push({ operation, numbers: numbers.slice(), arrays });
      operation(numbers, ...arrays);
    };
  };
  const kernel = {
    pack: createNativeCall(operations, record(operations.pack), writePacking),
    project: createNativeCall(operations, record(operations.project), writeProjection),
    attend: createNativeCall(operations, record(operations.attend), writeAttention),
    merge: createNativeCall(operations, record(operations.merge), writePartialRows),
  } as unknown as Kernel;
  const place = (numbers: ArrayLike<number>) => ({ data: Float32Array.from(numbers), offset: 0 });
  const [columns, depth] = [operations.panelColumns + 1, 3];
  const panels = place(new Float32Array(packedLength(columns, depth, operations.panelColumns)));
  kernel.pack({ weight: place(new Float32Array(columns * depth)), bias: place(new Float32Array(columns)), columns, depth, panels }); // prettier-ignore
  const output = strided(place(new Float32Array(4 * columns)), { rowStride: columns });
  kernel.project({ rows: place(new Float32Array(4 * depth)), rowCount: 4, depth, panels, columns, output });
  for (const group of [1, 2]) {
    const oracle = decodingCase(group, { queries: 2, keys: 40, headDim: 8, valueDim: 6, seed: group });
    const block = decodingBlock(place, place, oracle);
    kernel.attend(block);
    kernel.attend({ ...block, isDecoding: false });
    attendRanges({ kernel, place: (numbers) => around(numbers) }, block, 16);
  }
  return calls;
}

/** As attendRanges holds them against what is beside them. */
function around(numbers: ArrayLike<number>) {
  const data = new Float32Array(numbers.length + 6).fill(7);
  data.set(numbers, 3);
  return { data, offset: 3 };
}

function damageCall({ numbers, arrays }: Call, draw: Draw): readonly [Float64Array, readonly Array_[]] {
  const copy = numbers.slice();
  for (let changes = draw.below(4); changes > 0; changes--) {
    const at = draw.below(40);
    copy[at] = draw.isLucky(0.4) ? draw.pick(oddNumbers) : copy[at]! + draw.pick([-1, 1, 2, 8]);
  }
  const others = arrays.map((array) => (draw.isLucky(0.1) ? replace(array, draw) : array && array.slice()));
  return [draw.isLucky(0.05) ? copy.subarray(0, draw.below(60)) : copy, others];
}

function replace(array: Array_, draw: Draw): Array_ {
  const length = array?.length ?? 0;
  switch (draw.below(6)) {
    case 0:
      return null;
    case 1:
      return new Float32Array(Math.max(0, length - 1));
    case 2:
      return new Float32Array(draw.below(length + 1));
    case 3:
      return new Uint16Array(length);
    case 4:
      return new Int32Array(length).fill(draw.pick([0, 1, -1, 0x7fffffff]));
    default:
      return new Float64Array(length) as unknown as Array_;
  }
}

let calls: readonly Call[] | undefined;

export const addon: FuzzTarget = {
  createSeeds: () => Promise.resolve([Buffer.from([1, 2, 3, 4])]),
  damage: (_, draw) => Uint8Array.from({ length: 4 }, () => draw.below(256)),
  take(bytes) {
    calls ??= recordCalls();
    const draw = createDraw(Buffer.from(bytes).readUInt32LE(0));
    const call = draw.pick(calls);
    const [numbers, arrays] = damageCall(call, draw);
    try {
      call.operation(numbers, ...arrays);
      return Promise.resolve(0);
    } catch (cause) {
      if (!(cause instanceof TypeError) && !(cause instanceof RangeError)) throw cause;
      return Promise.reject(new HeadpoolError('INVALID_OPTION', cause.message, { cause }));
    }
  },
};
