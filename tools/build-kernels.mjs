// Builds the kernels that are compiled, each in a process of its own and both at once.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const codes = await Promise.all(['wasm', 'native'].map(build));
process.exitCode = Math.max(...codes);

/** The exit code. */
async function build(name) {
  const script = fileURLToPath(new URL(`build-${name}.mjs`, import.meta.url));
  const [code, signal] = await once(spawn(process.execPath, [script], { stdio: 'inherit' }), 'exit');
  if (signal !== null) console.error(`headpool: the build of the ${name} kernel was ended by ${signal}`);
  return code ?? 1;
}
