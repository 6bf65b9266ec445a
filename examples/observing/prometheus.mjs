// Metrics of prom-client: what becomes of calls, by layer, and what an engine holds.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { HeadpoolError } from 'headpool';
import { Counter, Gauge, Histogram } from 'prom-client';

const ends = ['forward', 'attention'].map((call) => `tracing:headpool:${call}:asyncEnd`);
const buckets = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

/**
 * Counts the calls of all engines of the process.
 * @param {import('prom-client').Registry} registry
 * @returns {() => void} ends that
 */
export function countCalls(registry) {
  const options = { labelNames: ['layer', 'outcome'], registers: [registry] };
  const named = (/** @type {string} */ name, /** @type {string} */ help) => ({ name, help, ...options });
  const calls = new Counter(named('headpool_calls_total', 'Calls, by what became of them'));
  const tokens = new Counter(named('headpool_tokens_total', 'Query tokens of calls'));
  const latency = new Histogram({ ...named('headpool_call_seconds', 'From a call to its end'), buckets });
  const wait = new Histogram({ ...named('headpool_wait_seconds', 'From a call to its first unit'), buckets });

  const count = (/** @type {unknown} */ message) => {
    const call = /** @type {import('headpool').CallTrace} */ (message);
    const code = call.error instanceof HeadpoolError ? call.error.code : 'aborted';
    const labels = { layer: call.layer?.name ?? '', outcome: call.result === undefined ? code : 'completed' };
    calls.inc(labels);
    tokens.inc(labels, call.tokens);
    if (call.latencyMs !== undefined) latency.observe(labels, call.latencyMs / 1e3);
    if (call.waitedMs !== undefined) wait.observe(labels, call.waitedMs / 1e3);
  };
  for (const end of ends) subscribe(end, count);
  return () => ends.forEach((end) => unsubscribe(end, count));
}

/**
 * Shows what an engine holds whenever the registry is read.
 * @param {import('headpool').Engine} engine
 * @param {import('prom-client').Registry} registry
 */
export function showEngine(engine, registry) {
  /** @type {(name: string, help: string, read: (stats: import('headpool').EngineStats) => number) => void} */
  const show = (name, help, read) => {
    new Gauge({
      name: `headpool_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read(engine.stats()));
      },
    });
  };
  show('ready', 'Whether the engine takes calls', () => Number(engine.ready));
  show('open_calls', 'Calls that were let in', ({ calls }) => calls.open);
  show('waiting_calls', 'Calls that wait to be let in', ({ calls }) => calls.waiting);
  show('open_bytes', 'What open calls were let in with', ({ queuedBytes }) => queuedBytes);
  show('memory_bytes', 'Working memory and packed weights', ({ memoryBytes }) => memoryBytes);
}
