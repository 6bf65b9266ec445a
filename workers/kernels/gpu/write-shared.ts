// Writes shared memory into a buffer of a device. Dawn takes the memory of a SharedArrayBuffer from a wrong address and ends
// the process, so the bytes go through memory that isn't shared, piece by piece while it is in the caches.
const pieceBytes = 2 ** 20;
let piece: Uint8Array<ArrayBuffer> | undefined;

/** Writes from the start of the buffer on, and zeros up to a multiple of four bytes. */
export function writeShared(queue: GPUQueue, buffer: GPUBuffer, bytes: Uint8Array): void {
  piece ??= new Uint8Array(pieceBytes);
  for (let start = 0; start < bytes.byteLength; start += pieceBytes) {
    const part = bytes.subarray(start, start + pieceBytes);
    const length = Math.ceil(part.byteLength / 4) * 4;
    piece.fill(0, part.byteLength, length);
    piece.set(part);
    queue.writeBuffer(buffer, start, piece, 0, length);
  }
}
