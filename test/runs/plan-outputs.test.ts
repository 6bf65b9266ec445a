// Which input goes to which output, and what is refused before anything is read.
import { link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { planOutputs, type OutputChoice, type OutputPlan } from '../../src/runs/plan-outputs.js';
import { assertRefused } from '../helpers/assertions.js';
import { makeFolder } from '../helpers/make-folder.js';

type Choice = Partial<Omit<OutputChoice, 'inputs'>> & {
  readonly inputs: readonly string[];
  readonly output: string;
};

/** Inputs that were given themselves. */
function plan({ inputs, ...choice }: Choice): Promise<OutputPlan> {
  const files = inputs.map((path) => ({ path, name: basename(path) }));
  return planOutputs({
    ...{ inputs: files, inputFormat: 'jsonl', outputFormat: undefined, hasStatistics: false },
    ...choice,
  });
}

test('one input goes to one file, whose extension says the format', async (t) => {
  const formats = {
    'y.safetensors': 'safetensors',
    'y.NPY': 'npy',
    'y.jsonl': 'jsonl',
    'y.feather': 'arrow',
  };
  for (const [output, format] of Object.entries(formats)) {
    t.deepEqual(await plan({ inputs: ['a/x.npz'], output }), {
      inputs: [{ path: 'a/x.npz', target: 0 }],
      targets: [{ path: output, format } as OutputPlan['targets'][0]],
      outputFormat: format as OutputPlan['targets'][0]['format'],
      manifestPath: `${output}.manifest`,
      lockPath: `${output}.manifest.lock`,
    });
  }
});

test('--output-format wins over the extension, which may be any then', async (t) => {
  const { targets } = await plan({ inputs: ['x.npy'], output: 'y.data', outputFormat: 'arrow' });
  t.deepEqual(targets, [{ path: 'y.data', format: 'arrow' }]);
  const other = await plan({ inputs: ['x.npy'], output: 'y.npy', outputFormat: 'jsonl' });
  t.is(other.targets[0]?.format, 'jsonl');
});

test('several inputs go into a file one after another if the output has an extension of ours', async (t) => {
  const { inputs, targets, folder } = await plan({ inputs: ['b.npy', 'a.jsonl'], output: 'y.safetensors' });
  t.deepEqual(inputs, [{ path: 'b.npy', target: 0 }, { path: 'a.jsonl', target: 0 }]); // prettier-ignore
  t.deepEqual(targets, [{ path: 'y.safetensors', format: 'safetensors' }]);
  t.is(folder, undefined);
});

async function toFolder(t: ExecutionContext, output: string, inputs = ['in/a.npy', 'in/b.jsonl']) {
  const planned = await plan({ inputs, output });
  const { targets, manifestPath, folder } = planned;
  t.is(folder, output);
  t.is(manifestPath, join(output, 'headpool.manifest'));
  return { planned, paths: targets.map(({ path }) => path) };
}

test('a slash after the output makes it a folder, also for one input', async (t) => {
  const { paths } = await toFolder(t, 'out/', ['in/a.npy']);
  t.deepEqual(paths, [join('out', 'a.npy')]);
});

test('a folder that exists gets a file for each input, whatever its own name', async (t) => {
  const folder = join(await makeFolder(t), 'looks-like.npy');
  await mkdir(folder);
  const { paths } = await toFolder(t, folder);
  t.deepEqual(paths, [join(folder, 'a.npy'), join(folder, 'b.jsonl')]);
});

test('several inputs make an output without a known extension a folder', async (t) => {
  const { planned, paths } = await toFolder(t, 'out.v2');
  t.deepEqual(paths, [join('out.v2', 'a.npy'), join('out.v2', 'b.jsonl')]);
  t.deepEqual(
    planned.inputs.map(({ target }) => target),
    [0, 1],
  );
});

test('in a folder each output keeps the format and the extension of its input, .npz becomes .safetensors', async (t) => {
  const { planned, paths } = await toFolder(t, 'out/', ['a.feather', 'b.npz', 'c.NPY', 'd.e.jsonl']);
  const names = ['a.feather', 'b.safetensors', 'c.NPY', 'd.e.jsonl'];
  t.deepEqual(paths, names.map((name) => join('out', name))); // prettier-ignore
  const formats = planned.targets.map(({ format }) => format);
  t.deepEqual(formats, ['arrow', 'safetensors', 'npy', 'jsonl']);
});

test('--output-format renames what goes into a folder', async (t) => {
  const { targets } = await plan({ inputs: ['a.npy', 'b.arrows'], output: 'out/', outputFormat: 'arrow' });
  t.deepEqual(targets, [
    { path: join('out', 'a.arrow'), format: 'arrow' },
    { path: join('out', 'b.arrows'), format: 'arrow' },
  ]);
});

test('a folder of outputs mirrors those of the inputs, so that equal base names are no clash', async (t) => {
  const inputs = ['a/x.npy', 'b/c/x.npz', 'x.npy'].map((name) => ({ path: `in/${name}`, name }));
  const choice = { inputs, output: 'out/', inputFormat: 'jsonl', outputFormat: undefined } as const;
  const { targets } = await planOutputs({ ...choice, hasStatistics: true });
  t.deepEqual(targets.map(({ path }) => path), ['a/x.npy', 'b/c/x.safetensors', 'x.npy'].map((name) => join('out', name))); // prettier-ignore
  t.is(targets[1]!.statisticsPath, join('out', 'b', 'c', 'x.statistics.jsonl'));
});

test('statistics go beside each output', async (t) => {
  const file = await plan({ inputs: ['x.npy'], output: 'some/y.npy', hasStatistics: true });
  t.is(file.targets[0]?.statisticsPath, 'some/y.statistics.jsonl');
  const folder = await plan({ inputs: ['a.npy', 'b.npz'], output: 'out/', hasStatistics: true });
  t.deepEqual(
    folder.targets.map(({ statisticsPath }) => statisticsPath),
    [join('out', 'a.statistics.jsonl'), join('out', 'b.statistics.jsonl')],
  );
});

test('a pipe gets jsonl or arrow: what is asked for, or what the first input is', async (t) => {
  const piped = await plan({ inputs: ['-'], output: '-', inputFormat: 'arrow' });
  t.deepEqual(piped.targets, [{ path: '-', format: 'arrow' }]);
  t.deepEqual(piped.inputs, [{ path: '-', format: 'arrow', target: 0 }]);
  const asked = await plan({ inputs: ['x.npy'], output: '-', outputFormat: 'jsonl' });
  t.deepEqual(asked.targets, [{ path: '-', format: 'jsonl' }]);
});

test('a run from or to a pipe has no manifest', async (t) => {
  t.is((await plan({ inputs: ['x.jsonl'], output: '-' })).manifestPath, undefined);
  const fromPipe = await plan({ inputs: ['x.npy', '-'], output: 'y.safetensors' });
  t.is(fromPipe.manifestPath, undefined);
  t.deepEqual(fromPipe.inputs[1], { path: '-', format: 'jsonl', target: 0 });
});

const refusals: Readonly<Record<string, readonly [Parameters<typeof plan>[0], string]>> = {
  'an output of an unknown extension': [
    { inputs: ['x.npy'], output: 'y.txt' },
    '.arrows or .feather for `output`, got `"y.txt"`',
  ],
  'an output that can only be read': [
    { inputs: ['x.npz'], output: 'y.npz' },
    'a format that can be written for `output-format`, got `"npz"`',
  ],
  'an input of an unknown extension': [{ inputs: ['x.csv'], output: 'y.npy' }, '`input`, got `"x.csv"`'],
  'an input of an unknown extension in a folder': [
    { inputs: ['a.npy', 'x.csv'], output: 'out/' },
    '`input`, got `"x.csv"`',
  ],
  'two inputs that would write one file': [
    { inputs: ['1/x.npy', '2/x.npy'], output: 'out/' },
    `Both 1/x.npy and 2/x.npy would write ${join('out', 'x.npy')}`,
  ],
  'two inputs that become one file by their format': [
    { inputs: ['x.npz', 'x.safetensors'], output: 'out/' },
    `Both x.npz and x.safetensors would write ${join('out', 'x.safetensors')}`,
  ],
  'standard input into a folder, which has no name for it': [
    { inputs: ['-'], output: 'out/' },
    'a file for what standard input brings for `output`, got `"out/"`',
  ],
  'a format that no pipe can take': [
    { inputs: ['x.npy'], output: '-' },
    'jsonl or arrow for standard output for `output-format`, got `"npy"`',
  ],
  'statistics beside a pipe': [
    { inputs: ['x.jsonl'], output: '-', hasStatistics: true },
    'beside which statistics can go, for `output`, got `"-"`',
  ],
};

for (const [name, [choice, what]] of Object.entries(refusals)) {
  test(`${name} is refused`, async (t) => {
    await assertRefused(t, () => plan(choice), { code: 'INVALID_OPTION', what });
  });
}

const isRead = { code: 'INVALID_OPTION', what: 'a file that is not read for `output`' } as const;

test('an output that is the input is refused, by any path to it', async (t) => {
  const folder = await makeFolder(t);
  const x = join(folder, 'x.npy');
  await writeFile(x, '');
  await symlink(x, join(folder, 'soft.npy'));
  await link(x, join(folder, 'hard.npy'));
  await symlink(folder, join(folder, 'loop'));
  const outputs = ['x.npy', 'soft.npy', 'hard.npy', 'loop/x.npy', './/x.npy'];
  for (const output of outputs) {
    await assertRefused(t, () => plan({ inputs: [x], output: `${folder}/${output}` }), isRead);
  }
});

test('a folder of outputs that are the inputs is refused', async (t) => {
  const folder = await makeFolder(t);
  const inputs = ['a.npy', 'b.npy'].map((name) => join(folder, name));
  for (const path of inputs) await writeFile(path, '');
  await assertRefused(t, () => plan({ inputs, output: folder }), isRead);
});

test('an output that is one of several inputs is refused, by its own name and by a link', async (t) => {
  const folder = await makeFolder(t);
  const inputs = ['a.npy', 'b.npy'].map((name) => join(folder, name));
  for (const path of inputs) await writeFile(path, '');
  await assertRefused(t, () => plan({ inputs, output: inputs[1]! }), isRead);
});

test('an output that is a link to one of several inputs is refused', async (t) => {
  const folder = await makeFolder(t);
  const inputs = ['a.npy', 'b.npy'].map((name) => join(folder, name));
  for (const path of inputs) await writeFile(path, '');
  await link(inputs[0]!, join(folder, 'y.npy'));
  await assertRefused(t, () => plan({ inputs, output: join(folder, 'y.npy') }), isRead);
});

test('statistics that would replace an input are refused', async (t) => {
  const folder = await makeFolder(t);
  const x = join(folder, 'y.statistics.jsonl');
  await writeFile(x, '');
  await assertRefused(t, () => plan({ inputs: [x], output: join(folder, 'y.jsonl'), hasStatistics: true }), {
    code: 'INVALID_OPTION',
    what: 'not read',
  });
});

test('two outputs whose statistics would be one file are refused', async (t) => {
  await assertRefused(t, () => plan({ inputs: ['a.npy', 'a.jsonl'], output: 'out/', hasStatistics: true }), {
    code: 'INVALID_OPTION',
    what: join('out', 'a.statistics.jsonl'),
  });
});
