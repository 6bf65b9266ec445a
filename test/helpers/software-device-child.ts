// Runs in a process of its own: a worker thread loads the software device, and the process tells the adapter that Dawn
// finds then.
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { create } from 'webgpu';
import { loadSoftwareDevice } from '../../workers/kernels/gpu/software-device.js';

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  worker.on('message', (name: string) => process.stdout.write(name));
} else {
  await loadSoftwareDevice();
  const adapter = await create([]).requestAdapter();
  parentPort!.postMessage(String(adapter?.info.description));
}
