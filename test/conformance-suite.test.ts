import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { ConformanceEngine } from '../src/conformance/case.js';
import { readSuite } from '../src/conformance/suite.js';
import { runSuite } from '../src/conformance/run-suite.js';
import { createEngine } from '../src/engine/engine.js';
import { HeadpoolError } from '../src/core/errors.js';
import { assertRefused } from './helpers/assertions.js';
import { makeFolder } from './helpers/make-folder.js';
import { float32Bytes, safetensorsFile } from './files/scratch.js';

const one = { dtype: 'F32', shape: [1, 1, 1, 1] };
const tensors = {
  'input.Q': { ...one, data_offsets: [0, 4] },
  'input.K': { ...one, data_offsets: [4, 8] },
  'input.V': { ...one, data_offsets: [8, 12] },
  'output.Y': { ...one, data_offsets: [12, 16] },
};
const good = { rtol: 1e-3, atol: 1e-7, cases: [{ name: 'a', kind: 'attention', attributes: {} }] };

/** A suite of case `a`: one query, one key, so the output is the value. */
async function writeSuite(
  t: ExecutionContext,
  cases: object | string,
  header: object = tensors,
): Promise<string> {
  const folder = await makeFolder(t);
  await writeFile(join(folder, 'cases.json'), typeof cases === 'string' ? cases : JSON.stringify(cases));
  await writeFile(join(folder, 'a.safetensors'), safetensorsFile(header, float32Bytes(1, 1, 3, 3)));
  return folder;
}

test('A suite is read with its tolerances, attributes and tensors', async (t) => {
  const suite = await readSuite(await writeSuite(t, { ...good, source: 'a test', mask_polarity: 'none' }));
  t.like(suite, { rtol: 1e-3, atol: 1e-7 });
  t.is(suite.cases.length, 1);
  t.like(suite.cases[0], { name: 'a', kind: 'extended', field: 'cases[0]', attributes: {} });
  t.deepEqual([...suite.cases[0]!.tensors.keys()], Object.keys(tensors));
  t.deepEqual([...suite.cases[0]!.tensors.get('output.Y')!.data], [3]);
});

test('Attributes may stand beside the name', async (t) => {
  const cases = [{ name: 'a', kind: 'multi_head_attention', num_heads: 2 }];
  const suite = await readSuite(await writeSuite(t, { ...good, cases }));
  t.like(suite.cases[0], { kind: 'torch-multihead', attributes: { num_heads: 2 } });
});

const refuses = test.macro({
  title: (title = '') => `A suite is refused for ${title.charAt(0).toLowerCase()}${title.slice(1)}`,
  exec: async (t: ExecutionContext, cases: object | string, what: string, header: object = tensors) => {
    const folder = await writeSuite(t, cases, header);
    await assertRefused(t, () => readSuite(folder), { code: 'INVALID_FILE', path: folder, what });
  },
});

const withCase = (fields: object): object => ({ ...good, cases: [{ ...good.cases[0], ...fields }] });

test('Text that is no JSON', refuses, '{"rtol": 1,}', 'cases.json: expected JSON');
test('A list for the suite', refuses, [], '`cases.json`');
test('An unknown field', refuses, { ...good, rtoll: 1 }, 'unknown field `rtoll`; did you mean `rtol`?');
test('A missing tolerance', refuses, { atol: 0, cases: good.cases }, '`rtol`, got nothing');
test('A negative tolerance', refuses, { ...good, atol: -1 }, '`atol`, got `-1`');
test('A tolerance of another type', refuses, { ...good, atol: '1e-7' }, '`atol`');
test('A suite without cases', refuses, { ...good, cases: [] }, '`cases`');
test('A case that is no object', refuses, { ...good, cases: ['a'] }, '`cases[0]`');
test('A case without a name', refuses, withCase({ name: undefined }), '`cases[0].name`, got nothing');
test('A name that leads out of the folder', refuses, withCase({ name: '../a' }), '`cases[0].name`');
test(
  'A name that occurs twice',
  refuses,
  { ...good, cases: [good.cases[0], good.cases[0]] },
  '`cases[1].name`',
);
test('An unknown kind', refuses, withCase({ kind: 'convolution' }), '`cases[0].kind`');
test('An opset that is no number', refuses, withCase({ kind: undefined, opset: '23' }), '`cases[0].opset`');
test('Attributes that are a list', refuses, withCase({ attributes: [] }), '`cases[0].attributes`');
test('Inputs that are no names', refuses, withCase({ inputs: [1] }), '`cases[0].inputs`');
test(
  'An input that the file lacks',
  refuses,
  withCase({ inputs: ['Q', 'mask'] }),
  '`input.mask`, got nothing',
);
test('An output that the file lacks', refuses, withCase({ outputs: ['lse'] }), '`output.lse`, got nothing');
test('A tensor that is neither input, state nor output', refuses, good, 'got `"Q"`', {
  Q: tensors['input.Q'],
  rest: { dtype: 'F32', shape: [3], data_offsets: [4, 16] },
});
test('A case without outputs', refuses, good, '`output.*`', {
  'input.Q': { dtype: 'F32', shape: [4], data_offsets: [0, 16] },
});

test('A folder without cases.json and a case without its file are errors of files', async (t) => {
  const empty = await makeFolder(t);
  await assertRefused(t, () => readSuite(empty), { code: 'FILE_FAILED', path: empty, what: 'cases.json' });
  const folder = await writeSuite(t, { ...good, cases: [{ ...good.cases[0], name: 'b' }] });
  await assertRefused(t, () => readSuite(folder), {
    code: 'FILE_FAILED',
    path: folder,
    what: 'b.safetensors',
  });
});

const refusesToRun = test.macro({
  title: (title = '') => `${title} stops the run, because it says nothing about the engine`,
  exec: async (t: ExecutionContext, fields: object, what: string, header: object = tensors) => {
    const suite = await readSuite(await writeSuite(t, withCase(fields), header));
    const unasked = {} as ConformanceEngine;
    const error = await t.throwsAsync(runSuite(suite, unasked).next(), { instanceOf: HeadpoolError });
    t.is(error.code, 'INVALID_FILE');
    t.true(error.message.includes(what), error.message);
  },
});

test(
  'An attribute that the suite does not define',
  refusesToRun,
  { attributes: { dropout: 0 } },
  '`cases[0].dropout`',
);
test('An attribute of the wrong type', refusesToRun, { attributes: { scale: '4' } }, '`cases[0].scale`');
test('A wrong flag', refusesToRun, { attributes: { causal: 'yes' } }, '`cases[0].causal`');
test('A wrong choice', refusesToRun, { attributes: { alignment: 'left' } }, '`cases[0].alignment`');
test(
  'A fraction for an integer',
  refusesToRun,
  { attributes: { left_window_size: 1.5 } },
  'left_window_size',
);
test(
  'A wrong attribute inside another',
  refusesToRun,
  { attributes: { rope: { base: 1, x: 1 } } },
  '`cases[0].rope.x`',
);
test('A group that is none', refusesToRun, { attributes: { rope: 4 } }, '`cases[0].rope`');
test(
  'A position off the diagonal',
  refusesToRun,
  { attributes: { rope: { base: 9, query_start: 5 } } },
  'query_start',
);
test('An input of the wrong type', refusesToRun, {}, '`a: input.Q`, got `"I32"`', {
  ...tensors,
  'input.Q': { ...tensors['input.Q'], dtype: 'I32' },
});
test('An input that the suite does not define', refusesToRun, {}, '`a: input.dropout`', {
  'input.dropout': { ...one, data_offsets: [0, 4] },
  'input.Q': { ...one, data_offsets: [4, 8] },
  'input.K': { ...one, data_offsets: [8, 12] },
  'input.V': { dtype: 'F32', shape: [1, 1, 1, 1], data_offsets: [12, 16] },
  'output.Y': { dtype: 'F32', shape: [0], data_offsets: [16, 16] },
});
test('A missing input', refusesToRun, {}, '`a: input.V`, got nothing', {
  'input.Q': tensors['input.Q'],
  'input.K': tensors['input.K'],
  'output.Y': { dtype: 'F32', shape: [2], data_offsets: [8, 16] },
});

test('An output that nothing computes fails its case', async (t) => {
  const header = { ...tensors, 'output.Y': { ...one, shape: [1, 1, 1, 1], data_offsets: [12, 16] } };
  const renamed = Object.fromEntries(
    Object.entries(header).map(([name, entry]) => [name.replace('.Y', '.Z'), entry]),
  );
  const suite = await readSuite(await writeSuite(t, good, renamed));
  await using engine = await createEngine({ threads: 1, kernel: 'reference' });
  t.deepEqual((await runSuite(suite, engine).next()).value, {
    name: 'a',
    status: 'failed',
    message: '`Z`: not computed',
  });
});

test('A call that the engine refuses fails its case with the message', async (t) => {
  const shape = { ...tensors, 'input.V': { dtype: 'F32', shape: [1, 1, 1], data_offsets: [8, 12] } };
  const suite = await readSuite(await writeSuite(t, good, shape));
  await using engine = await createEngine({ threads: 1, kernel: 'reference' });
  const { value } = await runSuite(suite, engine).next();
  t.like(value, {
    name: 'a',
    status: 'failed',
    message: 'Expected rank 4, as q has for `v`, got shape [1, 1, 1]',
  });
});
