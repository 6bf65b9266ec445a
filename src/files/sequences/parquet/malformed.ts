// What is said of files that are no Parquet: the package's errors and ours say what is wrong, and these where.
import { HeadpoolError } from '../../../core/errors.js';

interface Part {
  readonly path: string;
  /** Such as `row group 3`. */
  readonly label: string;
}

/** Runs `step`, whose errors say what is wrong with the file. */
export function guard<T>(part: Part, step: () => T): T {
  try {
    return step();
  } catch (cause) {
    throw malformed(part, cause);
  }
}

export function malformed({ path, label }: Part, cause: unknown): HeadpoolError {
  if (cause instanceof HeadpoolError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `${path}: expected well-formed Parquet for \`${label}\`: ${reason}`;
  return new HeadpoolError('INVALID_FILE', message, { cause });
}
