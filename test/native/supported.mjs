// Asks the processor which instruction sets it runs, so that no other is compiled.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile, execute } from '../../tools/toolchain.mjs';

const source = fileURLToPath(new URL('supported.cc', import.meta.url));

/** Their names. */
export async function findSupported(compiler) {
  const { object, output: compiling } = await compile(compiler, 'supported', source, []);
  const program = join(compiler.folder, 'supported');
  const linked = await execute(compiler, [...compiler.target.compileFlags, object, '-o', program]);
  const { code, output } = linked.code === 0 ? await execute({ command: [program] }, []) : linked;
  if (code !== 0) throw new Error(`The processor could not be asked: ${compiling}${output}`);
  return output.trim().split('\n');
}
