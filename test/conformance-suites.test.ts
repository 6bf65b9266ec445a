import test from 'ava';
import type { ConformanceEngine } from '../src/conformance/case.js';
import { runSuite, type CaseResult } from '../src/conformance/run-suite.js';
import { readSuite } from '../src/conformance/suite.js';
import type { AttentionInputs } from '../src/attention/attention-call.js';
import type { AttentionResult } from '../src/attention/result.js';
import { createEngine } from '../src/engine/engine.js';
import type { CpuKernelName } from '../src/core/protocol/kernels.js';
import { kernels } from './helpers/engines.js';

/** How many cases each suite has. */
const suites = { 'onnx-attention': 87, 'torch-multihead': 8, extended: 20 } as const;

type SuiteName = keyof typeof suites;

async function collect(name: SuiteName, engine: ConformanceEngine): Promise<CaseResult[]> {
  const suite = await readSuite(`test/conformance/${name}`);
  const results: CaseResult[] = [];
  for await (const result of runSuite(suite, engine)) results.push(result);
  return results;
}

const passes = test.macro({
  title: (_, name: SuiteName, kernel: string) => `every case of ${name} passes on ${kernel}`,
  exec: async (t, name: SuiteName, kernel: CpuKernelName) => {
    await using engine = await createEngine({ threads: 2, kernel });
    const results = await collect(name, engine);
    t.deepEqual(
      results.filter(({ status }) => status !== 'passed'),
      [],
    );
    t.is(results.length, suites[name]);
  },
});

for (const name of Object.keys(suites) as SuiteName[]) {
  for (const kernel of kernels) test(passes, name, kernel);
}

interface Bug {
  /** Changes what the engine is asked. */
  readonly ask?: (inputs: AttentionInputs) => AttentionInputs;
  /** Changes what it answers. */
  readonly answer?: (result: AttentionResult) => void;
  /** A case that must notice. */
  readonly notices: string;
}

const bugs: Readonly<Record<string, Bug>> = {
  'Outputs 1 % too large': {
    answer: ({ output }) => {
      scaleBy(output.data, 1.01);
    },
    notices: 'head_dim_80',
  },
  'A missing scale': { ask: (inputs) => ({ ...inputs, scale: 1 }), notices: 'head_dim_80' },
  'A tail lane that is skipped': {
    answer: ({ output }) => (output.data[output.data.length - 1] = 0),
    notices: 'head_dim_80',
  },
  'Heads that are swapped': {
    answer: ({ output: { data, shape } }) => {
      const length = shape[2]! * shape[3]!;
      const first = data.slice(0, length);
      data.copyWithin(0, length, 2 * length);
      data.set(first, length);
    },
    notices: 'bottom_right_long_keys',
  },
  'A diagonal off by one': {
    ask: (inputs) => ({ ...inputs, alignment: 'top-left' }),
    notices: 'bottom_right_long_keys',
  },
  'Padding that is attended': {
    ask: ({ keyLengths, ...inputs }) => ({
      ...inputs,
      ...(keyLengths && { keyLengths: keyLengths.map(() => inputs.k.shape[2]!) }),
    }),
    notices: 'lengths_nan_in_padding',
  },
  'A log-sum-exp in base 2': {
    answer: ({ logSumExp }) => {
      scaleBy(logSumExp!.data, Math.LOG2E);
    },
    notices: 'huge_logits',
  },
  'An empty row whose log-sum-exp is finite': {
    answer: ({ logSumExp }) => {
      const { data } = logSumExp!;
      data.set(data.map((l) => Math.max(l, -1e38)));
    },
    notices: 'bottom_right_short_keys',
  },
};

function scaleBy(data: Float32Array, factor: number): void {
  data.forEach((number, n) => (data[n] = number * factor));
}

for (const [title, { ask, answer, notices }] of Object.entries(bugs)) {
  test(`${title}: the checker notices`, async (t) => {
    await using engine = await createEngine({ threads: 1, kernel: 'reference' });
    const broken: ConformanceEngine = {
      attention: async (inputs) => {
        const result = await engine.attention(ask?.(inputs) ?? inputs);
        answer?.(result);
        return result;
      },
      multiHeadAttention: (options) => engine.multiHeadAttention(options),
    };
    const results = await collect('extended', broken);
    t.is(results.find(({ name }) => name === notices)?.status, 'failed');
  });
}

test('Layers 1 % off fail every case of torch-multihead', async (t) => {
  await using engine = await createEngine({ threads: 1, kernel: 'reference' });
  const broken: ConformanceEngine = {
    attention: (inputs) => engine.attention(inputs),
    multiHeadAttention: async (options) => {
      const layer = await engine.multiHeadAttention(options);
      const forward = layer.forward.bind(layer);
      layer.forward = async (...args) => {
        const result = await forward(...args);
        scaleBy(result.output.data, 1.01);
        return result;
      };
      return layer;
    },
  };
  const results = await collect('torch-multihead', broken);
  t.true(
    results.every((result) => result.status === 'failed' && result.message.startsWith('`attn_output`:')),
  );
});
