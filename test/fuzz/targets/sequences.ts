// Files of sequences, in every format: opened as a run opens them, all rows read.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findFormat } from '../../../src/files/sequences/formats.js';
import { chunksOf } from '../../helpers/arrow-tables.js';
import type { FuzzTarget } from '../target.js';

/** Of the rows in all seeds. */
export const width = 2;

const mostTokens = 2 ** 16;

interface SequenceTarget extends Pick<FuzzTarget, 'createSeeds' | 'damage'> {
  readonly ending: string;
  /** Whether the bytes come through a pipe, in small pieces. */
  readonly isPiped?: boolean;
}

export function sequenceTarget({ ending, isPiped = false, ...target }: SequenceTarget): FuzzTarget {
  return {
    ...target,
    async take(bytes, folder) {
      const path = join(folder, `a${ending}`);
      if (!isPiped) await writeFile(path, bytes);
      const stream = await findFormat(path)!.openStream({
        path,
        modelDim: width,
        ...(isPiped && { bytes: chunksOf(bytes, 100) }),
      });
      let decoded = 0;
      let damage: Error | undefined;
      try {
        for (let part; (part = await stream.next(mostTokens)) !== undefined;) {
          if ('error' in part) {
            damage ??= part.error;
            continue;
          }
          const rows = new Float32Array(part.lengths.reduce((sum, length) => sum + length, 0) * width);
          await part.read(rows);
          decoded += rows.byteLength;
        }
      } finally {
        await stream.close();
      }
      if (damage !== undefined) throw damage;
      return decoded;
    },
  };
}
