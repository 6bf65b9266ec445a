// The file that piscina loads in each thread, which imports the worker's module as soon as there is a task. Piscina loads
// with require(), and Node aborts the whole process if a thread is ended while it requires an ES module. In CommonJS, for
// the same reason.
type WorkerModule = import('../src/core/protocol/worker-module.js', {
  with: { 'resolution-mode': 'import' },
}).WorkerModule;

const { workerData } = require('node:worker_threads') as typeof import('node:worker_threads');
const { module: url } = workerData as { readonly module: string };

const load = (): Promise<WorkerModule> => import(url) as Promise<WorkerModule>;

module.exports = {
  probe: async (device) => (await load()).probe(device),
  serve: async (start) => (await load()).serve(start),
} satisfies Pick<WorkerModule, 'serve'> & {
  readonly probe: (...args: Parameters<WorkerModule['probe']>) => Promise<unknown>;
};
