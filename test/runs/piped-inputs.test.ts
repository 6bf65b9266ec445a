// Standard input that has nothing to say yet: a run that waits for it to begin can be stopped, whatever it is to bring.
import { join } from 'node:path';
import { Readable } from 'node:stream';
import test from 'ava';
import { inputFormats } from '../../src/files/sequences/sequences.js';
import { openBench, requestFor, runBatch } from '../helpers/batch-run.js';
import { makeFolder } from '../helpers/make-folder.js';

const bench = openBench();

for (const inputFormat of inputFormats) {
  test(`a run that waits for ${inputFormat} on standard input to begin ends when it is stopped`, async (t) => {
    const output = join(await makeFolder(t), 'y.jsonl');
    const request = await requestFor({ inputs: ['-'], inputFormat, output });
    const stopper = new AbortController();
    const reason = new Error('stopped');
    const standardInput = new Readable({
      read: () => {
        stopper.abort(reason);
      },
    });
    await t.throwsAsync(runBatch(request, { bench: bench(), standardInput, signal: stopper.signal }), {
      is: reason,
    });
  });
}
