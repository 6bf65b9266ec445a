// The numbers that stand for choices in operations.h.
import type { Dtype } from '../../src/core/tensor/dtype.js';
import type { ScoreStage } from '../../src/core/protocol/score-rules.js';

/** `enum Storage` */
export const storageNumbers: Readonly<Record<Dtype, number>> = { f32: 0, f16: 1, bf16: 2 };

/** `enum ScoreStage` */
export const stageNumbers: Readonly<Record<ScoreStage, number>> = { scaled: 0, softcapped: 1, biased: 2 };
