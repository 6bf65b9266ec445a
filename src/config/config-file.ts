// A configuration file: YAML (or JSON, which is YAML) holding one mapping. What a damaged or hostile one could make the
// parser do for minutes, or die of, is refused.
import type { isScalar as IsScalar, Lexer, ParsedNode, Parser } from 'yaml';
import { HeadpoolError } from '../core/errors.js';
import { readTextFile } from '../files/text-file.js';

// Far more than settings need, and little enough to parse at once.
const mostBytes = 1_000_000;

/**
 * The settings of a file by name, values of any kind.
 * @throws INVALID_CONFIG, naming the file and, for syntax, the line
 */
export async function loadConfig(path: string): Promise<Readonly<Record<string, unknown>>> {
  let text: string;
  try {
    text = await readTextFile(path, mostBytes);
  } catch (cause) {
    throw new HeadpoolError('INVALID_CONFIG', (cause as Error).message, { cause });
  }
  // Loaded when there is something to parse: it takes longer than all that a run without it does first.
  const { default: yaml } = await import('yaml');
  let content: unknown;
  try {
    refuseDeep(text, new yaml.Lexer(), new yaml.Parser());
    const document = yaml.parseDocument(text, {
      uniqueKeys: uniqueAmongFew(yaml.isScalar),
      stringKeys: true,
    });
    // A tag that means nothing is only a warning to the parser.
    const [problem] = [...document.errors, ...document.warnings];
    if (problem !== undefined) throw problem;
    content = document.toJS({ maxAliasCount: 100 });
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
  // What editors check the file by is no setting.
  return Object.fromEntries(Object.entries(content).filter(([name]) => name !== '$schema'));
}

// The parser's second pass calls itself for each level, and where the stack is nearly full V8 aborts the process that
// compiles a regular expression. Settings have 3 levels.
const mostLevels = 100;

/** The first pass keeps a list of the levels that it is in. */
function refuseDeep(text: string, lexer: Lexer, parser: Parser): void {
  for (const lexeme of lexer.lex(text)) {
    Array.from(parser.next(lexeme));
    if (parser.stack.length > mostLevels)
      throw new Error('expected settings, got values nested in one another');
  }
}

// Of some 4,500 keys in one mapping.
const mostComparisons = 1e7;

/** What tells whether two keys are one. The parser asks it of each pair, which of very many takes minutes. */
function uniqueAmongFew(isScalar: typeof IsScalar): (a: ParsedNode, b: ParsedNode) => boolean {
  let count = 0;
  return (a, b) => {
    if (++count > mostComparisons) throw new Error('expected settings, got a mapping of thousands of keys');
    return a === b || (isScalar(a) && isScalar(b) && a.value === b.value);
  };
}

function invalid(path: string, problem: string, cause?: unknown): HeadpoolError {
  return new HeadpoolError('INVALID_CONFIG', `${path}: ${problem}`, { cause });
}
