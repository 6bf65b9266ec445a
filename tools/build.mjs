// Builds all that is in dist/ anew. `npm start` and `npm test` begin with it.
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { runSteps } from './run-steps.mjs';

const steps = [
  { name: 'TypeScript', module: 'typescript/bin/tsc' },
  { name: 'kernels', module: './build-kernels.mjs' },
  { name: 'page cache', module: './build-page-cache.mjs' },
  { name: 'bundles', module: './bundle.mjs' },
].map(({ name, module }) => ({ name, script: fileURLToPath(import.meta.resolve(module)) }));

await rm(new URL('../dist', import.meta.url), { recursive: true, force: true });
process.exitCode = await runSteps(steps, 'about a minute', (line) => {
  console.error(`headpool: ${line}`);
});
