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
    const { rules } = block;
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
      rules.mask?.data ?? null,
      rules.bias?.data ?? null,
      rules.alibiSlopes?.data ?? null,
      rules.sinks?.data ?? null,
      rules.headScale?.data ?? null,
      block.weights?.data ?? null,
      block.scores?.data ?? null,
      block.logSumExp?.data ?? null,
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
    const { extra, pages, rules, weights, scores, logSumExp } = block;
    const { mask, bias } = rules;
    const numbers = this.#numbers;
    numbers[0] = block.queries;
    numbers[1] = block.group;
    numbers[2] = block.keys;
    numbers[3] = extra?.count ?? 0;
    numbers[4] = block.headDim;
    numbers[5] = block.valueDim;
    numbers[6] = rules.scale;
    numbers[7] = rules.softcap;
    numbers[8] = block.position;
    numbers[9] = block.position - rules.left;
    numbers[10] = block.position + rules.right;
    numbers[11] = block.query.rowStride;
    numbers[12] = block.query.headStride;
    numbers[13] = block.query.offset;
    numbers[14] = storageNumbers[block.storage];
    numbers[15] = pages?.pageKeys ?? 0;
    numbers[16] = pages?.stride ?? 0;
    numbers[17] = pages?.table.offset ?? 0;
    numbers[18] = block.key.rowStride;
    numbers[19] = block.key.offset;
    numbers[20] = block.value.rowStride;
    numbers[21] = block.value.offset;
    numbers[22] = block.output.rowStride;
    numbers[23] = block.output.headStride;
    numbers[24] = block.output.offset;
    numbers[25] = extra?.key.offset ?? 0;
    numbers[26] = extra?.value.offset ?? 0;
    numbers[27] = mask?.headStride ?? 0;
    numbers[28] = mask?.rowStride ?? 0;
    numbers[29] = mask?.columnStride ?? 0;
    numbers[30] = mask?.offset ?? 0;
    numbers[31] = bias?.headStride ?? 0;
    numbers[32] = bias?.rowStride ?? 0;
    numbers[33] = bias?.columnStride ?? 0;
    numbers[34] = bias?.offset ?? 0;
    numbers[35] = rules.alibiSlopes?.offset ?? 0;
    numbers[36] = rules.sinks?.offset ?? 0;
    numbers[37] = rules.headScale?.offset ?? 0;
    numbers[38] = weights?.headStride ?? 0;
    numbers[39] = weights?.rowStride ?? 0;
    numbers[40] = weights?.extraColumn ?? 0;
    numbers[41] = weights?.share ?? 0;
    numbers[42] = weights?.isAdded === true ? 1 : 0;
    numbers[43] = weights?.offset ?? 0;
    numbers[44] = scores === null ? 0 : stageNumbers[scores.stage];
    numbers[45] = scores?.headStride ?? 0;
    numbers[46] = scores?.rowStride ?? 0;
    numbers[47] = scores?.extraColumn ?? 0;
    numbers[48] = scores?.offset ?? 0;
    numbers[49] = logSumExp?.headStride ?? 0;
    numbers[50] = logSumExp?.offset ?? 0;
    numbers[51] = block.statistics?.offset ?? 0;
    numbers[52] = block.isDecoding ? 1 : 0;
    numbers[53] = block.partial?.offset ?? 0;
  }
}
