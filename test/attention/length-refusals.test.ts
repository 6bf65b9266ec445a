// Wrong lengths and offsets for engine.attention, and what a ragged batch has not.
import { normalTensor } from '../helpers/random.js';
import { inputs, openEngine, ragged, refuserOf } from '../helpers/refusals.js';

const engineOf = openEngine();
const refuse = refuserOf(engineOf, inputs);
const refuseRagged = refuserOf(engineOf, ragged);

const bytes = (...shape: number[]) => ({ shape, data: new Uint8Array(shape.reduce((a, b) => a * b, 1)) });
refuse(
  'key lengths of another count are refused',
  { keyLengths: [7] },
  'INVALID_OPTION',
  '`keyLengths`',
  '2 lengths',
);
refuse('key lengths that are no list are refused', { keyLengths: 7 }, 'INVALID_OPTION', '`keyLengths`');
for (const length of [8, -1, 1.5, '3', undefined]) {
  const title = `a key length of ${String(length)} (${typeof length}) is refused`;
  refuse(title, { keyLengths: [7, length] }, 'INVALID_OPTION', '`keyLengths[1]`', '0 to 7');
}
refuse(
  'key lengths with holes are refused',
  { keyLengths: new Array<number>(2) },
  'INVALID_OPTION',
  '`keyLengths[0]`',
);

refuse('offsets beside rank 4 are refused', { offsets: [0, 2] }, 'INVALID_OPTION', '`offsets`', 'rank 4');
refuseRagged('offsets that are no list are refused', { offsets: 6 }, 'INVALID_OPTION', '`offsets`');
refuseRagged('no offsets at all are refused', { offsets: [] }, 'INVALID_OPTION', '`offsets`');
refuseRagged(
  'offsets that do not start at 0 are refused',
  { offsets: [1, 6] },
  'INVALID_OPTION',
  '`offsets[0]`',
);
refuseRagged(
  'offsets that descend are refused',
  { offsets: [0, 4, 3, 6] },
  'INVALID_OPTION',
  '`offsets[2]`',
  '4 to 6',
);
refuseRagged(
  'offsets that end early are refused',
  { offsets: [0, 5] },
  'INVALID_OPTION',
  '`offsets[1]`',
  '6',
);
refuseRagged('offsets past the end are refused', { offsets: [0, 7] }, 'INVALID_OPTION', '`offsets[1]`', '7');
refuseRagged('fractional offsets are refused', { offsets: [0, 1.5, 6] }, 'INVALID_OPTION', '`offsets[1]`');
refuseRagged('offsets of strings are refused', { offsets: [0, '3', 6] }, 'INVALID_OPTION', '`offsets[1]`');
const sparse: number[] = [0, 3, 6];
// eslint-disable-next-line @typescript-eslint/no-array-delete -- a hole is what is tested
delete sparse[1];
refuseRagged('offsets with holes are refused', { offsets: sparse }, 'INVALID_OPTION', '`offsets[1]`');
refuseRagged(
  'key lengths beside offsets are refused',
  { offsets: [0, 6], keyLengths: [6] },
  'INVALID_OPTION',
  '`keyLengths`',
);
refuseRagged(
  'key offsets of another count are refused',
  { offsets: [0, 6], keyOffsets: [0, 3, 6] },
  'INVALID_OPTION',
  '`keyOffsets`',
);
refuseRagged(
  'key offsets that end early are refused',
  { offsets: [0, 6], keyOffsets: [0, 3] },
  'INVALID_OPTION',
  '`keyOffsets[1]`',
);
refuseRagged(
  'key offsets without offsets are refused',
  { keyOffsets: [0, 6] },
  'INVALID_OPTION',
  '`keyOffsets`',
  'offsets',
);
const longer = { k: normalTensor([9, 20], 1), v: normalTensor([9, 20], 1), offsets: [0, 6] };
refuseRagged(
  'missing key offsets of other keys are refused',
  longer,
  'INVALID_OPTION',
  '`keyOffsets`',
  'nothing',
);
refuseRagged(
  'a mask of a ragged batch is refused',
  { offsets: [0, 6], mask: bytes(6) },
  'INVALID_OPTION',
  '`mask`',
  'ragged',
);
refuseRagged(
  'a bias of a ragged batch is refused',
  { offsets: [0, 6], bias: normalTensor([6], 1) },
  'INVALID_OPTION',
  '`bias`',
  'ragged',
);
refuseRagged(
  'weights of a ragged batch are refused',
  { offsets: [0, 6], returnWeights: true },
  'INVALID_OPTION',
  '`returnWeights`',
  'ragged',
);
