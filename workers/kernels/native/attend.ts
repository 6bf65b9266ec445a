// Attention blocks on the native kernel: writes the numbers of a block and keeps the scratch space between them.
import type { AttentionBlock } from '../kernel.js';
import type { Operations } from './addon.js';

const none = new Float32Array(0);

/** One worker's calls of `attend`. */
export class AttendCall {
  readonly #operations: Operations;
  readonly #numbers = new Float64Array(39);
  /** Those that the scratch space was reserved for. */
  readonly #dims = Float64Array.of(-1, -1);
  #scratch = none;

  constructor(operations: Operations) {
    this.#operations = operations;
  }

  run(block: AttentionBlock): void {
    const { query, key, value, output, extra, mask, bias, weights, logSumExp, partial } = block;
    this.#reserveScratch(block);
    this.#writeNumbers(block);
    this.#operations.attend(
      this.#numbers,
      query.data,
      key.data,
      value.data,
      output.data,
      extra?.key.data ?? none,
      extra?.value.data ?? none,
      mask?.from.data ?? null,
      bias?.from.data ?? null,
      weights?.to.data ?? null,
      logSumExp?.to.data ?? null,
      partial?.data ?? null,
      this.#scratch,
    );
  }

  #reserveScratch({ headDim, valueDim }: AttentionBlock): void {
    if (this.#dims[0] === headDim && this.#dims[1] === valueDim) return;
    this.#dims[0] = headDim;
    this.#dims[1] = valueDim;
    const length = this.#operations.scratchFloats(this.#dims);
    if (length > this.#scratch.length) this.#scratch = new Float32Array(length);
  }

  /** In the order in which calls.h reads them. */
  #writeNumbers(block: AttentionBlock): void {
    const { extra, mask, bias, weights, logSumExp } = block;
    const numbers = this.#numbers;
    numbers[0] = block.queries;
    numbers[1] = block.group;
    numbers[2] = block.keys;
    numbers[3] = extra?.count ?? 0;
    numbers[4] = block.headDim;
    numbers[5] = block.valueDim;
    numbers[6] = block.scale;
    numbers[7] = block.firstOffset;
    numbers[8] = block.lastOffset;
    numbers[9] = block.queryStride;
    numbers[10] = block.queryHeadStride;
    numbers[11] = block.query.offset;
    numbers[12] = block.keyStride;
    numbers[13] = block.key.offset;
    numbers[14] = block.valueStride;
    numbers[15] = block.value.offset;
    numbers[16] = block.outputStride;
    numbers[17] = block.outputHeadStride;
    numbers[18] = block.output.offset;
    numbers[19] = extra?.key.offset ?? 0;
    numbers[20] = extra?.value.offset ?? 0;
    numbers[21] = mask?.headStride ?? 0;
    numbers[22] = mask?.queryStride ?? 0;
    numbers[23] = mask?.keyStride ?? 0;
    numbers[24] = mask?.from.offset ?? 0;
    numbers[25] = bias?.headStride ?? 0;
    numbers[26] = bias?.queryStride ?? 0;
    numbers[27] = bias?.keyStride ?? 0;
    numbers[28] = bias?.from.offset ?? 0;
    numbers[29] = weights?.headStride ?? 0;
    numbers[30] = weights?.queryStride ?? 0;
    numbers[31] = weights?.extraColumn ?? 0;
    numbers[32] = weights?.share ?? 0;
    numbers[33] = weights?.isAdded === true ? 1 : 0;
    numbers[34] = weights?.to.offset ?? 0;
    numbers[35] = logSumExp?.headStride ?? 0;
    numbers[36] = logSumExp?.to.offset ?? 0;
    numbers[37] = block.isDecoding ? 1 : 0;
    numbers[38] = block.partial?.offset ?? 0;
  }
}
