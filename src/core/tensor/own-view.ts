// A caller's typed array as it lies in memory. What an array says of itself can be shadowed, by properties of its own
// or of a subclass, and a proxy can answer anything; what the language keeps inside can't.
import { types } from 'node:util';

type Numbers = Float32Array | Uint16Array | Uint8Array;

const placeNames = ['buffer', 'byteOffset', 'byteLength', 'length'] as const;
// Its getters tell what is inside an array of any kind.
const ofAllArrays = Object.getPrototypeOf(Uint8Array.prototype) as object;

/** Float32 numbers; undefined where the value is none, or a proxy of one. */
export function viewFloats(value: unknown): Float32Array | undefined {
  return types.isFloat32Array(value) ? ownView(value, Float32Array) : undefined;
}

/** The same of 16-bit numbers. */
export function viewHalves(value: unknown): Uint16Array | undefined {
  return types.isUint16Array(value) ? ownView(value, Uint16Array) : undefined;
}

/** The same of bytes. */
export function viewBytes(value: unknown): Uint8Array | undefined {
  return types.isUint8Array(value) ? ownView(value, Uint8Array) : undefined;
}

/** Whether other threads see the memory of a view of our own. */
export function isShared(view: Numbers): boolean {
  return types.isSharedArrayBuffer(view.buffer);
}

/** The array itself where it is a plain one of a fixed length, else a plain view of the same memory. */
function ownView<T extends Numbers>(array: T, View: { new (...args: never[]): T; readonly prototype: T }): T {
  const isPlain =
    Object.getPrototypeOf(array) === View.prototype && !placeNames.some((name) => Object.hasOwn(array, name));
  if (isPlain && !isResizable(array.buffer)) return array;
  const [buffer, byteOffset, , length] = placeNames.map((name): unknown =>
    Reflect.get(ofAllArrays, name, array),
  );
  const Make = View as unknown as new (...args: unknown[]) => T;
  // A detached buffer can't be viewed, and no length of it either.
  return length === 0 ? new Make(0) : new Make(buffer, byteOffset, length);
}

function isResizable(buffer: ArrayBufferLike): boolean {
  const { resizable = false, growable = false } = buffer as { resizable?: boolean; growable?: boolean };
  return resizable || growable;
}
