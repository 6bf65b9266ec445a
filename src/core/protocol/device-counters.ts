// What a device has been given and asked, counted by the worker that owns it and read by the coordinator.

/** What is counted; times are in milliseconds. */
export const deviceCounts = [
  'uploads',
  'uploadBytes',
  'dispatches',
  /** Of these, of shaders that gpu.js has translated from JavaScript. */
  'translatedDispatches',
  'submissions',
  'readBacks',
  'readBackBytes',
  /** Of buffers in use: resident weights, and everything that open jobs hold. */
  'bufferBytes',
  'peakBufferBytes',
  'uploadMs',
  /** From a submission until the device has done it. */
  'computeMs',
  'readBackMs',
] as const;
/** What the device of an engine has been given and asked; times in milliseconds. @useDeclaredType */
export type DeviceCounts = Readonly<Record<(typeof deviceCounts)[number], number>>;

export class DeviceCounters {
  readonly block: SharedArrayBuffer;
  readonly #doubles: Float64Array;

  constructor(block = new SharedArrayBuffer(deviceCounts.length * Float64Array.BYTES_PER_ELEMENT)) {
    this.block = block;
    this.#doubles = new Float64Array(block);
  }

  add(name: keyof DeviceCounts, amount: number): void {
    this.#doubles[deviceCounts.indexOf(name)]! += amount;
  }

  /** Buffers were made, or freed where `bytes` is negative. */
  addBuffers(bytes: number): void {
    this.add('bufferBytes', bytes);
    const { bufferBytes, peakBufferBytes } = this.read();
    if (bufferBytes > peakBufferBytes) this.add('peakBufferBytes', bufferBytes - peakBufferBytes);
  }

  /** A worker that takes the place of another has a device without buffers. */
  resetBuffers(): void {
    this.add('bufferBytes', -this.read().bufferBytes);
  }

  /** `peakBufferBytes` counts from now on; for moments without open jobs. */
  restartPeak(): void {
    const { bufferBytes, peakBufferBytes } = this.read();
    this.add('peakBufferBytes', bufferBytes - peakBufferBytes);
  }

  read(): DeviceCounts {
    return Object.fromEntries(deviceCounts.map((name, n) => [name, this.#doubles[n]!])) as DeviceCounts;
  }
}
