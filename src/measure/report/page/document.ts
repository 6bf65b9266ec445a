// The page around its sections: one file that loads nothing. A browser is told to run and draw only what was written here,
// so that text out of results stays text even if escaping it failed.
import { createHash } from 'node:crypto';
import type { GridResults } from '../../grid/results.js';
import type { ScalingResults } from '../../scaling/results.js';
import { formatBytes, formatDuration } from '../../../page/table.js';
import { nameOf } from '../../../page/charts/chart.js';
import { Markup, markup } from '../../../page/markup.js';
import {
  formatFacts,
  formatSection,
  formatTiles,
  type Fact,
  type Section,
  type Tile,
} from '../../../page/parts.js';
import { pageScript } from '../../../page/script.js';
import { pageStyle } from '../../../page/style.js';

/** What a page of one sort of results fills in. */
export interface PageParts {
  readonly command: string;
  readonly lead: string;
  readonly tiles: readonly Tile[];
  readonly sections: readonly Section[];
  /** Beside the machine itself. */
  readonly facts: readonly Fact[];
}

export function formatDocument(results: GridResults | ScalingResults, parts: PageParts): string {
  const { title, version } = results;
  const { command, lead, tiles, sections, facts } = parts;
  const machine: Section = {
    ...{ id: 'machine', title: 'Machine and configuration', text: '' },
    content: formatFacts([...machineFacts(results), ...facts]),
  };
  const links = [machine, ...sections].map(
    (section) => markup`<a href="#${section.id}">${section.title}</a>`,
  );
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
<p class="eyebrow">${command}</p>
<h1>${title}</h1>
<p class="lead">${lead}</p>
<nav aria-label="Sections">${links}</nav>
${formatTiles(tiles)}
</header>
<main>
${formatSection(machine)}${sections.map(formatSection)}</main>
<footer><span>headpool ${version}, ${formatTime(results.startedAt)}</span><a id="download" href="#results" download="${nameOf(title) || 'results'}.json" hidden>Save the results as JSON</a></footer>
<script type="application/json" id="results">${new Markup(embedJson(results))}</script>
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

function machineFacts({ machine, version, startedAt, elapsedMs }: GridResults | ScalingResults): Fact[] {
  return [
    ['Processor', machine.cpu],
    [
      'Logical processors',
      machine.parallelism === machine.cores
        ? String(machine.cores)
        : `${machine.cores}, ${machine.parallelism} of them for this process`,
    ],
    ['Memory', formatBytes(machine.memoryBytes)],
    ['System', machine.platform],
    ['Node.js', `${machine.node} (V8 ${machine.v8})`],
    ['headpool', version],
    ['Started', formatTime(startedAt)],
    ['Took', formatDuration(elapsedMs)],
  ];
}

/** '2025-03-01 09:30 UTC'; what is no time stays as it is. */
function formatTime(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
