// What the inputs of a run weigh, and where they may be cut: between sequences where their lengths are known, else nowhere.
import { stat } from 'node:fs/promises';
import { isDamage } from '../runs/chunks.js';
import { openInput, type OpenInput } from '../runs/input.js';
import { widthOf, type RunInput, type RunRequest } from '../runs/request.js';
import { splitCompression } from '../files/compression/compressed-path.js';
import { findFormat } from '../files/sequences/formats.js';
import type { SequenceForm, StreamPosition } from '../files/sequences/sequences.js';
import type { FlopWeights } from './weights.js';

/** Sequences that stay together, or a whole file. */
export interface Piece {
  readonly weight: number;
  readonly tokens: number;
  /** Behind its last sequence; absent where nobody looked. */
  readonly end?: StreamPosition;
}

export interface WeighedInput {
  readonly pieces: readonly Piece[];
  /** Absent if the file can't be read, and is left out for that. */
  readonly form?: SequenceForm;
  /** Whether its one piece is a guess by its bytes, which walking through it would make good. */
  readonly isGuess?: boolean;
}

/** By its header, or by its bytes where that tells no lengths. @throws as the run itself would, of a damaged file */
export function weighInput(
  request: RunRequest,
  input: RunInput,
  weights: FlopWeights,
): Promise<WeighedInput> {
  return withInput(request, input, async (file) => {
    const { form, layout } = file.stream;
    if (layout === undefined) return { form, ...(await guess(request, input, weights)) };
    const keyLengths = file.keyLengths ?? layout.lengths;
    const pieces = layout.lengths.map((tokens, index): Piece => {
      return { weight: weights.of(tokens, keyLengths[index] ?? 0), tokens, end: { sequence: index + 1 } };
    });
    return { form, pieces: isSplittable(request, input) ? pieces : [joinPieces(pieces)] };
  });
}

/** By going through all of it, where that tells the lengths alone. @throws as `weighInput` */
export function walkInput(request: RunRequest, input: RunInput, weights: FlopWeights): Promise<WeighedInput> {
  return withInput(request, input, async (file) => {
    const pieces: Piece[] = [];
    // One sequence at a time, and what has no tokens.
    for (let span = await file.next(1); span !== undefined; span = await file.next(1)) {
      pieces.push('error' in span ? { weight: 1, tokens: 0, end: span.end } : weighSpan(span, weights));
    }
    return { form: file.stream.form, pieces };
  });
}

/** Whether parts of it can be read without all that lies before. */
export function isSplittable({ folder }: Pick<RunRequest, 'folder'>, input: RunInput): boolean {
  return folder === undefined && !isCompressed(input);
}

type Span = Exclude<Awaited<ReturnType<OpenInput['next']>>, undefined | { readonly error: unknown }>;

function weighSpan({ query, key = query, end }: Span, weights: FlopWeights): Piece {
  let [weight, tokens] = [0, 0];
  for (const [index, length] of query.lengths.entries()) {
    weight += weights.of(length, key.lengths[index]!);
    tokens += length;
  }
  return { weight, tokens, end };
}

async function withInput(
  request: RunRequest,
  input: RunInput,
  weigh: (file: OpenInput) => Promise<WeighedInput>,
): Promise<WeighedInput> {
  try {
    const file = await openInput(request, input);
    try {
      return await weigh(file);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (request.onError === 'stop' || !isDamage(error)) throw error;
    return { pieces: [{ weight: 1, tokens: 0 }] };
  }
}

function joinPieces(pieces: readonly Piece[]): Piece {
  // A file takes a while too.
  let [weight, tokens] = [1, 0];
  for (const piece of pieces) {
    weight += piece.weight;
    tokens += piece.tokens;
  }
  return { weight, tokens };
}

/** Bytes of a number as text, with what stands around it; and of a token id. */
const [textBytes, idBytes] = [11, 6];
/** How often smaller a compressed file is; numbers hardly compress, their text does. */
const compression = 2;

async function guess(
  request: RunRequest,
  input: RunInput,
  weights: FlopWeights,
): Promise<Pick<WeighedInput, 'pieces' | 'isGuess'>> {
  const { size } = await stat(input.path);
  const width = widthOf(request, 'query');
  const isText = findFormat(input.path)?.name === 'jsonl';
  const tokenBytes = !isText ? 4 * width : request.embedding === undefined ? textBytes * width : idBytes;
  const tokens = Math.ceil((size * (isCompressed(input) ? compression : 1)) / tokenBytes);
  return { pieces: [{ weight: weights.ofUnknown(tokens), tokens }], isGuess: true };
}

function isCompressed({ path }: RunInput): boolean {
  return splitCompression(path).compression !== undefined;
}
