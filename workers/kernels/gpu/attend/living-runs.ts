// Neighbouring query heads that share a key/value head and are computed together.

export interface HeadRun {
  readonly kvHead: number;
  readonly firstHead: number;
  readonly headCount: number;
}

/** All heads but the dead ones. */
export function livingRuns(given: {
  readonly heads: number;
  readonly kvHeads: number;
  readonly deadHeads: readonly number[];
}): readonly HeadRun[] {
  const { heads, kvHeads, deadHeads } = given;
  const group = heads / kvHeads;
  const runs: HeadRun[] = [];
  for (let head = 0; head < heads; head++) {
    if (deadHeads.includes(head)) continue;
    const kvHead = Math.floor(head / group);
    const last = runs.at(-1);
    if (last?.kvHead === kvHead && last.firstHead + last.headCount === head) {
      runs[runs.length - 1] = { ...last, headCount: last.headCount + 1 };
    } else {
      runs.push({ kvHead, firstHead: head, headCount: 1 });
    }
  }
  return runs;
}
