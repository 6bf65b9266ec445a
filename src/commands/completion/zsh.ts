// The completion script of zsh: a call of _arguments for each command.
import { quote, type DescribedCommand, type DescribedFlag, type Expected } from './described.js';

export function formatZsh(commands: readonly DescribedCommand[]): string {
  const names = commands.map(({ name, description }) => quote(`${name}:${escapeColons(description)}`));
  return `#compdef headpool
# Completion of headpool for zsh: eval "$(headpool completion zsh)", after compinit
_headpool() {
  local -a commands=(
    ${[...names, "'help:Show help of a command'"].join('\n    ')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
    help) _describe command commands ;;
${commands.map(formatCommand).join('\n')}
  esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _headpool "$@"; else compdef _headpool headpool; fi
`;
}

function formatCommand({ name, flags, argument }: DescribedCommand): string {
  // What follows a flag of several values looks like an argument.
  const rest = flags.some(({ isOpen }) => isOpen) ? 'path' : argument;
  const specs = [
    ...flags.map(formatFlag),
    ...(rest === 'nothing' ? [] : [quote(`*:${argumentName}:${actionOf(rest)}`)]),
  ];
  return `    ${name})\n      _arguments \\\n        ${specs.join(' \\\n        ')} ;;`;
}

const argumentName = 'value';

function formatFlag({
  name,
  short,
  description,
  value,
  isCommaList,
  isOptional,
  isOpen,
}: DescribedFlag): string {
  const more = isOpen ? '*' : '';
  const long = `${name}${value === 'nothing' ? '' : '='}`;
  const said = `[${description.replaceAll(/[[\]\\:]/g, String.raw`\$&`)}]`;
  const action = isCommaList && value !== 'text' ? ` _sequence compadd - ${list(value)}` : actionOf(value);
  const follows = value === 'nothing' ? '' : `${isOptional ? '::' : ':'}${argumentName}:${action}`;
  return short === undefined
    ? quote(`${more}${long}${said}${follows}`)
    : `${quote(more)}{${short},${long}}${quote(`${said}${follows}`)}`;
}

function actionOf(value: Expected): string {
  return value === 'path' ? '_files' : value === 'text' ? ' ' : `(${list(value)})`;
}

function list(words: Expected): string {
  return typeof words === 'string' ? '' : words.join(' ');
}

function escapeColons(text: string): string {
  return text.replaceAll(':', String.raw`\:`);
}
