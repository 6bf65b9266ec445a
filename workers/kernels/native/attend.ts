// Attention blocks on the native kernel: writes the numbers of a block and keeps the scratch space between them.
import type { AttentionBlock } from '../kernel.js';
import { stageNumbers, storageNumbers } from '../numbers.js';
import type { Operations } from './addon.js';

const none = new Float32Array(0);

/** One worker's calls of `attend`. */
export class AttendCall {
  readonly #operations: Operations;
  readonly #numbers = new Float64Array(54);
  /** Those that the scratch space was reserved for. */
  readonly #dims = Float64Array.of(-1, -1);
  #scratch = none;

  constructor(operations: Operations) {
    this.#operations = operations;
  }

  run(block: AttentionBlock): void {
    this.#reserveScratch(block);
    this.#writeNumbers(block);
    this.#operations.attend(
      this.#numbers,
      block.query.data,
      block.pages?.table.data ?? null,
      block.key.data,
      block.value.data,
      block.output.data,
      block.extra?.key.data ?? none,
      block.extra?.value.data ?? none,
      block.mask?.from.data ?? null,
      block.bias?.from.data ?? null,
      block.alibiSlopes?.data ?? null,
      block.sinks?.data ?? null,
      block.headScale?.data ?? null,
      block.weights?.to.data ?? null,
      block.scores?.to.data ?? null,
      block.logSumExp?.to.data ?? null,
      block.statistics?.data ?? null,
      block.partial?.data ?? null,
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
    const { extra, pages, mask, bias, weights, scores, logSumExp } = block;
    const numbers = this.#numbers;
    numbers[0] = block.queries;
    numbers[1] = block.group;
    numbers[2] = block.keys;
    numbers[3] = extra?.count ?? 0;
    numbers[4] = block.headDim;
    numbers[5] = block.valueDim;
    numbers[6] = block.scale;
    numbers[7] = block.softcap;
    numbers[8] = block.position;
    numbers[9] = block.firstOffset;
    numbers[10] = block.lastOffset;
    numbers[11] = block.queryStride;
    numbers[12] = block.queryHeadStride;
    numbers[13] = block.query.offset;
    numbers[14] = storageNumbers[block.storage];
    numbers[15] = pages?.pageKeys ?? 0;
    numbers[16] = pages?.stride ?? 0;
    numbers[17] = pages?.table.offset ?? 0;
    numbers[18] = block.keyStride;
    numbers[19] = block.key.offset;
    numbers[20] = block.valueStride;
    numbers[21] = block.value.offset;
    numbers[22] = block.outputStride;
    numbers[23] = block.outputHeadStride;
    numbers[24] = block.output.offset;
    numbers[25] = extra?.key.offset ?? 0;
    numbers[26] = extra?.value.offset ?? 0;
    numbers[27] = mask?.headStride ?? 0;
    numbers[28] = mask?.queryStride ?? 0;
    numbers[29] = mask?.keyStride ?? 0;
    numbers[30] = mask?.from.offset ?? 0;
    numbers[31] = bias?.headStride ?? 0;
    numbers[32] = bias?.queryStride ?? 0;
    numbers[33] = bias?.keyStride ?? 0;
    numbers[34] = bias?.from.offset ?? 0;
    numbers[35] = block.alibiSlopes?.offset ?? 0;
    numbers[36] = block.sinks?.offset ?? 0;
    numbers[37] = block.headScale?.offset ?? 0;
    numbers[38] = weights?.headStride ?? 0;
    numbers[39] = weights?.queryStride ?? 0;
    numbers[40] = weights?.extraColumn ?? 0;
    numbers[41] = weights?.share ?? 0;
    numbers[42] = weights?.isAdded === true ? 1 : 0;
    numbers[43] = weights?.to.offset ?? 0;
    numbers[44] = scores === null ? 0 : stageNumbers[scores.stage];
    numbers[45] = scores?.headStride ?? 0;
    numbers[46] = scores?.queryStride ?? 0;
    numbers[47] = scores?.extraColumn ?? 0;
    numbers[48] = scores?.to.offset ?? 0;
    numbers[49] = logSumExp?.headStride ?? 0;
    numbers[50] = logSumExp?.to.offset ?? 0;
    numbers[51] = block.statistics?.offset ?? 0;
    numbers[52] = block.isDecoding ? 1 : 0;
    numbers[53] = block.partial?.offset ?? 0;
  }
}
