// The options of an attention as `headpool run` and `headpool explain` take them: each does what the library's call
// does, is written into the output, and is refused where files contradict it.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Explanation } from '../../src/attention/explain-row.js';
import { checkAlignment } from '../../src/commands/check-alignment.js';
import { optionsOf } from '../../src/config/attention-settings.js';
import { resolveSettings } from '../../src/config/settings.js';
import { formatNpyHeader } from '../../src/files/npy.js';
import { openTensorFile } from '../../src/files/tensor-file.js';
import {
  alibiSlopes,
  createEngine,
  createXavierWeights,
  weightsToTorch,
  writeStateDict,
  type AttentionOptions,
} from '../../src/index.js';
import { createTensor } from '../../src/core/tensor/tensor.js';
import { normalTensor } from '../helpers/random.js';
import { headpool } from '../helpers/command.js';

const [batch, queries, keys, modelDim, heads] = [3, 20, 12, 32, 4];
const weights = createXavierWeights({ modelDim, heads, seed: 3 });
const x = normalTensor([batch, queries, modelDim], 4);
const kv = normalTensor([batch, keys, modelDim], 5);

let where: string;

test.before('writes the files', async () => {
  where = await mkdtemp(join(tmpdir(), 'headpool-test-'));
  const tensors = [...weightsToTorch(weights)].map(
    ([name, { shape, data }]) => [name, createTensor(shape, data)] as const,
  );
  await writeStateDict(join(where, 'w.safetensors'), new Map(tensors));
  const first = createTensor([queries, modelDim], x.data.subarray(0, queries * modelDim));
  await writeStateDict(join(where, 'x.safetensors'), new Map([['first', first]]));
  for (const [name, { shape, data }] of Object.entries({ x, kv })) {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    await writeFile(join(where, `${name}.npy`), Buffer.concat([formatNpyHeader('F32', shape), bytes]));
  }
});

test.after.always('removes the files', async () => {
  await rm(where, { recursive: true, force: true });
});

const path = (name: string): string => join(where, name);

const layer = (): string[] => ['--weights', path('w.safetensors'), '--heads', String(heads)];

/** `headpool run` over the file x of the output's format. */
function run(output: string, ...args: string[]) {
  const kernel = ['--kernel', 'reference', '--threads', '1'];
  const input = path(`x${extname(output)}`);
  return headpool('run', '-i', input, ...layer(), '-o', path(output), ...kernel, ...args);
}

/** `headpool explain` over head 1, query 5 of sequence 2. */
function explain(...args: string[]) {
  const row = ['--sequence', '2', '--head', '1', '--query', '5'];
  return headpool('explain', '-i', path('x.npy'), ...layer(), ...row, ...args);
}

/** What the library makes of the same files. */
async function call(options: AttentionOptions, isCross: boolean) {
  await using engine = await createEngine({ kernel: 'reference', threads: 1 });
  using attention = await engine.multiHeadAttention({ heads, weights });
  const input = isCross ? { query: x, key: kv } : x;
  const { output, weights: all } = await attention.forward(input, { ...options, returnWeights: true });
  const columns = isCross ? keys : queries;
  const row = (2 * heads + 1) * queries + 5;
  return { output: output.data, row: all!.data.subarray(row * columns, (row + 1) * columns) };
}

interface Flagged {
  readonly args: readonly string[];
  readonly options: AttentionOptions;
  readonly isCross?: boolean;
}

const flags: Readonly<Record<string, Flagged>> = {
  '--softcap': { args: ['--softcap', '0.25'], options: { softcap: 0.25 } },
  '--window-left': { args: ['--window-left', '3'], options: { window: { left: 3 } } },
  '--window-right': { args: ['--window-right', '0'], options: { window: { right: 0 } } },
  '--alibi': { args: ['--alibi'], options: { alibiSlopes: alibiSlopes(heads) } },
  '--rope-base': { args: ['--rope-base', '100'], options: { rope: { base: 100 } } },
  '--rope-dims': {
    args: ['--rope-base', '100', '--rope-dims', '4'],
    options: { rope: { base: 100, dims: 4 } },
  },
  '--rope-interleaved': {
    args: ['--rope-base', '100', '--rope-interleaved'],
    options: { rope: { base: 100, interleaved: true } },
  },
  '--sinks': { args: ['--sinks', '-1,0.5,2,1e1'], options: { sinks: [-1, 0.5, 2, 10] } },
  '--head-scale': { args: ['--head-scale=-2,0.5,0,1'], options: { headScale: [-2, 0.5, 0, 1] } },
  '--alignment top-left': {
    args: ['--window-right', '1', '--alignment', 'top-left'],
    options: { window: { right: 1 }, alignment: 'top-left' },
    isCross: true,
  },
  '--alignment bottom-right': {
    args: ['--alibi', '--alignment', 'bottom-right'],
    options: { alibiSlopes: alibiSlopes(heads), alignment: 'bottom-right' },
    isCross: true,
  },
};

for (const [flag, { args, options, isCross = false }] of Object.entries(flags)) {
  test.serial(`${flag} does what the library's call does, and is explained`, async (t) => {
    const wanted = await call(options, isCross);
    t.notDeepEqual(wanted.output, (await call({}, isCross)).output);
    const ran = await run('y.npy', ...args, ...(isCross ? ['--key', path('kv.npy')] : []));
    t.is(ran.code, 0, ran.stderr);
    const bytes = await readFile(path('y.npy'));
    t.true(bytes.subarray(bytes.length - wanted.output.byteLength).equals(bytesOf(wanted.output)));

    const from = isCross ? ['--key-input', path('kv.npy')] : [];
    const explained = await explain(...args, ...from, '--key', '6', '--json');
    t.is(explained.code, 0, explained.stderr);
    const { probability, headScale } = JSON.parse(explained.stdout) as Explanation;
    t.true(Math.abs(probability - wanted.row[6]!) < 2e-6, `${probability} instead of ${wanted.row[6]!}`);
    t.is(headScale, options.headScale?.[1]);
  });
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

const everyOption = {
  causal: true,
  alignment: 'top-left',
  windowLeft: 6,
  windowRight: 2,
  scale: 0.5,
  softcap: 3,
  alibi: true,
  sinks: [0.5, -1, 2, 0],
  headScale: [1, 0, -0.5, 2],
  ropeBase: 100,
  ropeDims: 4,
  ropeInterleaved: true,
} as const;

const everyFlag = Object.entries(everyOption).map(
  ([name, value]) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}=${String(value)}`,
);

test.serial(
  'all of them together, from flags and from a file, and the output records them alike',
  async (t) => {
    const config = path('run.yaml');
    const lines = Object.entries(everyOption).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
    await writeFile(config, lines.reverse().join('\n'));
    const recorded: string[] = [];
    const outputs: Buffer[] = [];
    for (const args of [everyFlag, ['--config', config]]) {
      const { code, stderr } = await run('y.safetensors', ...args);
      t.is(code, 0, stderr);
      const file = await openTensorFile(path('y.safetensors'));
      recorded.push(file.metadata.get('configuration')!);
      await file.close();
      outputs.push(await readFile(path('y.safetensors')));
    }
    const { causal, scale, softcap, alignment, sinks, headScale } = everyOption;
    const window = { left: 6, right: 2 };
    const configuration = {
      heads,
      kvHeads: heads,
      headDim: 8,
      causal,
      scale,
      alignment,
      window,
      softcap,
      alibiSlopes: alibiSlopes(heads),
      sinks,
      headScale,
      rope: { base: 100, dims: 4, interleaved: true },
    };
    t.is(recorded[0], JSON.stringify(configuration));
    t.true(outputs[1]!.equals(outputs[0]!));

    const { output } = await call(
      {
        causal,
        scale,
        softcap,
        alignment,
        window,
        sinks,
        headScale,
        alibiSlopes: alibiSlopes(heads),
        rope: configuration.rope,
      },
      false,
    );
    const first = bytesOf(output.subarray(0, queries * modelDim));
    t.true(outputs[0]!.includes(first), 'the same bytes as the library');
  },
);

test.serial('the output records an extra key of zeros and all dims that turn', async (t) => {
  const { code, stderr } = await run('z.safetensors', '--add-zero-attention', '--rope-base', '100');
  t.is(code, 0, stderr);
  const file = await openTensorFile(path('z.safetensors'));
  t.deepEqual(JSON.parse(file.metadata.get('configuration')!), {
    heads,
    kvHeads: heads,
    headDim: 8,
    causal: false,
    scale: 1 / Math.sqrt(8),
    addZeroAttention: true,
    rope: { base: 100, dims: 8, interleaved: false },
  });
  await file.close();
});

test.serial(
  'a dry run estimates with all of them, and leaves out the work of a head of factor 0',
  async (t) => {
    const flopOf = async (...args: string[]): Promise<number> => {
      const { code, stdout, stderr } = await run('dry.npy', ...args, '--dry-run', '--json');
      t.is(code, 0, stderr);
      return (JSON.parse(stdout) as { readonly flop: number }).flop;
    };
    const [all, three, plain] = [
      await flopOf(...everyFlag),
      await flopOf('--head-scale', '1,0,1,1'),
      await flopOf(),
    ];
    t.true(three < plain, `${three} < ${plain}`);
    t.true(all > 0 && all <= plain);
    t.false((await readdir(where)).includes('dry.npy'));
  },
);

test.serial('a flag that looks at positions asks for --alignment over other keys', async (t) => {
  const ran = await run('never.npy', '--key', path('kv.npy'), '--alibi');
  const explained = await explain('--key-input', path('kv.npy'), '--alibi');
  for (const { code, stdout, stderr } of [ran, explained]) {
    t.is(code, 2, stderr);
    t.is(stdout, '');
    t.is(
      stderr,
      'headpool: Expected `--alignment` top-left or bottom-right, which `--alibi` needs where they differ (20 queries on 12 keys)\n',
    );
  }
  const names = await readdir(where);
  t.false(names.some((name) => name.includes('never')));
});

test('which flags those are', async (t) => {
  const given = { input: 'x.npy', weights: 'w.safetensors', heads, head: 0, query: 0 };
  const check = async (flags: object, keyCounts: readonly number[]): Promise<void> => {
    const sources = { flags: { ...given, ...flags }, environment: {}, configPath: undefined };
    const options = optionsOf(await resolveSettings('explain', sources), heads, {});
    checkAlignment(options, [20, 7], keyCounts);
  };
  const positional = {
    '--causal': { causal: true },
    '--window-left': { windowLeft: 0 },
    '--window-right': { windowRight: 2 },
    '--alibi': { alibi: true },
    '--rope-base': { ropeBase: 10_000 },
  };
  for (const [flag, settings] of Object.entries(positional)) {
    await t.throwsAsync(check(settings, [20, 9]), {
      code: 'INVALID_OPTION',
      message: new RegExp(`which \`${flag}\` needs where they differ \\(7 queries on 9 keys\\)`),
    });
    await t.notThrowsAsync(check(settings, [20, 7]), flag);
    await t.notThrowsAsync(check({ ...settings, alignment: 'top-left' }, [20, 9]), flag);
  }
  await t.notThrowsAsync(check({ causal: 'bottom-right', alibi: true }, [20, 9]));
});

test.serial('what looks at no positions needs no alignment', async (t) => {
  const args = ['--softcap', '2', '--sinks', '1,2,3,4', '--head-scale', '1,1,1,0'];
  const { code, stderr } = await run('y.npy', '--key', path('kv.npy'), ...args);
  t.is(code, 0, stderr);
});

const refuses = test.macro({
  title: (title) => `${title} is refused`,
  exec: async (t: ExecutionContext, args: readonly string[], says: RegExp) => {
    for (const { code, stdout, stderr } of [await run('never.npy', ...args), await explain(...args)]) {
      t.is(code, 2, stderr);
      t.regex(stderr, says);
      t.is(stderr.trim().split('\n').length, 1, 'one error, one line');
      t.is(stdout, '');
    }
    t.false((await readdir(where)).includes('never.npy'));
  },
});

test.serial(
  'more dims than a head has',
  refuses,
  ['--rope-base', '10000', '--rope-dims', '10'],
  /an even integer from 2 to headDim \(8\) for `rope\.dims`, got `10`/,
);
test.serial('a list that is too short', refuses, ['--sinks', '1,2'], /4 numbers, one a head, for `--sinks`/);
test.serial('a list with a gap', refuses, ['--head-scale', '1,,2,3'], /list of numbers for `--head-scale`/);
test.serial(
  'dims that nothing turns',
  refuses,
  ['--rope-dims', '4'],
  /^headpool: `--rope-dims` needs `--rope-base`$/m,
);
test.serial('a slip of the pen', refuses, ['--sofcap', '4'], /`--sofcap`; did you mean `--softcap`/);

test.serial('help names them all', async (t) => {
  for (const command of ['run', 'explain']) {
    const { stdout } = await headpool(command, '--help');
    for (const flag of everyFlag) t.true(stdout.includes(` ${flag.split('=')[0]!} `), `${command} ${flag}`);
  }
});
