// The checks in front of timing pass what is right and find what is wrong.
import test from 'ava';
import { createEngine } from '../../../src/index.js';
import { checkResult, checkSameBytes } from '../../../src/measure/cases/check.js';
import { drawOperands } from '../../../src/measure/cases/operands.js';
import { prepareCase } from '../../../src/measure/cases/prepare.js';
import { scalingAxes } from '../../../src/measure/scaling/results.js';
import { shapeOf, workOf } from '../../../src/measure/scaling/work.js';
import { createTensor, type Tensor } from '../../../src/core/tensor/tensor.js';

for (const axis of scalingAxes) {
  test(`right outputs by ${axis} pass; a wrong number in a sampled row or a wrong byte anywhere does not`, async (t) => {
    const shape = shapeOf(workOf(axis, 2));
    const operands = drawOperands(shape);
    await using engine = await createEngine({ threads: 1 });
    using prepared = await prepareCase(engine, shape, operands);
    const { output } = await prepared.call();
    t.notThrows(() => {
      checkResult('Output', shape, operands, { output });
      checkSameBytes('Output', output, copyOf(output));
    });
    const { batch, tokens, modelDim } = shape;
    const rows = batch * tokens;
    for (const row of [0, rows >> 1, rows - 1]) {
      const wrong = copyOf(output);
      wrong.data[row * modelDim + 3]! += 0.01;
      t.throws(
        () => {
          checkResult('Output', shape, operands, { output: wrong });
        },
        {
          instanceOf: RangeError,
          message: new RegExp(
            `^Output: row ${row % tokens} of sequence ${Math.floor(row / tokens)} is wrong: .* \\d`,
          ),
        },
      );
      wrong.data[row * modelDim + 3] = NaN;
      t.throws(
        () => {
          checkResult('Output', shape, operands, { output: wrong });
        },
        { instanceOf: RangeError },
      );
    }
    const other = copyOf(output);
    new Uint8Array(other.data.buffer)[4 * modelDim + 1]! ^= 1;
    t.throws(
      () => {
        checkSameBytes('Output', output, other);
      },
      {
        message: /other bytes than those of one worker/,
      },
    );
  });
}

function copyOf({ shape, data }: Tensor): Tensor {
  return createTensor(shape, data);
}
