// Which input goes to which output: one file, a file for each input in a folder that mirrors theirs, or standard output.
import { stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { expected, HeadpoolError } from '../core/errors.js';
import type { FoundFile } from '../files/find-files.js';
import { pathBeside } from '../files/path-beside.js';
import { refuseClashes, type WrittenPath } from '../files/refuse-clashes.js';
import {
  findFormat,
  formatNamed,
  formatOf,
  splitFormat,
  writableFormatOf,
} from '../files/sequences/formats.js';
import type { FormatName, SequenceFormat } from '../files/sequences/sequences.js';
import { pathsOf, standardStream, type RunInput, type RunRequest, type RunTarget } from './request.js';
import { partialPathOf } from './target.js';

export interface OutputChoice {
  /** In their order; their names are what a folder of outputs mirrors. The path `-` is standard input. */
  readonly inputs: readonly FoundFile[];
  /** Format of standard input. */
  readonly inputFormat: FormatName;
  /** A file, a folder, or `-` for standard output. */
  readonly output: string;
  /** Whether it is a folder; default what its name, the file system and the number of inputs say. */
  readonly isFolder?: boolean | undefined;
  /** Default: what the output's extension says, or the input's own format. */
  readonly outputFormat: FormatName | undefined;
  /** Other files that the run reads. */
  readonly alsoRead?: readonly string[];
  /** Other files that the run writes. */
  readonly alsoWritten?: readonly WrittenPath[];
  /** Whether head statistics go beside each output. */
  readonly hasStatistics: boolean;
  /** Whether other fields of .jsonl go to the output. */
  readonly isKeepingFields?: boolean | undefined;
}

export type OutputPlan = Pick<
  RunRequest,
  'inputs' | 'targets' | 'folder' | 'outputFormat' | 'manifestPath' | 'lockPath'
>;

/**
 * @throws INVALID_OPTION if a format can't be written or not to where it should go, two inputs would become one file, or
 * what is written is read too, or written twice, under one name or several
 */
export async function planOutputs(choice: OutputChoice): Promise<OutputPlan> {
  const { inputs, output } = choice;
  const plan =
    output === standardStream
      ? planPipe(choice)
      : (await isFolder(choice))
        ? planFolder(choice)
        : planFile(choice);
  if (choice.isKeepingFields === true) refuseLosing(plan.targets);
  const { alsoRead = [], alsoWritten = [] } = choice;
  const read = inputs.map(({ path }) => path);
  // What standard input said is gone when a later run would need it again.
  const isVolatile = output === standardStream || read.includes(standardStream);
  const lockPath = plan.manifestPath && pathBeside(plan.manifestPath, '.lock');
  const planned = { ...plan, manifestPath: isVolatile ? undefined : plan.manifestPath, lockPath };
  const files = [...read, ...alsoRead].filter((path) => path !== standardStream);
  await refuseClashes([...writtenPathsOf(planned), ...alsoWritten], files);
  return planned;
}

/** @throws INVALID_OPTION if an output has no place for fields */
function refuseLosing(targets: readonly RunTarget[]): void {
  const target = targets.find(({ format }) => format !== 'jsonl');
  if (target === undefined) return;
  throw expected('INVALID_OPTION', 'an output of .jsonl, where fields can be kept,', 'output', target.path);
}

/** All that the run writes of its outputs, also what it removes again. */
function writtenPathsOf({ targets, manifestPath, lockPath }: OutputPlan): WrittenPath[] {
  const files = targets.flatMap(pathsOf).filter((path) => path !== standardStream);
  const books = [manifestPath, lockPath].filter((path) => path !== undefined);
  const partial = manifestPath === undefined ? [] : files.map((path) => partialPathOf(path, {}));
  return [...files, ...partial, ...books].map((path) => ({ path, option: 'output' }));
}

async function isFolder({ inputs, output, isFolder: isSaid }: OutputChoice): Promise<boolean> {
  if (isSaid !== undefined) return isSaid;
  if (/[/\\]$/.test(output)) return true;
  const isExisting = await stat(output).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  return isExisting || (inputs.length > 1 && findFormat(output) === undefined);
}

function planPipe(choice: OutputChoice): OutputPlan {
  const { inputs, outputFormat, hasStatistics } = choice;
  if (hasStatistics) {
    throw expected(
      'INVALID_OPTION',
      'a file or folder, beside which statistics can go,',
      'output',
      standardStream,
    );
  }
  const format = formatNamed(outputFormat ?? formatOfInput(inputs[0]!.path, choice).name);
  if (!format.isPipeable) {
    throw expected('INVALID_OPTION', 'jsonl or arrow for standard output', 'output-format', format.name);
  }
  return { inputs: allTo(choice), targets: [{ path: standardStream, format: format.name }] };
}

function planFile(choice: OutputChoice): OutputPlan {
  const { output, outputFormat } = choice;
  const format = outputFormat === undefined ? writableFormatOf(output, 'output') : formatNamed(outputFormat);
  return {
    inputs: allTo(choice),
    targets: [targetAt(output, format, choice)],
    outputFormat: format.name,
    manifestPath: pathBeside(output, '.manifest'),
  };
}

function planFolder(choice: OutputChoice): OutputPlan {
  const { inputs, output, outputFormat } = choice;
  const targets: RunTarget[] = [];
  const sources = new Map<string, string>();
  for (const { path: input, name } of inputs) {
    if (input === standardStream) {
      throw expected('INVALID_OPTION', 'a file for what standard input brings', 'output', output);
    }
    const own = formatOfInput(input, choice);
    // What can only be read is written as what can hold the same.
    const format =
      outputFormat === undefined
        ? own.createEncoder
          ? own
          : formatNamed('safetensors')
        : formatNamed(outputFormat);
    const { stem, extension: ownExtension } = splitFormat(name);
    const extension = format === own ? ownExtension : format.extensions[0]!;
    const target = targetAt(join(output, `${stem}${extension}`), format, choice);
    for (const path of pathsOf(target)) {
      const other = sources.get(path);
      if (other !== undefined) {
        throw new HeadpoolError('INVALID_OPTION', `Both ${other} and ${input} would write ${path}`);
      }
      sources.set(path, input);
    }
    targets.push(target);
  }
  return {
    inputs: inputs.map(({ path }, target) => ({ path, target })),
    targets,
    folder: output,
    outputFormat,
    manifestPath: join(output, 'headpool.manifest'),
  };
}

function targetAt(path: string, format: SequenceFormat, { hasStatistics }: OutputChoice): RunTarget {
  if (format.createEncoder === undefined) {
    throw expected('INVALID_OPTION', 'a format that can be written', 'output-format', format.name);
  }
  const stem = path.slice(0, path.length - extname(path).length);
  return { path, format: format.name, ...(hasStatistics && { statisticsPath: `${stem}.statistics.jsonl` }) };
}

/** All inputs to the only target. */
function allTo(choice: OutputChoice): RunInput[] {
  return choice.inputs.map(({ path }) => {
    const format = formatOfInput(path, choice).name;
    return path === standardStream ? { path, format, target: 0 } : { path, target: 0 };
  });
}

function formatOfInput(path: string, { inputFormat }: OutputChoice): SequenceFormat {
  return path === standardStream ? formatNamed(inputFormat) : formatOf(path, 'input');
}
