// A request whose calls become spans below its own, and how many of them were measured.
import { context, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { createEngine, createXavierWeights } from 'headpool';
import { observeCalls } from './opentelemetry.mjs';

const exported = new InMemorySpanExporter();
const measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const meters = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter: measured })] });
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
metrics.setGlobalMeterProvider(meters);
trace.setGlobalTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exported)] }),
);
observeCalls();

const [heads, modelDim] = [4, 32];
const engine = await createEngine();
const weights = createXavierWeights({ modelDim, heads, seed: 1 });
const layer = await engine.multiHeadAttention({ heads, weights, name: 'encoder' });
const x = engine.tensor([10, modelDim]);
await trace.getTracer('example').startActiveSpan('request', async (request) => {
  await layer.forward(x);
  await layer.forward(engine.tensor([50_000, modelDim]), { timeoutMs: 1 }).catch(() => undefined);
  await engine.attention({ q: x, k: x, v: x, heads });
  request.end();
});
await engine.close();

const spans = exported.getFinishedSpans();
for (const { name, parentSpanContext, attributes } of spans) {
  const parent = spans.find((span) => span.spanContext().spanId === parentSpanContext?.spanId);
  const told = ['headpool.layer', 'headpool.tokens', 'error.type'].map((key) => attributes[key] ?? '-');
  console.log(parent?.name ?? '-', '>', name, ...told);
}

await meters.forceFlush();
await meters.shutdown();
for (const { descriptor, dataPoints } of measured.getMetrics()[0].scopeMetrics[0].metrics) {
  console.log(descriptor.name, dataPoints.length, descriptor.unit);
}
