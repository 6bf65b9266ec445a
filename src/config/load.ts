// Reads a configuration file: YAML (or JSON, which is YAML) holding one mapping.
import { readFile } from 'node:fs/promises';
import { HeadpoolError } from '../core/errors.js';

// Far more than settings need, and little enough to parse at once.
const mostBytes = 1_000_000;

/** @throws INVALID_CONFIG, naming the file and, for syntax, the line */
export async function loadConfig(path: string): Promise<Readonly<Record<string, unknown>>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw invalid(path, `could not be read: ${(cause as Error).message}`, cause);
  }
  if (text.length > mostBytes)
    throw invalid(path, `expected at most ${mostBytes} characters, got ${text.length}`);
  // Loaded when there is something to parse: it takes longer than all that a run without it does first.
  const { default: yaml } = await import('yaml');
  let content: unknown;
  try {
    content = yaml.parse(text, { uniqueKeys: true, maxAliasCount: 100 });
  } catch (cause) {
    // The message goes on with the line, and shows it.
    const problem = (cause as Error).message.replace(
      /^Map keys must be unique(?= at line)/,
      'expected each key once, got this one twice',
    );
    throw invalid(path, problem, cause);
  }
  // A file of comments only is an empty configuration.
  if (content === null || content === undefined) return {};
  if (typeof content !== 'object' || Array.isArray(content))
    throw invalid(path, 'expected a mapping of settings');
  return content as Record<string, unknown>;
}

function invalid(path: string, problem: string, cause?: unknown): HeadpoolError {
  return new HeadpoolError('INVALID_CONFIG', `${path}: ${problem}`, { cause });
}
