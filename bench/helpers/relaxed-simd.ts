// Relaxed SIMD on Node 20 lies behind a flag of V8; from Node 22 on it is on and the flag is unknown. A benchmark owns
// its process, so it may set the flag, as whoever runs headpool there can with `node --experimental-wasm-relaxed-simd`.
import { setFlagsFromString } from 'node:v8';

/** Turns relaxed SIMD on; call it before the first engine starts. */
export function enableRelaxedSimd(): void {
  if (Number.parseInt(process.versions.node) < 22) setFlagsFromString('--experimental-wasm-relaxed-simd');
}
