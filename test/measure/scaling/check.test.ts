// The checks in front of timing pass what is right and find what is wrong.
import test from 'ava';
import { createEngine } from '../../../src/index.js';
import { checkRows, checkSameBytes } from '../../../src/measure/scaling/check.js';
import { createOperands, openWorkLayer } from '../../../src/measure/scaling/layer.js';
import { scalingAxes } from '../../../src/measure/scaling/results.js';
import { workOf } from '../../../src/measure/scaling/work.js';
import { createTensor, type Tensor } from '../../../src/core/tensor/tensor.js';

for (const axis of scalingAxes) {
  test(`right outputs by ${axis} pass; a wrong number in a sampled row or a wrong byte anywhere does not`, async (t) => {
    const operands = createOperands(workOf(axis, 2));
    await using engine = await createEngine({ threads: 1 });
    using layer = await openWorkLayer(engine, operands);
    const output = await layer.run();
    t.notThrows(() => {
      checkRows('Output', operands, output);
      checkSameBytes('Output', output, copyOf(output));
    });
    const { batch, tokens, modelDim } = operands.work;
    const rows = batch * tokens;
    for (const row of [0, rows >> 1, rows - 1]) {
      const wrong = copyOf(output);
      wrong.data[row * modelDim + 3]! += 0.01;
      t.throws(
        () => {
          checkRows('Output', operands, wrong);
        },
        {
          instanceOf: RangeError,
          message: new RegExp(`^Output is wrong: row ${row} is off by \\d`),
        },
      );
      wrong.data[row * modelDim + 3] = NaN;
      t.throws(
        () => {
          checkRows('Output', operands, wrong);
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
