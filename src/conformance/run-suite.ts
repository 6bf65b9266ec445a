// Runs the cases of a suite on an engine, one after the other, and says what became of each.
import { HeadpoolError } from '../core/errors.js';
import type { Adapter, CaseKind, ConformanceCase, ConformanceEngine, Outputs } from './case.js';
import { compareTensors, type Tolerance } from './compare.js';
import { prepareExtended } from './extended.js';
import { prepareOnnxAttention } from './onnx-attention.js';
import type { Suite } from './suite.js';
import { prepareTorchMultihead } from './torch-multihead.js';

export type CaseResult =
  | { readonly name: string; readonly status: 'passed' }
  | { readonly name: string; readonly status: 'failed'; readonly message: string };

const adapters: Readonly<Record<CaseKind, Adapter>> = {
  'onnx-attention': prepareOnnxAttention,
  'torch-multihead': prepareTorchMultihead,
  extended: prepareExtended,
};

/**
 * The results of `suite`, in its order, each as soon as it is known. An engine that throws fails the case.
 * @throws INVALID_FILE for a case that its adapter doesn't understand
 */
export async function* runSuite(suite: Suite, engine: ConformanceEngine): AsyncGenerator<CaseResult, void> {
  for (const source of suite.cases) yield await runCase(source, engine, suite);
}

async function runCase(
  source: ConformanceCase,
  engine: ConformanceEngine,
  tolerance: Tolerance,
): Promise<CaseResult> {
  const { name } = source;
  try {
    const run = adapters[source.kind](source);
    const problems = findProblems(source, await run(engine), tolerance);
    if (problems.length === 0) return { name, status: 'passed' };
    return { name, status: 'failed', message: problems.join('; ') };
  } catch (error) {
    // A case that nobody understands says nothing about the engine.
    if (error instanceof HeadpoolError && error.code === 'INVALID_FILE') throw error;
    return { name, status: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

/** One line for each output that is missing or wrong; every output of the case counts. */
function findProblems(source: ConformanceCase, outputs: Outputs, tolerance: Tolerance): string[] {
  const problems: string[] = [];
  for (const [tensorName, expected] of source.tensors) {
    if (!tensorName.startsWith('output.')) continue;
    const name = tensorName.slice('output.'.length);
    const actual = outputs.get(name);
    const problem =
      actual === undefined
        ? `\`${name}\`: not computed`
        : compareTensors(name, actual, expected, tolerance).problem;
    if (problem !== undefined) problems.push(problem);
  }
  return problems;
}
