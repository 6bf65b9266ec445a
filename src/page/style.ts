// The looks of a page: one column of text and tables, charts in pairs, both themes from the colours of the charts.
import { chartRules, coloursOf, fontFamily, type ThemeName } from './charts/theme.js';

function properties(theme: ThemeName): string {
  return [...coloursOf(theme)].map(([name, colour]) => `--${name}: ${colour};`).join(' ');
}

export const pageStyle = `
:root { color-scheme: light dark; ${properties('light')} }
@media (prefers-color-scheme: dark) { :root { ${properties('dark')} } }
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; scroll-behavior: smooth; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.6 ${fontFamily}; }
header, main, footer { max-width: 1100px; margin: 0 auto; padding: 0 32px; }
header { padding-top: 64px; }
h1, h2, h3, p, dl, dd, figure { margin: 0; }
h1 { font-size: 38px; line-height: 1.15; font-weight: 680; letter-spacing: -0.022em; overflow-wrap: anywhere; }
h2 { font-size: 23px; line-height: 1.3; font-weight: 650; letter-spacing: -0.012em; }
h3 { font-size: 16px; line-height: 1.4; font-weight: 650; }
a { color: var(--accent); text-underline-offset: 3px; text-decoration-thickness: 1px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
.eyebrow { color: var(--accent); font-size: 14px; font-weight: 650; margin-bottom: 8px; }
.lead { color: var(--muted); font-size: 17px; max-width: 68ch; margin-top: 12px; }
.muted { color: var(--muted); }
.warning { border-left: 4px solid var(--warning); background: var(--raised); padding: 12px 16px; margin-top: 20px; max-width: 76ch; }
nav { display: flex; flex-wrap: wrap; gap: 4px 24px; margin-top: 24px; font-size: 15px; }
nav a { text-decoration: none; }
nav a:hover { text-decoration: underline; }
section { margin-top: 64px; }
section > h2 + p { color: var(--muted); max-width: 72ch; margin-top: 6px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); gap: 32px; margin-top: 40px; padding: 28px 0; border: solid var(--grid); border-width: 1px 0; }
.tile { min-width: 0; }
.tile dt { color: var(--muted); font-size: 14px; }
.tile .figure { font-size: 36px; line-height: 1.2; font-weight: 650; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; margin-top: 4px; }
.tile .unit { font-size: 17px; font-weight: 500; letter-spacing: 0; color: var(--muted); }
.tile .detail { color: var(--muted); font-size: 14px; line-height: 1.45; margin-top: 4px; overflow-wrap: anywhere; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 20px 32px; margin-top: 24px; }
.facts div { min-width: 0; }
.facts dt { color: var(--muted); font-size: 14px; }
.facts dd { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.figures { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 48px 56px; margin-top: 32px; }
.figures > * { min-width: 0; }
figcaption, .aside > p { color: var(--muted); font-size: 14px; line-height: 1.5; }
figure { display: grid; grid-template-rows: subgrid; row-gap: 16px; align-content: start; }
.figures > * { grid-row: span 2; }
.aside td { white-space: normal; }
.aside td.text { min-width: 15ch; }
figcaption h3, .aside h3 { color: var(--ink); font-size: 16px; margin-bottom: 2px; }
.chart { display: block; width: 100%; height: auto; overflow: visible; }
.aside .scroll { margin-top: 16px; }
.scroll { overflow-x: auto; margin-top: 24px; border: solid var(--grid); border-width: 1px 0; background: linear-gradient(to right, transparent, var(--page) 60%) right / 56px 100% no-repeat local, linear-gradient(to right, transparent, var(--grid)) right / 28px 100% no-repeat scroll; }
table { border-collapse: collapse; width: 100%; font-size: 14px; line-height: 1.4; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--muted); padding: 12px 0; }
/* Read without scrolling, however wide the table is. */
caption span { display: inline-block; position: sticky; left: 0; max-width: min(80ch, calc(100vw - 48px)); }
th, td { padding: 8px 12px; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--grid); }
tbody tr:last-child > * { border-bottom: 0; }
th { font-weight: 600; }
th:first-child { padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--muted); vertical-align: bottom; }
tbody th { font-weight: 500; }
.text { text-align: left; }
tbody tr:hover > * { background: var(--raised); }
.wide > thead th:first-child, .wide > tbody th:first-child { position: sticky; left: 0; background: var(--page); box-shadow: 1px 0 var(--grid); }
.wide > tbody tr:hover > th:first-child { background: var(--raised); }
td .muted { display: block; }
.unsure > * { color: var(--muted); }
.sign { color: var(--warning); font-size: 12.5px; font-weight: 600; white-space: nowrap; }
th:not(.text) > .sign { display: block; }
.key { display: grid; gap: 4px; max-width: 76ch; margin-top: 12px; color: var(--muted); font-size: 14px; line-height: 1.5; }
th button { all: unset; cursor: pointer; color: inherit; font: inherit; white-space: nowrap; }
th button:hover { color: var(--ink); }
th button:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; border-radius: 2px; }
th button::after { content: "\\2195"; content: "\\2195" / ""; opacity: 0.35; margin-left: 5px; }
th[aria-sort] button { color: var(--ink); }
th[aria-sort] button::after { opacity: 1; }
th[aria-sort=ascending] button::after { content: "\\2191"; content: "\\2191" / ""; }
th[aria-sort=descending] button::after { content: "\\2193"; content: "\\2193" / ""; }
.notes { max-width: 76ch; padding-left: 20px; margin: 16px 0 0; }
.notes li { margin-top: 8px; padding-left: 4px; overflow-wrap: anywhere; }
footer { margin-top: 80px; padding-top: 24px; padding-bottom: 64px; color: var(--muted); font-size: 14px; display: flex; flex-wrap: wrap; gap: 8px 24px; justify-content: space-between; }
${chartRules}
@media (max-width: 860px) {
  .figures { grid-template-columns: minmax(0, 1fr); }
  .figures > * { max-width: 560px; }
}
@media (max-width: 520px) {
  header, main, footer { padding-left: 14px; padding-right: 14px; }
  header { padding-top: 36px; }
  h1 { font-size: 29px; }
  h2 { font-size: 21px; }
  section { margin-top: 52px; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 24px 20px; margin-top: 28px; padding: 22px 0; }
  .tile .figure { font-size: 28px; }
  .facts { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px 20px; font-size: 15px; }
  .chart text { font-size: 15px; }
  .wide > tbody th:first-child, .wide > thead th:first-child { min-width: 92px; max-width: 34vw; white-space: normal; overflow-wrap: anywhere; }
  .cards > thead { display: none; }
  .cards, .cards > tbody, .cards > caption { display: block; }
  .cards > tbody > tr { display: block; padding: 12px 0; border-bottom: 1px solid var(--grid); }
  .cards > tbody > tr:last-child { border-bottom: 0; }
  .cards > tbody th, .cards > tbody td { display: flex; gap: 10px; padding: 3px 0; border: 0; text-align: right; white-space: normal; }
  .cards > tbody th { font-weight: 600; text-align: left; flex-wrap: wrap; gap: 0 8px; }
  .cards > tbody td::before { content: attr(data-title); color: var(--muted); text-align: left; flex-shrink: 0; margin-right: auto; }
  .cards > tbody td:not([data-title]) { display: none; }
}
@media print { .scroll { overflow: visible; } th button::after { content: none; } }
`;
