// Walks over a struct of Thrift's compact protocol before the package reads it: a list takes memory for as many elements
// as it announces, and so must not announce more than there are bytes.
// Format: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md

import type { Steps } from '../../../core/steps.js';

const types = { stop: 0, true: 1, false: 2, byte: 3, i16: 4, i32: 5, i64: 6, double: 7, binary: 8, list: 9, struct: 12 } as const; // prettier-ignore

/** Parquet's own structs are nested half as deeply. */
const deepest = 32;

/** @throws Error unless a struct begins at `begin`, ends inside `bytes` and has no longer lists than that leaves room for */
export function checkThrift(bytes: Uint8Array, begin = 0): void {
  new ThriftWalk(bytes, begin).passStruct(0);
}

export interface ThriftList {
  /** Of its header. */
  readonly begin: number;
  /** Where each element begins, and the last one ends. */
  readonly places: readonly number[];
}

/** Some hundred microseconds' worth of those that we look for. */
const elementsOfStep = 2 ** 8;

/**
 * The list that is field `wanted` of the struct at the start of `bytes`, if there is one.
 * @throws Error as `checkThrift` does, and if there are two
 */
export function* locateList(bytes: Uint8Array, wanted: number): Steps<ThriftList | undefined> {
  const walk = new ThriftWalk(bytes, 0);
  let found: ThriftList | undefined;
  for (const { id, type } of walk.fields()) {
    if (id !== wanted || type !== types.list) {
      walk.pass(type, 0);
      continue;
    }
    if (found !== undefined) throw new Error('a list is there twice');
    const begin = walk.at;
    const places: number[] = [];
    for (const place of walk.elements(0)) if (places.push(place) % elementsOfStep === 0) yield;
    places.push(walk.at);
    found = { begin, places };
  }
  return found;
}

interface Field {
  readonly id: number;
  readonly type: number;
}

class ThriftWalk {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, begin: number) {
    this.#bytes = bytes;
    this.at = begin;
  }

  passStruct(depth: number): void {
    for (const { type } of this.fields()) this.pass(type, depth);
  }

  /** Those of the struct here; each is to be passed before the next is asked for. */
  *fields(): Generator<Field, void> {
    let id = 0;
    for (let field = this.#take(); (field & 15) !== types.stop; field = this.#take()) {
      // The number of the field follows, twice as large, where it isn't told by how far it is from the one before.
      id = field >> 4 === 0 ? this.#takeInteger() / 2 : id + (field >> 4);
      yield { id, type: field & 15 };
    }
  }

  pass(type: number, depth: number): void {
    if (depth > deepest) throw new Error(`structs and lists are nested more than ${deepest} times`);
    switch (type) {
      case types.true:
      case types.false:
        return;
      case types.byte: {
        this.#skip(1);
        return;
      }
      case types.i16:
      case types.i32:
      case types.i64:
        this.#takeInteger();
        return;
      case types.double: {
        this.#skip(8);
        return;
      }
      case types.binary: {
        this.#skip(this.#takeInteger());
        return;
      }
      case types.list: {
        // eslint-disable-next-line @typescript-eslint/no-unused-vars -- what they pass over is no matter
        for (const _ of this.elements(depth));
        return;
      }
      case types.struct: {
        this.passStruct(depth + 1);
        return;
      }
      default:
        throw new Error(`a field has the type ${type}, which Parquet has no use for`);
    }
  }

  /** Passes over the elements of the list here, one after another, and says where each begins. */
  *elements(depth: number): Generator<number, void> {
    const start = this.#take();
    const [short, type] = [start >> 4, start & 15];
    const count = short === 15 ? this.#takeInteger() : short;
    if (count > this.#bytes.length - this.at) throw new Error(`a list has ${count} elements`);
    const isFlag = type === types.true || type === types.false;
    for (let n = 0; n < count; n++) {
      yield this.at;
      this.pass(isFlag ? types.byte : type, depth + 1);
    }
  }

  /** Seven bits a byte, the lowest first; a sign doesn't matter here. */
  #takeInteger(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#take();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  #take(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new Error('a struct has no end');
    return byte;
  }

  #skip(count: number): void {
    this.at += count;
    if (this.at > this.#bytes.length) throw new Error('a struct has no end');
  }
}
