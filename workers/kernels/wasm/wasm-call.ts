// One worker's calls of an operation of the module: a block of 32-bit words, in which an operand is the address where it
// lies in the shared memory, or that of a copy.
import type { Slice } from '../../../src/core/protocol/strided.js';
import type { Operand } from '../kernel.js';
import type { Access, Numbers, ParameterWriter } from '../parameters.js';
import type { Machine } from './machine.js';
import type { Operation } from './module.js';
import { OperandCopy } from './operand-copy.js';
import type { CopiedNumbers } from './scratch.js';

// "No bound" plus the position in the longest sequence must stay inside 32 bits.
const furthest = 2 ** 30;

export class WasmCall<Parameters> implements ParameterWriter {
  readonly #machine: Machine;
  readonly #operation: Operation;
  readonly #write: (parameters: Parameters, to: ParameterWriter) => void;
  readonly #words = new Int32Array(128);
  readonly #floats = new Float32Array(this.#words.buffer);
  #count = 0;
  /** Those that the operation writes. */
  readonly #copies: OperandCopy[] = [];

  /** @param write puts the parameters of the operation in here */
  constructor(
    machine: Machine,
    operation: Operation,
    write: (parameters: Parameters, to: ParameterWriter) => void,
  ) {
    this.#machine = machine;
    this.#operation = operation;
    this.#write = write;
  }

  make(parameters: Parameters): void {
    const { scratch } = this.#machine;
    scratch.reset();
    this.#count = 0;
    try {
      this.#write(parameters, this);
      this.#operation(scratch.copyIn(this.#words));
      for (const copy of this.#copies) copy.copyBack();
    } finally {
      // Nothing of the caller's memory is kept. Setting a length takes longer than looking at it.
      if (this.#copies.length > 0) this.#copies.length = 0;
    }
  }

  integer(_name: string, value: number): void {
    this.#words[this.#count++] = value;
  }

  float(_name: string, value: number): void {
    this.#floats[this.#count++] = value;
  }

  bound(_name: string, value: number): void {
    this.#words[this.#count++] = Math.max(-furthest, Math.min(value, furthest));
  }

  run(_name: string, slice: Slice<Numbers> | null, access: Access, length: number): void {
    this.#words[this.#count++] = slice === null ? 0 : this.#addressOfRun(slice, access, length);
  }

  #addressOfRun(slice: Slice<Numbers>, access: Access, length: number): number {
    if (access === 'keep') return this.#machine.addressOfKept(slice as Slice<Float32Array>, length);
    const { data, offset } = slice;
    return (
      this.#machine.addressOf(slice, access === 'resident') ??
      this.#machine.scratch.copyIn((data as CopiedNumbers).subarray(offset, offset + length))
    );
  }

  operand(
    _name: string,
    operand: Operand<Numbers> | null,
    access: Access,
    heads: number,
    rows: number,
    columns: number,
  ): void {
    if (operand === null) {
      this.#words[this.#count++] = 0;
      return;
    }
    const address = this.#machine.addressOf(operand, access === 'resident');
    if (address === undefined) {
      const { scratch } = this.#machine;
      const copy = new OperandCopy(scratch, operand as Operand<CopiedNumbers>, heads, rows, columns);
      if (access !== 'write') copy.copyIn();
      if (access !== 'read') this.#copies.push(copy);
      this.#place(copy.address, copy);
    } else {
      this.#place(address, operand);
    }
  }

  #place(address: number, strides: Pick<Operand, 'headStride' | 'rowStride' | 'columnStride'>): void {
    const at = this.#count;
    this.#count = at + 4;
    const words = this.#words;
    words[at] = address;
    words[at + 1] = strides.headStride;
    words[at + 2] = strides.rowStride;
    words[at + 3] = strides.columnStride;
  }

  scratch(_name: string, headDim: number, valueDim: number): void {
    const length = this.#machine.exports.scratchFloats(headDim, valueDim);
    this.#words[this.#count++] = this.#machine.scratch.takeBytes(4 * length);
  }
}
