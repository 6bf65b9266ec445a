// Compiles the addon with the compiler of the machine, where the system takes advice about pages. Elsewhere there is
// nothing to build, nor to say: files are written all the same.
import { buildPageCache, hasPageCache } from './addons.mjs';
import { machine } from './targets.mjs';
import { findCompiler } from './toolchain.mjs';
import { withFolder } from './with-folder.mjs';

process.exitCode = await withFolder('headpool-', async (folder) => {
  if (!hasPageCache(machine)) return 0;
  const compiler = await findCompiler(machine, folder);
  return 'reason' in compiler || (await buildPageCache(compiler)) !== undefined ? 0 : 1;
});
