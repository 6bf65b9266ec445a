// Compiles the kernels to a Node-API addon with the compiler of the machine. Says nothing where all went well. Without a
// compiler it says so and succeeds: the WebAssembly kernel serves.
import { buildKernels } from './addons.mjs';
import { machine } from './targets.mjs';
import { findCompiler } from './toolchain.mjs';
import { withFolder } from './with-folder.mjs';

process.exitCode = await withFolder('headpool-', async (folder) => {
  const compiler = await findCompiler(machine, folder);
  if ('reason' in compiler) {
    console.error(`headpool: no native kernel, the WebAssembly kernel serves: ${compiler.reason}`);
    return 0;
  }
  return (await buildKernels(compiler)) === undefined ? 1 : 0;
});
