// How wide text will be, without a browser to ask: an upper estimate for wide system fonts, so that labels don't collide.

/** What layouts leave room for; on narrow screens the text of charts is that high, elsewhere a little less. */
export const textSize = 15;

const widthOfCharacter = 0.61;

/** In the chart's own unit. */
export function widthOfText(text: string): number {
  return text.length * textSize * widthOfCharacter;
}

/** Text centred on a place of the x axis. */
export interface Label {
  readonly at: number;
  readonly text: string;
}

const gap = 8;

/** As many of the labels, from left to right, as have room: all, or every second, every third … */
export function withoutCollisions(labels: readonly Label[]): readonly Label[] {
  for (let stride = 1; stride < labels.length; stride++) {
    const some = labels.filter((_, index) => index % stride === 0);
    if (some.every((label, index) => index === 0 || hasRoom(some[index - 1]!, label))) return some;
  }
  return labels.slice(0, 1);
}

function hasRoom(before: Label, label: Label): boolean {
  const halves = (widthOfText(before.text) + widthOfText(label.text)) / 2;
  return label.at - before.at >= halves + gap;
}

/** The text, or as much of its beginning as is no wider, with an ellipsis. */
export function shortenText(text: string, width: number): string {
  const most = Math.floor(width / widthOfText('m'));
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** Lines of whole words, each no wider than `width` unless one word is. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1) ?? ''} ${word}`;
    if (lines.length > 0 && widthOfText(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
