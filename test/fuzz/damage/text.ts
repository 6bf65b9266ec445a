// Damage of text with numbers, strings and brackets: JSON, lines of it, YAML, the headers of .npy and .safetensors.
import type { Draw } from '../draw.js';

const token = /"(?:[^"\\\n]|\\.)*"|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|[A-Za-z_]\w*|[{}[\](),:]|\n/g;

const oddNumbers = [
  '-1', '0', '-0', '1', '2', '3', '1.5', '1e2', '1e400', '-1e400', '01', '255', '65536', '2147483648', '4294967296',
  '9007199254740991', '9007199254740992', '18446744073709551616', 'NaN', 'Infinity', 'null', '""', '[]', '{}', 'true',
] as const; // prettier-ignore
const oddStrings = [
  '""', '"__proto__"', '"constructor"', '"F32"', '"I64"', '"BOOL"', '"\\u0000"', '"\\ud800"', '"\\x"', '"\u{1f9a9}"', '0',
  'null', '[1]', `"${'n'.repeat(5000)}"`, '"../../x"', '"\u001b[31m"',
] as const; // prettier-ignore
const oddSigns = ['{', '}', '[', ']', ',', ':', '(', ')', '\n', ' ', '&a', '*a', '!!x', '- '] as const;

/** One or two tokens gone, repeated, or in the place of others; now and then very many brackets. */
export function damageText(text: string, draw: Draw): string {
  const tokens = [...text.matchAll(token)];
  if (tokens.length === 0) return draw.pick(oddSigns);
  const { 0: found, index } = draw.pick(tokens);
  return text.slice(0, index) + replace(found, draw) + text.slice(index + found.length);
}

function replace(found: string, draw: Draw): string {
  switch (draw.below(8)) {
    case 0:
      return '';
    case 1:
      return found + found;
    case 2:
      return draw.pick(oddSigns);
    case 3:
      return draw.pick(['[', '{"a":', '(', '&a [*a,']).repeat(1 + draw.below(3000));
    default:
      return draw.pick(found.startsWith('"') ? oddStrings : oddNumbers);
  }
}
