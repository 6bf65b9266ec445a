// Typed access to the attributes and inputs of a case. What nobody took is refused at the end: an attribute that an
// adapter passes over would compare something else than the case says.
import { invalidFile, type HeadpoolError } from '../core/errors.js';
import { isFloatStorage, isIntegerStorage, type StorageType } from '../files/storage.js';
import type { CaseTensor, ConformanceCase } from './case.js';

type NumberKind = 'floats' | 'integers' | 'booleans';

export class CaseReader {
  readonly #source: ConformanceCase;
  readonly #attributes: Map<string, unknown>;
  readonly #tensors: Map<string, CaseTensor>;
  readonly #outputs: ReadonlySet<string>;

  constructor(source: ConformanceCase) {
    this.#source = source;
    this.#attributes = new Map(Object.entries(source.attributes));
    const tensors = [...source.tensors];
    this.#tensors = new Map(tensors.filter(([name]) => !name.startsWith('output.')));
    this.#outputs = new Set(tensors.map(([name]) => name));
  }

  /** Whether the case says what `output.<name>` should be. */
  wants(name: string): boolean {
    return this.#outputs.has(`output.${name}`);
  }

  /** A finite number, or undefined if absent. @throws INVALID_FILE */
  number(name: string): number | undefined {
    const value = this.#takeAttribute(name);
    if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value;
    throw this.wrongAttribute('a finite number', name, value);
  }

  /** An integer >= `least`, or undefined if absent. @throws INVALID_FILE */
  integer(name: string, least: number): number | undefined {
    const value = this.number(name);
    if (value === undefined || (Number.isInteger(value) && value >= least)) return value;
    throw this.wrongAttribute(`an integer >= ${least}`, name, value);
  }

  /** true, false, 1 or 0; false if absent. @throws INVALID_FILE */
  flag(name: string): boolean {
    const value = this.#takeAttribute(name);
    if (value === undefined || value === false || value === 0) return false;
    if (value === true || value === 1) return true;
    throw this.wrongAttribute('true or false', name, value);
  }

  /** One of `choices`, the first if absent. @throws INVALID_FILE */
  choice<T extends string | number>(name: string, choices: readonly [T, ...T[]]): T {
    const value = this.#takeAttribute(name) ?? choices[0];
    const choice = choices.find((candidate) => candidate === value);
    if (choice !== undefined) return choice;
    throw this.wrongAttribute(`one of ${choices.join(', ')}`, name, value);
  }

  /** The attributes inside an attribute, or undefined if absent. @throws INVALID_FILE */
  group(name: string): CaseReader | undefined {
    const value = this.#takeAttribute(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.wrongAttribute('an object', name, value);
    }
    const field = `${this.#source.field}.${name}`;
    return new CaseReader({ ...this.#source, field, attributes: { ...value }, tensors: new Map() });
  }

  /** Floats `input.<name>`. @throws INVALID_FILE if absent or of another type */
  input(name: string): CaseTensor {
    const tensor = this.optionalInput(name);
    if (tensor !== undefined) return tensor;
    throw invalidFile(this.#source.path, 'a tensor', `${this.#source.name}: input.${name}`, undefined);
  }

  /** Tensor `input.<name>` of one of `kinds`, default floats; undefined if absent. @throws INVALID_FILE */
  optionalInput(name: string, ...kinds: readonly NumberKind[]): CaseTensor | undefined {
    return this.#takeTensor(`input.${name}`, kinds.length === 0 ? ['floats'] : kinds);
  }

  /** Floats `state.*`, without the prefix. @throws INVALID_FILE if one is of another type */
  state(): Map<string, CaseTensor> {
    const names = [...this.#tensors.keys()].filter((name) => name.startsWith('state.'));
    return new Map(names.map((name) => [name.slice('state.'.length), this.#takeTensor(name, ['floats'])!]));
  }

  /** Ends the reading. @throws INVALID_FILE if an attribute or tensor was not taken */
  finish(): void {
    for (const [name, value] of this.#attributes) {
      throw this.wrongAttribute(`no attribute that ${this.#source.kind} cases lack`, name, value);
    }
    for (const [name, { dtype }] of this.#tensors) {
      const what = `no tensor that ${this.#source.kind} cases lack`;
      throw invalidFile(this.#source.path, what, `${this.#source.name}: ${name}`, dtype);
    }
  }

  /** The error of attribute `name`, for checks beyond those here. */
  wrongAttribute(what: string, name: string, value: unknown): HeadpoolError {
    return invalidFile(this.#source.path, what, `${this.#source.field}.${name}`, value);
  }

  #takeAttribute(name: string): unknown {
    const value = this.#attributes.get(name);
    this.#attributes.delete(name);
    return value;
  }

  #takeTensor(name: string, kinds: readonly NumberKind[]): CaseTensor | undefined {
    const tensor = this.#tensors.get(name);
    this.#tensors.delete(name);
    if (tensor === undefined || kinds.includes(kindOf(tensor.dtype))) return tensor;
    const field = `${this.#source.name}: ${name}`;
    throw invalidFile(this.#source.path, kinds.join(' or '), field, tensor.dtype);
  }
}

function kindOf(dtype: StorageType): NumberKind {
  if (isFloatStorage(dtype)) return 'floats';
  return isIntegerStorage(dtype) ? 'integers' : 'booleans';
}
