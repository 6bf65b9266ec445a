// Looks at inputs before anything is computed, so that a mistake in a later one is not found hours later. Headers only.
import { isDamage } from './chunks.js';
import { openInput } from './input.js';
import { standardStream, type RunRequest } from './request.js';
import { createTargetEncoder } from './target.js';

/** More are checked as they come: opening many thousand files takes a while. */
const mostInputs = 256;

/**
 * @param checkLengths told the tokens of each sequence and of those that it attends, where headers tell them
 * @throws INVALID_FILE, FILE_FAILED, INVALID_SHAPE where a file doesn't fit the weights or another file, unless damage is
 * to be skipped; INVALID_OPTION where an output's format can't hold an input; whatever `checkLengths` throws
 */
export async function checkInputs(
  request: RunRequest,
  checkLengths: (queries: readonly number[], keys: readonly number[]) => void,
): Promise<void> {
  const { targets, weights } = request;
  const width = weights.output.weight.shape[0]!;
  for (const input of request.inputs.slice(0, mostInputs)) {
    if (input.path === standardStream) continue;
    try {
      const file = await openInput(request, input);
      await file.close();
      const { layout, form } = file.stream;
      if (layout === undefined) continue;
      checkLengths(layout.lengths, file.keyLengths ?? layout.lengths);
      // What comes from several files has no form that one of them could tell.
      if (request.inputs.length > targets.length) continue;
      const outline = { form, layout, width, metadata: new Map<string, string>() };
      await createTargetEncoder(request, targets[input.target]!, outline);
    } catch (error) {
      if (!isDamage(error) || request.onError === 'stop') throw error;
    }
  }
}
