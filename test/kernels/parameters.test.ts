// The parameters of the kernels' operations: what is written is what the addon and the module say that they read.
import test from 'ava';
import { createArena } from '../../src/core/tensor/arena.js';
import { chooseModule, instantiate } from '../../workers/kernels/wasm/module.js';
import { loadNativeAddon } from '../../workers/kernels/native/addon.js';
import {
  writeAttention,
  writePacking,
  writePartialRows,
  writeProjection,
  type ParameterWriter,
} from '../../workers/kernels/parameters.js';
import { addonProblem } from '../helpers/engines.js';
import { blockOf } from '../helpers/kernel-bench.js';
import { strided } from '../helpers/strided.js';
import { testUnless } from '../helpers/skips.js';

/** Notes the kind and the name of every parameter that is written. */
function namesOf(write: (to: ParameterWriter) => void): string[] {
  const names: string[] = [];
  const note = (kind: string) => (name: string) => void names.push(`${kind} ${name}`);
  write({
    integer: note('integer'),
    float: note('float'),
    bound: note('bound'),
    run: note('run'),
    operand: note('operand'),
    scratch: note('scratch'),
  });
  return names;
}

const floats = { data: new Float32Array(1), offset: 0 };
const operand = strided(floats);
const sizes = { keys: 1, headDim: 1, valueDim: 1 };
const block = blockOf({ ...sizes, query: floats, key: floats, value: floats, output: floats });
const product = { rowCount: 1, columns: 1, depth: 1, panels: floats };

const written = [
  'operation pack',
  ...namesOf((to) => {
    writePacking({ ...product, weight: floats, bias: null }, to);
  }),
  'operation project',
  ...namesOf((to) => {
    writeProjection({ ...product, rows: floats, output: operand }, to);
  }),
  'operation attend',
  ...namesOf((to) => {
    writeAttention(block, to);
  }),
  'operation merge',
  ...namesOf((to) => {
    writePartialRows({ ...block, partial: operand, ranges: 1, headScale: null }, to);
  }),
];

test('the module reads what is written, in its order', (t) => {
  const choice = chooseModule();
  if ('reason' in choice) throw new Error(choice.reason);
  const { memory } = createArena('webassembly', 2 ** 24);
  const address = instantiate(choice, memory!).parameterNames();
  const bytes = new Uint8Array(memory!.buffer).slice(address);
  const text = new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  t.deepEqual(text.trimEnd().split('\n'), written);
});

testUnless(addonProblem)('the addon reads what is written, in its order', (t) => {
  const addon = loadNativeAddon();
  if ('reason' in addon) throw new Error(addon.reason);
  t.deepEqual(addon.parameterNames().trimEnd().split('\n'), written);
});
