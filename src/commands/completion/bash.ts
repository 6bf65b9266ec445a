// The completion script of bash: cases of what was typed before, from version 3.2 on.
import { quote, type DescribedCommand, type DescribedFlag, type Expected } from './described.js';

export function formatBash(commands: readonly DescribedCommand[]): string {
  const names = ['help', ...commands.map(({ name }) => name)];
  const everyFlag = commands.flatMap((command) => command.flags.map((flag) => ({ command, flag })));
  const valued = everyFlag.filter(({ flag }) => flag.value !== 'nothing');
  const open = everyFlag.filter(({ flag }) => flag.isOpen);
  return `# Completion of headpool for bash: eval "$(headpool completion bash)"
_headpool_words() {
  # Of a list a,b only the last word is typed.
  local start='' reply
  [[ $word == *,* ]] && start=\${word%,*},
  while IFS= read -r reply; do COMPREPLY+=("$reply"); done < <(compgen -P "$start" -W "$1" -- "\${word##*,}")
}
_headpool_paths() {
  local reply
  compopt -o filenames 2>/dev/null
  while IFS= read -r reply; do COMPREPLY+=("$reply"); done < <(compgen -f -- "$word")
}
_headpool() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} command=\${COMP_WORDS[1]}
  local place=$((COMP_CWORD - 1))
  COMPREPLY=()
  # bash takes --flag=value apart.
  if [[ $word == = ]]; then word=''; elif [[ $before == = ]]; then before=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  if ((COMP_CWORD == 1)) || [[ $command == help ]]; then
    _headpool_words ${quote([...names, '--help', '--version'].join(' '))}
    return
  fi
  if [[ $word == -* ]]; then
    case $command in
${lines(commands.map(({ name, flags }) => `${name}) _headpool_words ${quote(flags.map((flag) => flag.name).join(' '))} ;;`))}
    esac
    return
  fi
  case "$command $before" in
${formatCases(valued)}
  esac
  # A flag of several values goes on until the next one.
  while ((place > 1)) && [[ \${COMP_WORDS[place]} != -* ]]; do ((place--)); done
  case "$command \${COMP_WORDS[place]}" in
${formatCases(open)}
  esac
  case $command in
${lines(commands.flatMap(({ name, argument }) => (argument === 'nothing' ? [] : [`${name}) ${actionOf(argument)} ;;`])))}
  esac
}
complete -F _headpool headpool
`;
}

/** A case for each thing that may follow. */
function formatCases(
  flags: readonly { readonly command: DescribedCommand; readonly flag: DescribedFlag }[],
): string {
  const patterns = new Map<string, string[]>();
  for (const { command, flag } of flags) {
    const action = actionOf(flag.value);
    const names = [flag.name, flag.short].filter((name) => name !== undefined);
    const own = names.map((name) => quote(`${command.name} ${name}`));
    patterns.set(action, [...(patterns.get(action) ?? []), ...own]);
  }
  return lines([...patterns].map(([action, own]) => `${own.join('|')}) ${action}; return ;;`));
}

function actionOf(value: Expected): string {
  if (typeof value !== 'string') return `_headpool_words ${quote(value.join(' '))}`;
  return value === 'path' ? '_headpool_paths' : ':';
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `    ${text}`).join('\n');
}
