// One worker's calls of an operation of the addon: numbers go in one array, operands as arguments where they lie.
import type { Numbers, ParameterWriter } from '../parameters.js';
import type { Operation, Operations } from './addon.js';

/** @param write writes the parameters of the operation */
export function createNativeCall<Parameters>(
  operations: Operations,
  operation: Operation,
  write: (parameters: Parameters, to: ParameterWriter) => void,
): (parameters: Parameters) => void {
  const numbers = new Float64Array(128);
  const operands: (Numbers | null)[] = [];
  let numberCount = 0;
  let operandCount = 0;
  // Those that the scratch space was reserved for.
  const dims = Float64Array.of(-1, -1);
  let scratch = new Float32Array();

  const number = (_name: string, value: number): void => {
    numbers[numberCount++] = value;
  };
  const writer: ParameterWriter = {
    integer: number,
    float: number,
    bound: number,
    run(_name, slice) {
      numbers[numberCount++] = slice === null ? 0 : 1;
      if (slice === null) return;
      numbers[numberCount++] = slice.offset;
      operands[operandCount++] = slice.data;
    },
    operand(_name, operand) {
      const at = numberCount;
      numbers[at] = operand === null ? 0 : 1;
      numberCount = at + (operand === null ? 1 : 5);
      if (operand === null) return;
      numbers[at + 1] = operand.offset;
      numbers[at + 2] = operand.headStride;
      numbers[at + 3] = operand.rowStride;
      numbers[at + 4] = operand.columnStride;
      operands[operandCount++] = operand.data;
    },
    scratch(_name, headDim, valueDim) {
      if (dims[0] !== headDim || dims[1] !== valueDim) {
        dims[0] = headDim;
        dims[1] = valueDim;
        const length = operations.scratchFloats(dims);
        if (length > scratch.length) scratch = new Float32Array(length);
      }
      operands[operandCount++] = scratch;
    },
  };
  return (parameters) => {
    numberCount = 0;
    operandCount = 0;
    write(parameters, writer);
    try {
      // eslint-disable-next-line headpool/no-list-spread -- as many as an operation takes, whatever their lengths
      operation(numbers, ...operands);
    } finally {
      // Nothing of the caller's memory is kept.
      for (let n = 0; n < operandCount; n++) operands[n] = null;
    }
  };
}
