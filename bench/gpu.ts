// The shaders of a GPU (kernel wgsl) against its plain kernels (gpujs) and against the processor, in alternating pairs with
// an A/A control: a product and an attention whose operands are on the device, as shares of its multiply-add rate, and
// whole layers of the table of `bench:peers`, from the host's memory and back. Outputs are compared first. On the software
// device of checkouts (HEADPOOL_GPU=software) sizes are tiny, and bars are those that any device can show.
// `--cases product,768/12/2048` chooses among them.
import { createEngine, HeadpoolError } from '../src/index.js';
import { nameAdapter } from '../src/measure/machine.js';
import { readArguments } from './helpers/arguments.js';
import { checkNames } from './helpers/check-names.js';
import { gpuBars, softwareBars } from './helpers/gpu/bars.js';
import { contestAttention, contestLayer, contestProduct, type Sides } from './helpers/gpu/contest.js';
import { describeRow, rowTitles, type Row } from './helpers/gpu/row.js';
import { noteNoisy, progress, report } from './helpers/outcome.js';
import { nameOf, refuseLong, selectCases, wideCases } from './helpers/peers/cases.js';
import { enableRelaxedSimd } from './helpers/relaxed-simd.js';

const { json, seconds, cases, all } = readArguments('The GPU kernels against plain ones and the processor.', {
  seconds: 5,
  cases: [],
  all: false,
});
checkNames('--cases', cases, ['product', 'attention', ...wideCases.map(nameOf)]);
enableRelaxedSimd();

const isSoftware = process.env['HEADPOOL_GPU'] === 'software';
const product = isSoftware
  ? { rows: 256, depth: 256, columns: 256 }
  : { rows: 2048, depth: 4096, columns: 3072 };
const attention = isSoftware
  ? { heads: 2, tokens: 128, headDim: 64 }
  : { heads: 16, tokens: 4096, headDim: 64 };
const layers = selectCases(wideCases, cases.length > 0 ? cases : isSoftware ? ['512/8/16'] : []);

await using ours = await createEngine({ device: 'gpu', kernel: 'wgsl' });
await using plain = await createEngine({ device: 'gpu', kernel: 'gpujs' });
await using processor = await createEngine();
const rows: Row[] = [];
const notes: string[] = [`GPU: ${nameAdapter(ours.info.adapter!)}`];
const against = (theirs: Sides['theirs']): Sides => ({ ours, theirs, seconds });
const isChosen = (name: string): boolean => cases.length === 0 || cases.includes(name);

if (isChosen('product')) await add('product', plain, (sides) => contestProduct(sides, product));
if (isChosen('attention')) await add('attention', plain, (sides) => contestAttention(sides, attention));
for (const shape of layers) {
  const name = nameOf(shape);
  const long = all || cases.length > 0 ? undefined : refuseLong(shape, processor.info.threads);
  if (long !== undefined) {
    notes.push(`${name}, left out: ${long}`);
    continue;
  }
  for (const theirs of [plain, processor]) {
    await add(name, theirs, (sides) => contestLayer(sides, shape));
  }
}

/** What one of the sides has no memory for is noted. */
async function add(
  name: string,
  theirs: Sides['theirs'],
  contest: (sides: Sides) => Promise<Row>,
): Promise<void> {
  const { kernel } = theirs.info;
  progress(`${name} against ${kernel}`);
  try {
    rows.push(await contest(against(theirs)));
  } catch (error) {
    if (!(error instanceof HeadpoolError) || error.code !== 'MEMORY_LIMIT') throw error;
    notes.push(`${name} against ${kernel}, left out: ${error.message}`);
  }
}

report(
  {
    benchmark: 'gpu',
    engines: [ours.info, plain.info, processor.info],
    table: [rowTitles, ...rows.map(describeRow)],
    notes: [
      ...notes,
      ...noteNoisy(
        rows.map(({ case: name, against: kernel, pairs: { control } }) => ({
          name: `${name} against ${kernel}`,
          control,
        })),
      ),
    ],
    bars: isSoftware ? softwareBars(rows) : gpuBars(rows, layers),
    figures: { product, attention, rows },
  },
  { json },
);
