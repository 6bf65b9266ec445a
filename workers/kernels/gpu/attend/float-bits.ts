// Floats as words of a table.

export function floatBits(floats: Float32Array | undefined): Uint32Array {
  return new Uint32Array(Float32Array.from(floats ?? []).buffer);
}
