// The completion script of fish: a line for each flag of each command.
import { quote, type DescribedCommand, type DescribedFlag, type Expected } from './described.js';

export function formatFish(commands: readonly DescribedCommand[]): string {
  const names = commands.map(
    ({ name, description }) =>
      `complete -c headpool -n __fish_use_subcommand -a ${name} -d ${quoteFish(description)}`,
  );
  return `# Completion of headpool for fish: headpool completion fish | source
complete -c headpool -f
complete -c headpool -n __fish_use_subcommand -a help -d 'Show help of a command'
complete -c headpool -n __fish_use_subcommand -s v -l version -d 'Show the version'
complete -c headpool -n '__fish_seen_subcommand_from help' -a ${quote(commands.map(({ name }) => name).join(' '))}
${[...names, ...commands.flatMap(formatCommand)].join('\n')}
`;
}

function formatCommand({ name, flags, argument }: DescribedCommand): string[] {
  const start = `complete -c headpool -n '__fish_seen_subcommand_from ${name}'`;
  // What follows a flag of several values looks like an argument.
  const rest = flags.some(({ isOpen }) => isOpen) ? 'path' : argument;
  return [
    ...flags.map((flag) => `${start}${formatFlag(flag)}`),
    ...(rest === 'nothing' ? [] : [`${start}${formatValue(rest)}`]),
  ];
}

function formatFlag({ name, short, description, value, isCommaList, isOptional }: DescribedFlag): string {
  const names = `${short === undefined ? '' : ` -s ${short.slice(1)}`} -l ${name.slice(2)}`;
  const follows =
    isCommaList && typeof value !== 'string'
      ? ` -a ${quote(`(__fish_complete_list , 'string split " " "${value.join(' ')}"')`)}`
      : formatValue(value);
  const needs = value === 'nothing' || isOptional ? '' : value === 'path' ? ' -r' : ' -x';
  return `${names}${needs}${follows} -d ${quoteFish(description)}`;
}

function formatValue(value: Expected): string {
  if (value === 'nothing' || value === 'text') return '';
  return value === 'path' ? ' -F' : ` -a ${quote(value.join(' '))}`;
}

/** Where fish wants a backslash of its own. */
function quoteFish(text: string): string {
  return `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
}
