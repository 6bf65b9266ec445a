// Walks the runs of levels and indices in a page before the package decodes them: it repeats a value as often as a run
// says, however many the page has.
// Format: https://parquet.apache.org/docs/file-format/data-pages/encodings/

/** What the walk needs to know of a page. */
export interface PageShape {
  readonly count: number;
  /** Bits of a repetition and of a definition level. */
  readonly levelBits: readonly [number, number];
  readonly encoding: string;
  /** Of the levels in front of the values, where the header of the page says them; else the levels say so themselves. */
  readonly levelBytes: readonly [number, number] | undefined;
}

const valueEncodings: ReadonlySet<string> = new Set(['PLAIN', 'BYTE_STREAM_SPLIT']);
const indexEncodings: ReadonlySet<string> = new Set(['PLAIN_DICTIONARY', 'RLE_DICTIONARY']);
const mostIndexBits = 32;

/** The levels that are not compressed because their page says how long they are. @throws Error */
export function checkOuterLevels(page: Uint8Array, { count, levelBits, levelBytes }: PageShape): void {
  if (levelBytes === undefined) return;
  checkRuns(page, levelBits[0], count);
  checkRuns(page.subarray(levelBytes[0]), levelBits[1], count);
}

/** The rest of a page, decompressed. @throws Error */
export function checkPageBody(body: Uint8Array, { count, levelBits, encoding, levelBytes }: PageShape): void {
  let at = 0;
  for (const bits of levelBytes === undefined ? levelBits : []) {
    if (bits === 0) continue;
    if (at + 4 > body.length) throw new Error('the levels of a page are cut short');
    checkRuns(body.subarray(at + 4), bits, count);
    at += 4 + new DataView(body.buffer, body.byteOffset).getUint32(at, true);
  }
  if (valueEncodings.has(encoding)) return;
  if (!indexEncodings.has(encoding)) throw new Error(`values are encoded as ${encoding}`);
  const bits = body[at] ?? 0;
  if (bits > mostIndexBits) throw new Error(`indices have ${bits} bits`);
  checkRuns(body.subarray(at + 1), bits, count);
}

/** That no run of `bytes` holds more than what is left of `count`, up to a full byte of bits. */
function checkRuns(bytes: Uint8Array, bits: number, count: number): void {
  if (bits === 0) return;
  let at = 0;
  let left = count;
  while (left > 0 && at < bytes.length) {
    let header = 0;
    let scale = 1;
    for (let byte = 128; byte >= 128; scale *= 128) {
      byte = bytes[at++] ?? 0;
      header += (byte % 128) * scale;
      if (scale > 2 ** 28) throw new Error('a run is too long');
    }
    const isPacked = header % 2 === 1;
    const length = Math.floor(header / 2) * (isPacked ? 8 : 1);
    const most = isPacked ? Math.ceil(left / 8) * 8 : left;
    if (length > most) throw new Error(`a run has ${length} values instead of at most ${most}`);
    at += isPacked ? (length / 8) * bits : Math.ceil(bits / 8);
    left -= length;
  }
}
