// One worker's calls of an operation of the addon: numbers go in one array, operands as arguments where they lie.
import type { Slice } from '../../../src/core/protocol/strided.js';
import type { Operand } from '../kernel.js';
import type { Numbers, ParameterWriter } from '../parameters.js';
import type { Operation, Operations } from './addon.js';

export class NativeCall<Parameters> implements ParameterWriter {
  readonly #operations: Operations;
  readonly #operation: Operation;
  readonly #write: (parameters: Parameters, to: ParameterWriter) => void;
  readonly #numbers = new Float64Array(128);
  readonly #arguments: [Float64Array, ...(Numbers | null)[]] = [this.#numbers];
  #numberCount = 0;
  #argumentCount = 1;
  /** Those that the scratch space was reserved for. */
  readonly #dims = Float64Array.of(-1, -1);
  #scratch = new Float32Array();

  /** @param write puts the parameters of the operation in here, as many in every call */
  constructor(
    operations: Operations,
    operation: Operation,
    write: (parameters: Parameters, to: ParameterWriter) => void,
  ) {
    this.#operations = operations;
    this.#operation = operation;
    this.#write = write;
  }

  make(parameters: Parameters): void {
    this.#numberCount = 0;
    this.#argumentCount = 1;
    this.#write(parameters, this);
    try {
      this.#operation(...this.#arguments);
    } finally {
      // Nothing of the caller's memory is kept.
      for (let n = 1; n < this.#argumentCount; n++) this.#arguments[n] = null;
    }
  }

  integer(_name: string, value: number): void {
    this.#numbers[this.#numberCount++] = value;
  }

  float(_name: string, value: number): void {
    this.#numbers[this.#numberCount++] = value;
  }

  bound(_name: string, value: number): void {
    this.#numbers[this.#numberCount++] = value;
  }

  run(_name: string, slice: Slice<Numbers> | null): void {
    this.#numbers[this.#numberCount++] = slice === null ? 0 : 1;
    if (slice === null) return;
    this.#numbers[this.#numberCount++] = slice.offset;
    this.#arguments[this.#argumentCount++] = slice.data;
  }

  operand(_name: string, operand: Operand<Numbers> | null): void {
    const numbers = this.#numbers;
    const at = this.#numberCount;
    if (operand === null) {
      numbers[at] = 0;
      this.#numberCount = at + 1;
      return;
    }
    numbers[at] = 1;
    numbers[at + 1] = operand.offset;
    numbers[at + 2] = operand.headStride;
    numbers[at + 3] = operand.rowStride;
    numbers[at + 4] = operand.columnStride;
    this.#numberCount = at + 5;
    this.#arguments[this.#argumentCount++] = operand.data;
  }

  scratch(_name: string, headDim: number, valueDim: number): void {
    if (this.#dims[0] !== headDim || this.#dims[1] !== valueDim) {
      this.#dims[0] = headDim;
      this.#dims[1] = valueDim;
      const length = this.#operations.scratchFloats(this.#dims);
      if (length > this.#scratch.length) this.#scratch = new Float32Array(length);
    }
    this.#arguments[this.#argumentCount++] = this.#scratch;
  }
}
