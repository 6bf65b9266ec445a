// The cut of a run as it is stored beside its output: which shard has what, and what all of them must agree on.
import { invalidFile } from '../core/errors.js';
import type { EngineInfo } from '../engine/engine.js';
import { attempt } from '../files/attempt.js';
import type { FoundFile } from '../files/find-files.js';
import { inventDraftPath } from '../files/path-beside.js';
import { placeOnce } from '../files/place-once.js';
import { createRecordLog, readRecordLog, type JsonRecord } from '../files/record-log.js';
import type { SequenceForm } from '../files/sequences/sequences.js';
import type { InputIdentity, RunSettings, WorkIdentity } from '../runs/identity.js';

/** Each has files of its own beside the output. */
export const mostShards = 100_000;

/** Changes whenever a cut written before can't be understood. */
const cutFormat = 1;

/** What computes every shard. */
export type ShardEngine = Pick<EngineInfo, 'version' | 'kernel' | 'instructionSet'>;

/** What all shards have in common; the first record. */
export interface CutHead {
  readonly format: typeof cutFormat;
  readonly shards: number;
  readonly isFolder: boolean;
  /** What was asked to be read, as it was said. */
  readonly patterns: readonly string[];
  readonly engine: ShardEngine;
  readonly settings: RunSettings;
  /** The single output; absent of a folder. */
  readonly output?: WorkIdentity['outputs'][number];
  /** Numbers of a row of the output. */
  readonly outputDim: number;
  /** How the sequences of the single output lie in it. */
  readonly form: SequenceForm;
  readonly inputs: number;
}

/** What a shard reads of a file. */
export interface CutInput extends InputIdentity, FoundFile {
  /** Number of the file in the run. */
  readonly input: number;
}

export interface Cut extends CutHead {
  /** Of each shard. */
  readonly parts: readonly (readonly CutInput[])[];
}

/** Inputs of one record: lines have a largest length. */
const inputsOfRecord = 4096;

/** Puts a cut under its name, complete or not at all, unless there is one. @throws FILE_FAILED */
export async function writeCut(path: string, { parts, ...head }: Cut): Promise<void> {
  const records = parts.flatMap((inputs, shard) => {
    const count = Math.ceil(inputs.length / inputsOfRecord);
    return Array.from({ length: count }, (_, n) => {
      return { shard: shard + 1, inputs: inputs.slice(n * inputsOfRecord, (n + 1) * inputsOfRecord) };
    });
  });
  const draft = inventDraftPath(path);
  await (await createRecordLog(draft, head, [...records, { complete: true }])).close();
  await attempt(path, 'create', () => placeOnce(draft, path));
}

/** Undefined if there is none. @throws INVALID_FILE if it is damaged or no cut; FILE_FAILED */
export async function readCut(path: string): Promise<Cut | undefined> {
  const records = await readRecordLog(path);
  if (records === undefined) return undefined;
  const head = records[0] as unknown as CutHead;
  const format: number = head.format;
  if (format !== cutFormat) throw invalidFile(path, `a cut of format ${cutFormat}`, 'format', format);
  const isCount = Number.isInteger(head.shards) && head.shards >= 1 && head.shards <= mostShards;
  if (!isCount) throw invalidFile(path, `1 to ${mostShards}`, 'shards', head.shards);
  if (records.at(-1)?.complete !== true)
    throw invalidFile(path, 'all records', 'last record', records.at(-1));
  return { ...head, parts: partsOf(path, head.shards, records.slice(1, -1)) };
}

function partsOf(path: string, shards: number, records: readonly JsonRecord[]): CutInput[][] {
  const parts: CutInput[][] = Array.from({ length: shards }, () => []);
  for (const record of records) {
    const { shard, inputs } = record as { readonly shard: number; readonly inputs: readonly CutInput[] };
    const part = parts[shard - 1];
    if (part === undefined) throw invalidFile(path, `a shard from 1 to ${shards}`, 'shard', shard);
    for (const input of inputs) part.push(input);
  }
  return parts;
}
