// One line of progress on stderr: with a bar and as wide as the terminal, or a plain one every ten seconds elsewhere.
import { toOneLine } from '../page/table.js';
import { escapeControls } from './terminal.js';

export interface ProgressParts {
  /** Of the whole, 0 … 1; undefined where nobody knows. */
  readonly share: number | undefined;
  /** How much is done, in few words. */
  readonly state: string;
  /** How long it takes; never cut. */
  readonly left: string;
  /** The last are left out first. */
  readonly details: readonly string[];
  readonly name: string;
}

export interface ProgressLine {
  /** @param describe called where a line is due */
  readonly show: (describe: () => ProgressParts) => void;
  /** Clears the bar, so that other output starts on a clean line. */
  readonly end: () => void;
}

const drawEveryMs = 100;
const plainEveryMs = 10_000;
const clear = '\r\u001B[2K';

export function startProgressLine(stream: NodeJS.WriteStream): ProgressLine {
  const { isTTY: isTerminal } = stream;
  const everyMs = isTerminal ? drawEveryMs : plainEveryMs;
  let dueMs = isTerminal ? 0 : performance.now() + everyMs;
  return {
    show: (describe) => {
      const nowMs = performance.now();
      if (nowMs < dueMs) return;
      dueMs = nowMs + everyMs;
      const parts = describe();
      stream.write(isTerminal ? `${clear}${fitLine(parts, stream.columns)}` : `${joinParts(parts, 0)}\n`);
    },
    end: () => {
      if (isTerminal) stream.write(clear);
    },
  };
}

const barWidths = { wide: 24, narrow: 8, none: 0 } as const;
/** What is less of a name says nothing. */
const leastName = 8;

/** A line that wraps would leave its first part behind: the name goes first, then most of the bar, then details. */
export function fitLine(parts: ProgressParts, columns: number): string {
  const room = columns - 1;
  const { wide, narrow, none } = barWidths;
  const nameless = { ...parts, name: '' };
  const nameRoom = room - joinParts(nameless, wide).length - gap.length;
  const lines = [
    joinParts(parts, wide),
    ...(nameRoom >= leastName ? [joinParts({ ...parts, name: shorten(parts.name, nameRoom) }, wide)] : []),
    joinParts(nameless, wide),
    ...withFewerDetails(nameless).map((fewer) => joinParts(fewer, narrow)),
    joinParts({ ...nameless, details: [] }, none),
  ];
  return lines.find((line) => line.length <= room) ?? (parts.left || parts.state).slice(0, room);
}

function withFewerDetails(parts: ProgressParts): ProgressParts[] {
  const { details } = parts;
  return [parts, ...details.map((_, n) => ({ ...parts, details: details.slice(0, -1 - n) }))];
}

const gap = '  ';

function joinParts({ share, state, left, details, name }: ProgressParts, barWidth: number): string {
  const bar = share === undefined ? '' : formatBar(share, barWidth);
  return [bar, state, left, details.join(', '), showName(name)].filter((part) => part !== '').join(gap);
}

function formatBar(share: number, width: number): string {
  return '█'.repeat(Math.round(width * share)).padEnd(width, '░');
}

function showName(name: string): string {
  return toOneLine(escapeControls(name));
}

function shorten(name: string, length: number): string {
  return `${showName(name).slice(0, length - 1)}…`;
}
