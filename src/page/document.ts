// The page around its sections: one file that loads nothing. A browser is told to run and draw only what was written here,
// so that text out of data stays text even if escaping it failed.
import { createHash } from 'node:crypto';
import { nameOf } from './charts/chart.js';
import { Markup, markup, when } from './markup.js';
import { formatSection, formatTiles, type Section, type Tile } from './parts.js';
import { pageScript } from './script.js';
import { pageStyle } from './style.js';

export interface PageParts {
  readonly title: string;
  /** What made the page; above the title, unless it is the title. */
  readonly command: string;
  /** What the page is about, in a sentence. */
  readonly lead: string;
  /** What must be known before any of it is read. */
  readonly warnings?: readonly string[];
  readonly tiles: readonly Tile[];
  readonly sections: readonly Section[];
  readonly footer: string;
  /** Embedded as JSON, which the page can save. */
  readonly data: unknown;
}

/** A complete HTML document that loads nothing, for light and dark themes. */
export function formatDocument(parts: PageParts): string {
  const { title, command, lead, warnings = [], tiles, sections, footer, data } = parts;
  const links = sections.map((section) => markup`<a href="#${section.id}">${section.title}</a>`);
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Markup(pageStyle)}</style>
</head>
<body>
<header>
${when(title !== command, () => markup`<p class="eyebrow">${command}</p>`)}
<h1>${title}</h1>
<p class="lead">${lead}</p>
${warnings.map((warning) => markup`<p class="warning" role="note">${warning}</p>\n`)}<nav aria-label="Sections">${links}</nav>
${formatTiles(tiles)}
</header>
<main>
${sections.map(formatSection)}</main>
<footer><span>${footer}</span><a id="download" href="#results" download="${nameOf(title) || 'results'}.json" hidden>Save the results as JSON</a></footer>
<script type="application/json" id="results">${new Markup(embedJson(data))}</script>
<script>${new Markup(pageScript)}</script>
</body>
</html>
`.text;
}

const policy = [
  "default-src 'none'",
  `script-src ${hashOf(pageScript)}`,
  `style-src ${hashOf(pageStyle)}`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** JSON that can't end the element it stands in. */
function embedJson(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}
