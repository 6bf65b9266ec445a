// The table of an attention dispatch: which tiles of rows there are, their entries, and what little else lies in the
// host's memory (numbers of heads, extra keys). Made here, read by the shaders through `tableText`.
import { entryWords } from '../../../../src/core/protocol/tables.js';
import { floatBits } from './float-bits.js';
import type { AttentionGiven } from './given.js';
import { livingRuns } from './living-runs.js';
import type { Parameters } from './parameters.js';

/** Words of a tile in their order; rows are query after query, the tile's heads of a query beside one another. */
const tileWords = ['entry', 'kvHead', 'firstHead', 'headCount', 'firstRow'] as const;

/** Words of an entry; `state` counts the rows of the entries before it. */
const entryFields = ['query', 'queries', 'key', 'value', 'keys', 'output', 'position', 'state'] as const;

/** Words of a head, floats by their bits. */
const headWords = ['slope', 'sink', 'headScale'] as const;

export interface AttentionTable {
  readonly words: Uint32Array;
  readonly tiles: number;
  /** Rows of all heads of all entries. */
  readonly stateRows: number;
  readonly parameters: Pick<
    Parameters,
    'tiles' | 'entriesAt' | 'headsAt' | 'extraKeysAt' | 'extraValuesAt' | 'extraCount'
  >;
}

/** @param rows of a tile; `isByQuery` has tiles of queries that go through all heads one after the other. */
export function createTable(given: AttentionGiven, rows: number, isByQuery = false): AttentionTable {
  const { heads, kvHeads, entries } = given;
  const entryCount = entries.length / entryWords.count;
  const runs = isByQuery ? [{ kvHead: 0, firstHead: 0, headCount: 1 }] : livingRuns(given);
  const tiles: number[] = [];
  const places: number[] = [];
  let stateRows = 0;
  for (let entry = 0; entry < entryCount; entry++) {
    const word = (index: number): number => entries[entry * entryWords.count + index]!;
    const queries = word(entryWords.queries);
    for (const { kvHead, firstHead, headCount } of runs) {
      for (let row = 0; row < queries * headCount; row += rows) {
        tiles.push(entry, kvHead, firstHead, headCount, row);
      }
    }
    places.push(
      given.query.offset + word(entryWords.queryOffset),
      queries,
      given.key.offset + word(entryWords.keyOffset),
      given.value.offset + word(entryWords.valueOffset),
      word(entryWords.keys),
      given.output.offset + word(entryWords.outputOffset),
      word(entryWords.diagonal),
      stateRows,
    );
    stateRows += heads * queries;
  }

  const { alibiSlopes, sinks, headScale, extra } = given;
  const ofHeads = new Float32Array(heads * headWords.length);
  for (let head = 0; head < heads; head++) {
    ofHeads.set(
      [alibiSlopes?.[head] ?? 0, sinks?.[head] ?? 0, headScale?.[head] ?? 1],
      head * headWords.length,
    );
  }
  const parts = [tiles, places, floatBits(ofHeads), floatBits(extra?.keys), floatBits(extra?.values)];
  const starts = parts.map((_, n) => parts.slice(0, n).reduce((sum, part) => sum + part.length, 0));
  const words = new Uint32Array(starts.at(-1)! + parts.at(-1)!.length);
  for (const [n, part] of parts.entries()) words.set(part, starts[n]);
  return {
    words,
    tiles: tiles.length / tileWords.length,
    stateRows,
    parameters: {
      tiles: tiles.length / tileWords.length,
      entriesAt: starts[1]!,
      headsAt: starts[2]!,
      extraKeysAt: starts[3]!,
      extraValuesAt: starts[4]!,
      extraCount: (extra?.keys.length ?? 0) === 0 ? 0 : extra!.keys.length / kvHeads / given.headDim,
    },
  };
}

function structText(name: string, words: readonly string[]): string {
  return `struct ${name} { ${words.map((word) => `${word}: u32`).join(', ')} }
fn read${name}(first: u32) -> ${name} {
  return ${name}(${words.map((_, n) => `table[first + ${n}u]`).join(', ')});
}`;
}

/** How shaders read it; the words of a head are floats there. */
export const tableText = `
${structText('Tile', tileWords)}
${structText('Entry', entryFields)}
fn tileAt(tile: u32) -> Tile { return readTile(tile * ${tileWords.length}u); }
fn entryAt(entry: u32) -> Entry { return readEntry(at.entriesAt + entry * ${entryFields.length}u); }
fn numberOfHead(head: u32, word: u32) -> f32 {
  return bitcast<f32>(table[at.headsAt + head * ${headWords.length}u + word]);
}
${headWords.map((word, n) => `fn ${word}Of(head: u32) -> f32 { return numberOfHead(head, ${n}u); }`).join('\n')}
`;
