// One worker's calls of an operation of the module: a block of 32-bit words, in which an operand is the address where it
// lies in the shared memory, or that of a copy.
import type { Operand } from '../kernel.js';
import type { ParameterWriter } from '../parameters.js';
import { copyOperand, type OperandCopy } from './copy-operand.js';
import type { Machine } from './machine.js';
import type { Operation } from './module.js';

const wordBytes = 512;
// "No bound" plus the position in the longest sequence must stay inside 32 bits.
const furthest = 2 ** 30;

/** @param write writes the parameters of the operation */
export function createWasmCall<Parameters>(
  machine: Machine,
  operation: Operation,
  write: (parameters: Parameters, to: ParameterWriter) => void,
): (parameters: Parameters) => void {
  const { scratch, exports } = machine;
  const address = machine.lasting.take(wordBytes);
  const words = new Int32Array(machine.memory.buffer, address, wordBytes / 4);
  const floats = new Float32Array(machine.memory.buffer, address, wordBytes / 4);
  let count = 0;
  // Those that the operation writes.
  const copies: OperandCopy[] = [];

  const place = (
    from: number,
    { headStride, rowStride, columnStride }: Pick<Operand, 'headStride' | 'rowStride' | 'columnStride'>,
  ): void => {
    const at = count;
    count = at + 4;
    words[at] = from;
    words[at + 1] = headStride;
    words[at + 2] = rowStride;
    words[at + 3] = columnStride;
  };
  const writer: ParameterWriter = {
    integer(_name, value) {
      words[count++] = value;
    },
    float(_name, value) {
      floats[count++] = value;
    },
    bound(_name, value) {
      words[count++] = Math.max(-furthest, Math.min(value, furthest));
    },
    run(_name, slice, access, length) {
      words[count++] = slice === null ? 0 : machine.addressOfRun(slice, access, length);
    },
    operand(_name, operand, access, heads, rows, columns) {
      if (operand === null) {
        words[count++] = 0;
        return;
      }
      const inPlace = machine.addressOf(operand, access);
      if (inPlace !== undefined) {
        place(inPlace, operand);
        return;
      }
      const copy = copyOperand(scratch, operand, { heads, rows, columns });
      if (access !== 'write') copy.copyIn();
      if (access !== 'read') copies.push(copy);
      place(copy.address, copy);
    },
    scratch(_name, headDim, valueDim) {
      words[count++] = scratch.take(4 * exports.scratchFloats(headDim, valueDim));
    },
  };
  return (parameters) => {
    scratch.reset();
    count = 0;
    try {
      write(parameters, writer);
      operation(address);
      for (const copy of copies) copy.copyBack();
    } finally {
      // Nothing of the caller's memory is kept. Setting a length takes longer than looking at it.
      if (copies.length > 0) copies.length = 0;
    }
  };
}
