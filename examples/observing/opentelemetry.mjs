// OpenTelemetry: a span of each call below the one that was active where it was made, and how long calls took and waited.
import { tracingChannel } from 'node:diagnostics_channel';
import { metrics, SpanStatusCode, trace } from '@opentelemetry/api';
import { HeadpoolError } from 'headpool';

/** @typedef {import('headpool').CallTrace} CallTrace */

/**
 * Tells the tracer and the meter that are registered of the calls of all engines of the process.
 * @returns {() => void} ends that
 */
export function observeCalls() {
  const tracer = trace.getTracer('headpool');
  const meter = metrics.getMeter('headpool');
  const duration = meter.createHistogram('headpool.call.duration', { unit: 's' });
  const wait = meter.createHistogram('headpool.call.wait', { unit: 's' });
  /** @type {WeakMap<CallTrace, import('@opentelemetry/api').Span>} */
  const spans = new WeakMap();

  const start = (/** @type {CallTrace} */ call) => {
    const { layer, shape, tokens, bytes, kernel, device, priority, cached } = call;
    const own = { layer: layer?.name, heads: layer?.heads, shape: [...shape], tokens, bytes };
    const attributes = prefix({ ...own, kernel, device, priority, cached });
    // It is told in the context of the caller, whose span becomes the parent.
    spans.set(call, tracer.startSpan(layer ? 'headpool.forward' : 'headpool.attention', { attributes }));
  };
  const asyncEnd = (/** @type {CallTrace} */ call) => {
    const { layer, result, error, latencyMs, waitedMs, computingMs, gathered } = call;
    const type = error instanceof HeadpoolError ? error.code : 'aborted';
    const labels = { 'headpool.layer': layer?.name, ...(!result && { 'error.type': type }) };
    const span = spans.get(call);
    span?.setAttributes({ ...prefix({ waitedMs, computingMs, gathered }), ...labels });
    if (!result) span?.setStatus({ code: SpanStatusCode.ERROR, message: String(error) });
    span?.end();
    if (latencyMs !== undefined) duration.record(latencyMs / 1e3, labels);
    if (waitedMs !== undefined) wait.record(waitedMs / 1e3, labels);
  };

  const channels = ['forward', 'attention'].map((call) => tracingChannel(`headpool:${call}`));
  // The types ask for listeners of all five events.
  const listeners = /** @type {any} */ ({ start, asyncEnd });
  for (const channel of channels) channel.subscribe(listeners);
  return () => channels.forEach((channel) => channel.unsubscribe(listeners));
}

/** @param {import('@opentelemetry/api').Attributes} attributes */
function prefix(attributes) {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`headpool.${name}`, value]));
}
