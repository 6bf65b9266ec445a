// The working directory of commands whose paths other machines must find too.
import { Root } from '../../cluster/queue/root.js';

/** From here on all paths start from the root. @throws INVALID_OPTION, FILE_FAILED */
export async function enterRoot(folder: string): Promise<Root> {
  const root = await Root.open(folder);
  process.chdir(root.path);
  return root;
}
