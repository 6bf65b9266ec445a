// A host's own worker thread that uses the library.
import { parentPort } from 'node:worker_threads';
import { runOnce } from './job.js';

parentPort!.postMessage(await runOnce());
