// Kernels that gpu.js translates are read as text, which a bundle would make smaller and write anew: their modules stay as
// tsc makes them, and bundles import them from there.
import { join, relative, resolve, sep } from 'node:path';

const kernels = 'workers/kernels/gpu/plain/kernels';

/**
 * A plugin of esbuild.
 * @param root of the checkout
 * @param folder where bundles go
 */
export function keepTexts(root, folder) {
  const sources = join(root, kernels) + sep;
  return {
    name: 'keep texts',
    setup({ onResolve }) {
      onResolve({ filter: /\/kernels\/[^/]+\.js$/ }, ({ path, resolveDir }) => {
        const source = resolve(resolveDir, path);
        if (!source.startsWith(sources)) return undefined;
        const compiled = join(root, 'dist', relative(root, source));
        return { path: `./${relative(folder, compiled).split(sep).join('/')}`, external: true };
      });
    },
  };
}
