// The engine's figures as the text that Prometheus reads.

/** @typedef {Readonly<Record<string, number>>} Values */

/** @param {import('./app.js').Context} context */
export function formatMetrics({ model, sessions, memory }) {
  const metrics = [
    metric('headpool_server_sessions', 'gauge', 'Open sessions', sessions.count),
    metric('headpool_server_held_bytes', 'gauge', 'Bytes that open requests hold', memory.bytes),
    metric('process_resident_memory_bytes', 'gauge', 'Resident memory', process.memoryUsage.rss()),
    ...engineMetrics(model.stats()),
  ];
  return `${metrics.join('\n')}\n`;
}

/** @param {import('headpool').EngineStats | undefined} stats undefined before there is an engine */
function engineMetrics(stats) {
  if (stats === undefined) return [];
  const { calls, tokens, flop, queuedBytes, memoryBytes, busyShare, latencyMs, waitedMs } = stats;
  const { completed, failed, cancelled, open, waiting } = calls;
  const outcome = { completed, failed, cancelled };
  const worker = Object.fromEntries(busyShare.entries());
  return [
    metric('headpool_calls_total', 'counter', 'Calls that are over', { outcome }),
    metric('headpool_calls', 'gauge', 'Calls that are not', { state: { open, waiting } }),
    metric('headpool_tokens_total', 'counter', 'Query tokens of completed calls', tokens),
    metric('headpool_flop_total', 'counter', 'Floating-point operations', flop),
    metric('headpool_queued_bytes', 'gauge', 'Bytes that open calls take', queuedBytes),
    metric('headpool_memory_bytes', 'gauge', 'Working memory, weights, caches', memoryBytes),
    metric('headpool_busy_ratio', 'gauge', 'Share of its time that a worker computed', { worker }),
    metric('headpool_latency_ms', 'gauge', 'Of the last 1,000 calls', { quantile: quantiles(latencyMs) }),
    metric('headpool_waited_ms', 'gauge', 'Of these, before work began', { quantile: quantiles(waitedMs) }),
  ];
}

/** @param {import('headpool').Percentiles} percentiles @returns {Values} */
function quantiles({ p50, p90, p99, max }) {
  return { 0.5: p50, 0.9: p90, 0.99: p99, 1: max };
}

/**
 * @param {string} name
 * @param {'counter' | 'gauge'} type
 * @param {string} help
 * @param {number | Readonly<Record<string, Values>>} value or values by a label
 */
function metric(name, type, help, value) {
  const samples =
    typeof value === 'number'
      ? [`${name} ${value}`]
      : Object.entries(value).flatMap(([label, values]) =>
          Object.entries(values).map(([key, each]) => `${name}{${label}="${key}"} ${each}`),
        );
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples].join('\n');
}
