// Where the types of Node.js are, signals and URLs are its own.
import { pathToFileURL } from 'node:url';
import { createEngine, type AttentionInputs } from 'headpool';

export const engine = await createEngine({ workerUrl: pathToFileURL('/srv/workers/worker.js') });
export const signal: AttentionInputs['signal'] = AbortSignal.timeout(100);
export const aborted: boolean | undefined = signal?.aborted;
