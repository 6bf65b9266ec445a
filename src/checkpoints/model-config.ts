// The config.json of a model: its fields as the types they must have. null says the same as nothing, as in Python's.
import { invalidFile, type HeadpoolError } from '../core/errors.js';
import { isJsonObject, type JsonObject } from '../files/json-object.js';

export class ModelConfig {
  readonly path: string;
  readonly #fields: JsonObject;
  /** Of the object that it stands in, with its dot. */
  readonly #place: string;

  constructor(path: string, fields: JsonObject, place = '') {
    this.path = path;
    this.#fields = fields;
    this.#place = place;
  }

  get modelType(): string | undefined {
    return this.text('model_type');
  }

  text(name: string): string | undefined {
    return this.#read(name, 'text', (value) => typeof value === 'string');
  }

  flag(name: string): boolean | undefined {
    return this.#read(name, 'true or false', (value) => typeof value === 'boolean');
  }

  count(name: string): number | undefined {
    return this.#read(
      name,
      'an integer >= 1',
      (value): value is number => Number.isInteger(value) && (value as number) >= 1,
    );
  }

  number(name: string): number | undefined {
    return this.#read(
      name,
      'a number >= 0',
      (value): value is number => typeof value === 'number' && value >= 0,
    );
  }

  list(name: string): readonly unknown[] | undefined {
    return this.#read(name, 'a list', (value): value is unknown[] => Array.isArray(value));
  }

  object(name: string): ModelConfig | undefined {
    const fields = this.#read(name, 'an object', isJsonObject);
    return fields && new ModelConfig(this.path, fields, `${this.#place}${name}.`);
  }

  /** The error of a field that can't be what it is. */
  refuse(what: string, name: string): HeadpoolError {
    return invalidFile(this.path, what, `${this.#place}${name}`, this.#fields[name]);
  }

  #read<T>(name: string, what: string, isOne: (value: unknown) => value is T): T | undefined {
    const value = Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
    if (value === undefined || value === null) return undefined;
    if (isOne(value)) return value;
    throw this.refuse(what, name);
  }
}
