// A shard that this machine can't compute as the others are computed: another machine may.
import type { ShardEngine } from '../../cluster/cut-file.js';

export class HandedBack extends Error {
  /** EX_TEMPFAIL of sysexits.h: somebody may try again. */
  readonly exitCode = 75;

  constructor(shard: string, engine: ShardEngine, reason: string) {
    super(
      `Shard ${shard} is handed back: all shards are to be computed by ${formatEngine(engine)}, and ${reason}`,
    );
  }
}

export function formatEngine({ version, kernel, instructionSet }: ShardEngine): string {
  return `${kernel} (${instructionSet}) of headpool ${version}`;
}
