// The rows of docs/porting.md as tests: a table's last column names them, and a system's formula is what they hold.
import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import type { AttentionInputs, AttentionOptions, AttentionResult, Engine } from '../../src/index.js';
import { attendOracle, type OracleOptions } from '../oracle/oracle.js';
import { attentionCase, type CaseOptions } from './attention-case.js';
import { packageRoot } from './package-root.js';
import { openEngine } from './refusals.js';
import { assertClose, findDeviation } from './tolerance.js';

type Body = (t: ExecutionContext, engine: Engine) => Promise<void> | void;

/** Declares tests titled like the rows of a preset's table; one more test fails if a row or a test lacks the other. */
export function portingRows(preset: string): (title: string, body: Body) => void {
  const engineOf = openEngine();
  const titles: string[] = [];
  test(`docs/porting.md has a row for each test of presets.${preset}, in this order`, (t) => {
    t.deepEqual(readTitles(preset), titles);
  });
  return (title, body) => {
    titles.push(title);
    test(title, (t) => body(t, engineOf()));
  };
}

function readTitles(preset: string): string[] {
  const text = readFileSync(new URL('docs/porting.md', packageRoot()), 'utf8');
  const section = text.split(/^## /m).find((part) => part.startsWith(`\`presets.${preset}\``)) ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| '));
  return rows.slice(2).map((row) => row.split('|').at(-2)!.trim());
}

/** 3 queries on 7 keys, 4 heads on 2, in 2 entries. */
export const wide: CaseOptions = { batch: 2, heads: 4, kvHeads: 2, queries: 3, keys: 7, headDim: 5 };

/** Runs an attention with what a preset returned and holds it against the formula of its system. */
export async function checkFormula(
  t: ExecutionContext,
  engine: Engine,
  options: AttentionOptions & Pick<AttentionInputs, 'heads' | 'kvHeads'>,
  formula: OracleOptions,
  size: CaseOptions = wide,
): Promise<AttentionResult> {
  const { inputs, oracle } = attentionCase(size);
  const wanted = attendOracle({ ...oracle, ...formula });
  const result = await engine.attention({ ...inputs, ...options, returnLogSumExp: true });
  assertClose(t, result.output.data, wanted.output);
  t.is(findDeviation(result.logSumExp!.data, wanted.logSumExp), undefined, 'logSumExp');
  return result;
}
