// Reads a conformance suite: a folder with cases.json and one NAME.safetensors a case, whole into memory.
import { basename, join, resolve } from 'node:path';
import { runSteps } from '../core/breather.js';
import { HeadpoolError, invalidFile } from '../core/errors.js';
import { parseJson } from '../files/parse-json.js';
import { isFloatStorage } from '../files/storage.js';
import { openTensorFile, type TensorFile } from '../files/tensor-file.js';
import { readTextFile } from '../files/text-file.js';
import { didYouMean } from '../core/suggest.js';
import type { CaseKind, CaseTensor, ConformanceCase } from './case.js';

/** The file that makes a folder a suite. */
export const casesFileName = 'cases.json';

export interface Suite {
  /** Of the folder. */
  readonly name: string;
  /** An element passes when |actual - expected| <= atol + rtol · |expected|. */
  readonly rtol: number;
  readonly atol: number;
  readonly cases: readonly ConformanceCase[];
}

// A hundred thousand cases have a tenth of that.
const mostBytes = 100_000_000;

/** `source` and `mask_polarity` are for people. */
const suiteFields = ['source', 'rtol', 'atol', 'mask_polarity', 'cases'];
const plainName = /^\w[\w.-]*$/;
const tensorName = /^(?:input|state|output)\../;

/**
 * The suite in `folder`.
 * @throws FILE_FAILED if a file can't be read; INVALID_FILE naming the file and the field at fault
 */
export async function readSuite(folder: string): Promise<Suite> {
  const path = join(folder, casesFileName);
  const text = await readTextFile(path, mostBytes);
  const fields = requireObject(path, 'cases.json', await parseCases(path, text));
  for (const name of Object.keys(fields)) {
    if (suiteFields.includes(name)) continue;
    const hint = didYouMean(name, suiteFields);
    throw new HeadpoolError('INVALID_FILE', `${path}: unknown field \`${name}\`${hint}`);
  }
  const { cases } = fields;
  if (!Array.isArray(cases) || cases.length === 0) throw invalidFile(path, 'a list of cases', 'cases', cases);
  const names = new Set<string>();
  const read: ConformanceCase[] = [];
  for (const [index, item] of cases.entries()) {
    const outline = readOutline(path, `cases[${index}]`, item);
    if (names.has(outline.name))
      throw invalidFile(path, 'a name used once', `${outline.field}.name`, outline.name);
    names.add(outline.name);
    read.push(await readCase(folder, outline));
  }
  const name = basename(resolve(folder));
  return {
    name,
    rtol: readTolerance(path, 'rtol', fields),
    atol: readTolerance(path, 'atol', fields),
    cases: read,
  };
}

type Fields = Readonly<Record<string, unknown>>;

interface Outline extends Omit<ConformanceCase, 'tensors'> {
  /** Names of tensors that must be there, without those that no list mentions. */
  readonly required: readonly string[];
}

/** A case of cases.json; attributes stand in `attributes` or, as for torch-multihead, beside the name. */
function readOutline(path: string, field: string, item: unknown): Outline {
  const { name, kind, opset, inputs, outputs, attributes, ...others } = requireObject(path, field, item);
  if (typeof name !== 'string' || !plainName.test(name)) {
    throw invalidFile(path, 'a name of letters, digits, `_`, `.` and `-`', `${field}.name`, name);
  }
  const nested = attributes === undefined ? {} : requireObject(path, `${field}.attributes`, attributes);
  return {
    ...{ name, path, field },
    kind: readKind(path, field, kind, opset),
    attributes: { ...others, ...nested },
    required: [
      ...readNames(path, `${field}.inputs`, inputs).map((input) => `input.${input}`),
      ...readNames(path, `${field}.outputs`, outputs).map((output) => `output.${output}`),
    ],
  };
}

/** Cases of ONNX tell their opset and no kind. */
function readKind(path: string, field: string, kind: unknown, opset: unknown): CaseKind {
  if (kind === undefined && opset !== undefined) {
    if (Number.isInteger(opset)) return 'onnx-attention';
    throw invalidFile(path, 'an integer', `${field}.opset`, opset);
  }
  if (kind === 'multi_head_attention') return 'torch-multihead';
  if (kind === 'attention') return 'extended';
  throw invalidFile(path, 'attention or multi_head_attention, or an `opset`,', `${field}.kind`, kind);
}

function readNames(path: string, field: string, names: unknown): readonly string[] {
  if (names === undefined) return [];
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names;
  throw invalidFile(path, 'a list of names', field, names);
}

async function readCase(folder: string, { required, ...outline }: Outline): Promise<ConformanceCase> {
  const path = join(folder, `${outline.name}.safetensors`);
  const file = await openTensorFile(path);
  try {
    const names = [...file.tensors.keys()];
    for (const name of names) {
      if (!tensorName.test(name))
        throw invalidFile(path, 'input.*, state.* or output.*', 'tensor name', name);
    }
    const missing = required.find((name) => !file.tensors.has(name));
    if (missing !== undefined) throw invalidFile(path, 'a tensor', missing, undefined);
    if (!names.some((name) => name.startsWith('output.'))) {
      throw invalidFile(path, 'at least one tensor', 'output.*', undefined);
    }
    const tensors = new Map<string, CaseTensor>();
    for (const name of names) tensors.set(name, await readCaseTensor(file, name));
    return { ...outline, tensors };
  } finally {
    await file.close();
  }
}

async function readCaseTensor(file: TensorFile, name: string): Promise<CaseTensor> {
  const { dtype, shape } = file.tensors.get(name)!;
  if (isFloatStorage(dtype)) return { dtype, shape, data: (await file.readTensor(name)).data };
  return {
    dtype,
    shape,
    data: dtype === 'BOOL' ? await file.readBooleans(name) : await file.readIntegers(name),
  };
}

function readTolerance(path: string, name: 'rtol' | 'atol', fields: Fields): number {
  const value = fields[name];
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw invalidFile(path, 'a number >= 0', name, value);
}

function requireObject(path: string, field: string, value: unknown): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw invalidFile(path, 'an object', field, value);
}

async function parseCases(path: string, text: string): Promise<unknown> {
  try {
    return await runSteps(parseJson(text));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HeadpoolError('INVALID_FILE', `${path}: expected JSON: ${reason}`, { cause });
  }
}
