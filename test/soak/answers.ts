// The answers that a soak's callers must get, learnt while nobody else calls.
import { bytesOf } from '../../src/files/positional-io.js';
import type { AttentionResult, Tensor } from '../../src/index.js';
import type { Scenario } from './scenarios.js';

export class Answers {
  readonly #known = new Map<string, readonly Buffer[]>();

  /** Plays a scenario once and keeps what its calls return. */
  async learn(scenario: Scenario): Promise<void> {
    await playNamed(scenario, async (name, makeCall) => {
      this.#known.set(
        name,
        partsOf(await makeCall({})).map((part) => Buffer.from(part)),
      );
    });
  }

  /** Where a result isn't the known one, byte for byte. */
  findDifference(name: string, result: AttentionResult): string | undefined {
    const known = this.#known.get(name)!;
    const parts = partsOf(result);
    if (parts.length !== known.length) return `${parts.length} tensors, where there were ${known.length}`;
    for (const [n, part] of parts.entries()) {
      if (part.equals(known[n]!)) continue;
      const at = part.findIndex((byte, index) => byte !== known[n]![index]);
      return `byte ${at} of ${part.length} is not as it was`;
    }
    return undefined;
  }
}

/** Gives each call of a scenario its name. */
export async function playNamed(
  { name, play }: Scenario,
  ask: (name: string, ...rest: Parameters<Parameters<Scenario['play']>[0]>) => Promise<void>,
): Promise<void> {
  let call = 0;
  await play((makeCall) => ask(`${name}, call ${call++}`, makeCall));
}

/** The bytes of everything that a result has, where they are. */
function partsOf({ output, weights, scores, logSumExp, headStatistics }: AttentionResult): Buffer[] {
  const statistics: readonly Tensor[] = Object.values(headStatistics ?? {});
  return [output, weights, scores, logSumExp, ...statistics].flatMap((tensor) => {
    if (tensor === undefined) return [];
    const { buffer, byteOffset, byteLength } = bytesOf(tensor.data);
    return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
  });
}
