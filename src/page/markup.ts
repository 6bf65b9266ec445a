// HTML and SVG from templates: whatever is put into one is escaped as text, unless it is markup itself.

/** Text that is known to be well-formed HTML and SVG. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Content = Markup | readonly Markup[] | string | number;

export const nothing = new Markup('');

/** The template with its values: strings and numbers escaped, for use between tags and inside quoted attributes. */
export function markup(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(
    strings.map((string, index) => string + (index < values.length ? toText(values[index]!) : '')).join(''),
  );
}

function toText(value: Content): string {
  if (value instanceof Markup) return value.text;
  if (typeof value === 'string' || typeof value === 'number') return escapeText(String(value));
  return value.map(({ text }) => text).join('');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

// An SVG file with one of these is no XML, written as an entity neither.
const noXml = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

/** Text that means itself in HTML, in XML and in attributes of both; characters that XML lacks become U+FFFD. */
export function escapeText(text: string): string {
  return text.replace(noXml, '\ufffd').replace(/[&<>"']/g, (character) => entities[character]!);
}

/** Markup if the condition holds, else nothing. */
export function when(condition: boolean, content: () => Markup): Markup {
  return condition ? content() : nothing;
}
