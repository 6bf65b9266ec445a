// How the names that a file gives its tensors and fields appear in messages: as they are where short and plain, else
// quoted.
import { HeadpoolError } from '../core/errors.js';

const plainName = /^[\w./-]{1,80}$/;
const longest = 60;

/** `name`, or its JSON form cut to one line; names come from files and may be empty, huge or full of newlines. */
export function quoteName(name: string): string {
  if (plainName.test(name)) return name;
  const quoted = JSON.stringify(name.slice(0, longest));
  return name.length <= longest ? quoted : `${quoted}…`;
}

/** The error of a name that a file gives to two things. @param field as messages show it, with what it lies in */
export function givenTwice(path: string, field: string): HeadpoolError {
  return new HeadpoolError('INVALID_FILE', `${path}: expected \`${field}\` once, got it twice`);
}
