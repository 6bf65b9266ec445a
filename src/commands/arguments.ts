// The words of a command line before yargs reads them: what is written in several ways becomes one of them.

/** `help run` as `run --help`, and `run …` of `-- run …`. */
export function readWords(given: readonly string[]): string[] {
  const [first, ...rest] = given[0] === '--' ? given.slice(1) : given;
  if (first === undefined) return [];
  return joinDashes(first === 'help' ? [...rest, '--help'] : [first, ...rest]);
}

/** Whether errors are to be JSON too: known before anything is parsed, which may fail. */
export function isJsonAsked(words: readonly string[]): boolean {
  return words.findLast((word) => /^--(no-)?json(=|$)/.test(word))?.match(/^--json(=true)?$/) != null;
}

/** `-i -` as `-i=-`: yargs takes a dash behind a flag of several values for the next flag. */
function joinDashes(words: readonly string[]): string[] {
  return words.flatMap((word, index) => {
    if (word === '-' && words[index - 1]?.startsWith('-') === true) return [];
    return words[index + 1] === '-' && word.startsWith('-') ? [`${word}=-`] : [word];
  });
}
