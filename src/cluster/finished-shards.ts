// The shards of a run when all are done, and whether they belong together: one cut, one maker, inputs that nobody changed.
import { HeadpoolError, invalidFile } from '../core/errors.js';
import { checkSettings, differenceOf, makerDifference } from '../runs/compare-runs.js';
import { identifyFile, identifyRun, type InputIdentity, type RunIdentity } from '../runs/identity.js';
import { firstDifference } from '../runs/first-difference.js';
import type { Cut, CutInput } from './cut-file.js';
import type { RunManifest } from './read-manifest.js';
import { formatShard, shardPathsOf, type Shard } from './shard.js';
import { checkAsCut, cutAnew } from './shard-request.js';
import { lookAtShards, type SeenShard, type ShardStatus } from './shard-states.js';

export interface FinishedShard extends RunManifest {
  readonly shard: Shard;
  readonly inputs: readonly CutInput[];
}

/**
 * @throws INVALID_OPTION naming shards that are not done, or a shard that another kernel, instruction set or version
 * made; INVALID_FILE naming an input that isn't what a shard read
 */
export async function readFinishedShards(cut: Cut, output: string): Promise<FinishedShard[]> {
  const seen: SeenShard[] = [];
  for await (const shard of lookAtShards(cut, output)) seen.push(shard);
  refuseUnfinished(
    seen.map(({ status }) => status),
    output,
  );
  const shards: FinishedShard[] = [];
  for (const [index, { status, manifest }] of seen.entries()) {
    const { shard } = status;
    const inputs = cut.parts[index]!;
    const path = shardPathsOf({ output, isFolder: cut.isFolder }, shard).manifest;
    await checkBelongs(cut, manifest!.run, { path, inputs });
    shards.push({ shard, inputs, ...manifest! });
  }
  await checkInputsNow(shards);
  return shards;
}

/** How many are named in a message. */
const mostNamed = 8;

function refuseUnfinished(states: readonly ShardStatus[], output: string): void {
  const open = states.filter(({ state }) => state !== 'done');
  if (open.length === 0) return;
  const named = open.slice(0, mostNamed).map(({ shard, state, reason }) => {
    return `${formatShard(shard)} ${state}${reason === undefined ? '' : ` (${reason})`}`;
  });
  const more = open.length > mostNamed ? `, and ${open.length - mostNamed} more` : '';
  throw new HeadpoolError(
    'INVALID_OPTION',
    `${output}: expected ${states.length} shards that are done, got ${open.length} that are not: ${named.join(', ')}${more}`,
  );
}

async function checkBelongs(
  cut: Cut,
  run: RunIdentity,
  { path, inputs }: { readonly path: string; readonly inputs: readonly CutInput[] },
): Promise<void> {
  await checkSettings(path, run.settings, cut.settings, cutAnew);
  const [maker] = identifyRun({ ...run, outputs: [run.outputs[0]!] }, cut.engine).outputs;
  for (const output of run.outputs) {
    const difference = makerDifference(output, maker!);
    if (difference === undefined) continue;
    throw invalidFile(
      path,
      `${String(difference.now)}, as all shards have,`,
      difference.field,
      difference.before,
    );
  }
  const which = ({ path: from, range }: InputIdentity) => ({ from, range });
  const difference = firstDifference(run.inputs.map(which), inputs.map(which), 'inputs');
  if (difference !== undefined)
    throw invalidFile(path, 'the inputs of the cut', difference.field, difference.before);
  for (const [number, file] of run.inputs.entries()) checkAsCut(inputs[number]!, file);
}

/** Each file once, by its checksum where a shard took one. */
async function checkInputsNow(shards: readonly FinishedShard[]): Promise<void> {
  const read = new Map<number, InputIdentity>();
  for (const { inputs, run, chunks } of shards) {
    const checksums = new Map<number, number>();
    for (const { portions } of chunks) {
      for (const { input, checksum } of portions) if (checksum !== undefined) checksums.set(input, checksum);
    }
    for (const [number, { input }] of inputs.entries()) {
      const checksum = checksums.get(number);
      const known = read.get(input);
      if (known === undefined || checksum !== undefined) {
        read.set(input, { ...run.inputs[number]!, ...(checksum !== undefined && { checksum }) });
      }
    }
  }
  for (const before of read.values()) {
    // What could not be read was left out, and may still be so.
    if (before.modified === '') continue;
    const difference = await differenceOf(before, await identifyFile(before.path));
    if (difference === undefined) continue;
    const { field, now } = difference;
    throw invalidFile(
      before.path,
      `the file that the shards read, with ${field} ${String(difference.before)},`,
      field,
      now,
    );
  }
}

/** All inputs of the run, in their order: several shards may have a part of one. */
export function inputsOf({ parts }: Cut): InputIdentity[] {
  const inputs: InputIdentity[] = [];
  for (const part of parts) {
    for (const { input, path, bytes, modified } of part) {
      if (input === inputs.length) inputs.push({ path, bytes, modified });
    }
  }
  return inputs;
}
