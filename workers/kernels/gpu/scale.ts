// Powers of two that keep squares inside float32: rows are scaled by them before they are squared, and back afterwards.

/** WGSL: magnitudes as bits, whose order is that of the numbers, and the power of two that brings one of them to [1, 2). */
export const scaleFunctions = `
const infinity = 0x7f800000u;

fn magnitude(value: f32) -> u32 {
  return bitcast<u32>(value) & 0x7fffffffu;
}

fn scaleOf(magnitude: u32) -> f32 {
  return bitcast<f32>((254u - clamp(magnitude >> 23u, 1u, 253u)) << 23u);
}`;

/** A NaN as the bits that a uniform block hands to a shader: one that is written down there may be left out. */
export const nanBits = 0x7fc00000;
