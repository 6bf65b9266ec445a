// Runs in a process of its own: a worker thread does with the GPU what the first argument names, and what it has to tell
// is printed as JSON. A test sees from outside how the process ends.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { HeadpoolError } from '../../src/core/errors.js';
import { openDevice } from '../../workers/kernels/gpu/open-device.js';
import { loadSoftwareDevice } from '../../workers/kernels/gpu/software-device.js';

export type GpuScenario = keyof typeof scenarios;

async function open(): Promise<unknown> {
  const opened = await openDevice();
  await opened.close();
  return opened.adapter;
}

const scenarios = {
  open,
  openUnasked: async () => {
    await loadSoftwareDevice();
    return open();
  },
  openOften: async () => {
    for (let round = 0; round < 50; round++) await open();
    return 50;
  },
  keepOpen: async () => (await openDevice()).adapter.name,
  lose: async () => {
    const [first, reports] = [await openDevice(), [] as string[]];
    first.onUncapturedError = (message) => reports.push(message);
    first.device.createBuffer({ size: 4, usage: 0xffff });
    await first.device.queue.onSubmittedWorkDone();
    first.device.destroy();
    const reason = await first.lost;
    const second = await openDevice();
    await first.close();
    const { isLost } = second.context;
    await second.close();
    return { reason, reports, isLost };
  },
} satisfies Readonly<Record<string, () => Promise<unknown>>>;

const [, , name, ending] = process.argv;

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { workerData: name });
  worker.on('message', (answer: unknown) => {
    process.stdout.write(JSON.stringify(answer), () => {
      if (ending === 'exit') process.exit(7);
      if (ending === 'terminate') void worker.terminate();
    });
  });
} else {
  const scenario = scenarios[workerData as GpuScenario];
  const answer = await scenario().catch((error: unknown) => {
    const { code, message } = error as HeadpoolError;
    return { code, message };
  });
  parentPort!.postMessage(answer);
  // Waits to be ended from outside.
  if (workerData === 'keepOpen') setInterval(() => undefined, 1000);
}
