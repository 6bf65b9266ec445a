// Measurements of the machine through the workers and the kernel that an engine has: single operations, timed.
import { describeAttention, readInputs } from '../attention/attention-call.js';
import { createTensor } from '../core/tensor/tensor.js';
import { assembleAttention } from './assemble/assemble-attention.js';
import { planPhase, type PlannedPhase } from './assemble/assembly.js';
import { batchMajor } from './assemble/head-operand.js';
import { planPeak, planProducts, planRead } from './plan/plan-layer.js';
import { wallMs } from './job.js';
import { MeterMemory, type Instruments } from './meter-memory.js';

/** One operation that can be timed again and again. Dispose it to give its memory back. */
export interface Meter extends Disposable {
  /** Milliseconds of one run on all workers; a device has the operands already, and keeps the results. */
  measure(): Promise<number>;
}

/** rows [rows, depth] · weightᵀ [depth, columns]. */
export interface ProductSize {
  readonly rows: number;
  readonly depth: number;
  readonly columns: number;
}

/** Of one sequence that attends itself. */
export interface AttentionSize {
  readonly heads: number;
  readonly tokens: number;
  readonly headDim: number;
}

// As the projection W^O is cut.
const segmentColumns = 64;

/** Nothing but multiply-adds, on each of `workers` workers: FLOP a second of all of them together. */
export async function measurePeak(
  { scheduler, traits }: Instruments,
  workers: number,
  rounds: number,
): Promise<number> {
  const plan = planPeak(workers, rounds);
  const outcome = await scheduler.run([planPhase('peak', { kind: 'peak' }, plan)]);
  return (plan.unitCount * rounds * traits.flopPerRound * 1e3) / wallMs(outcome);
}

/** All workers together read `byteLength` bytes of memory once. @throws MEMORY_LIMIT */
export function openReadMeter(instruments: Instruments, byteLength: number): Promise<Meter> {
  return openMeter(instruments, async (memory) => {
    const length = Math.ceil(byteLength / 4);
    const region = await memory.createRandom(length);
    return [planPhase('read', { kind: 'read', region }, planRead(length))];
  });
}

/** One product of rows with packed weights. @throws MEMORY_LIMIT */
export function openProductMeter(instruments: Instruments, size: ProductSize): Promise<Meter> {
  return openMeter(instruments, async (memory) => {
    const { rows, depth, columns } = size;
    const segments = Math.ceil(columns / segmentColumns);
    const panels = await memory.createPanels({ columns, segmentColumns, depth });
    const region = memory.working.allocate(rows * columns);
    const output = { panels, region, segmentStride: segmentColumns, rowStride: columns };
    const product = { rows: await memory.createRandom(rows * depth), depth, outputs: [output] };
    const plan = planProducts([{ rows, depth, columns, segments }], instruments.traits.unitRows);
    return [planPhase('project', { kind: 'project', products: [product] }, plan)];
  });
}

/** One attention alone. @throws MEMORY_LIMIT */
export function openAttentionMeter(instruments: Instruments, size: AttentionSize): Promise<Meter> {
  return openMeter(instruments, async (memory) => {
    const { heads, tokens, headDim } = size;
    // It says what is asked; its numbers are never read.
    const x = createTensor([1, heads, tokens, headDim]);
    const call = describeAttention(readInputs({ q: x, k: x, v: x }));
    const createOperand = async () =>
      batchMajor(await memory.createRandom(x.data.length), heads, tokens, headDim);
    const [query, key, value] = [await createOperand(), await createOperand(), await createOperand()];
    const output = batchMajor(memory.working.allocate(x.data.length), heads, tokens, headDim);
    const operands = { ...call, query, key, value, output, extra: null, paged: null };
    const { traits } = instruments;
    const { phases } = assembleAttention(operands, { memory: memory.working, traits });
    return phases.filter(({ unitCount }) => unitCount > 0);
  });
}

async function openMeter(
  instruments: Instruments,
  assemble: (memory: MeterMemory) => Promise<readonly PlannedPhase[]>,
): Promise<Meter> {
  const memory = new MeterMemory(instruments);
  try {
    const phases = await assemble(memory);
    return {
      measure: async () => wallMs(await instruments.scheduler.run(phases)),
      [Symbol.dispose]: () => {
        memory[Symbol.dispose]();
      },
    };
  } catch (error) {
    memory[Symbol.dispose]();
    throw error;
  }
}
