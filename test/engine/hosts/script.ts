// A host process that uses the library and then has nothing more to do.
import { runOnce } from './job.js';

await runOnce();
