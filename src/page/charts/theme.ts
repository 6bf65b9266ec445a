// The colours of both themes and the rules that charts are drawn by. A page takes the colours as custom properties; a file
// of one chart takes them as they are, because few programs that show SVG know custom properties.

export type ThemeName = 'light' | 'dark';

/** Eight colours that stay apart for readers with protanopia, deuteranopia and tritanopia, three to one against the page. */
export const seriesColours: Readonly<Record<ThemeName, readonly string[]>> = {
  light: ['#0797fb', '#d03c08', '#09836c', '#762346', '#be8d00', '#00547d', '#724ed1', '#9095a4'],
  dark: ['#7bcaff', '#fe7501', '#86eea2', '#c8478a', '#9a8a00', '#2f7fe6', '#c07cff', '#8b8f98'],
};

/** From few to many. */
const heatColours: Readonly<Record<ThemeName, readonly string[]>> = {
  light: ['#eaf3fb', '#cfe4f7', '#aed2f1', '#86bbe8', '#579fdb', '#2a79bd', '#1763a6', '#0b4680'],
  dark: ['#17293b', '#1b3a57', '#1f4d75', '#256294', '#2b6ea5', '#5596cd', '#85b6e3', '#bcd9f5'],
};

/** In both themes, light first. */
const plainColours = {
  page: ['#ffffff', '#14171b'],
  raised: ['#f6f7f9', '#1c2026'],
  ink: ['#16191d', '#e9ecef'],
  muted: ['#59626d', '#9ba5b1'],
  axis: ['#aab2bc', '#525c68'],
  grid: ['#e7eaee', '#272d35'],
  accent: ['#0b62b5', '#7cbcf7'],
  warning: ['#9a4a00', '#f0a35a'],
  'heat-low': ['#16191d', '#e9ecef'],
  'heat-high': ['#ffffff', '#0d1116'],
} as const;

/** How many colours of a heat map there are. */
export const heatSteps = heatColours.light.length;

/** Every custom property of a theme by its name without dashes. */
export function coloursOf(theme: ThemeName): ReadonlyMap<string, string> {
  return new Map([
    ...Object.entries(plainColours).map(([name, [light, dark]]): [string, string] => [
      name,
      theme === 'light' ? light : dark,
    ]),
    ...seriesColours[theme].map((colour, index): [string, string] => [`series-${index}`, colour]),
    ...heatColours[theme].map((colour, index): [string, string] => [`heat-${index}`, colour]),
  ]);
}

export const fontFamily = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

// Up to this step the ink of the page has the better contrast in both themes.
const lastOfPageInk = 4;

/** The text on a colour of a heat map. */
export function inkOnHeat(step: number): 'heat-low' | 'heat-high' {
  return step <= lastOfPageInk ? 'heat-low' : 'heat-high';
}

/** Rules for what is inside a chart's svg element, colours as `var(--name)`. */
export const chartRules = [
  `.chart { font-family: ${fontFamily}; font-variant-numeric: tabular-nums; }`,
  '.chart text { font-size: 12.5px; fill: var(--muted); stroke: none; }',
  '.chart .axis-title { fill: var(--ink); font-weight: 600; }',
  // Read above the gridlines behind it.
  '.chart .name { stroke: var(--page); stroke-width: 4; paint-order: stroke; }',
  '.chart .title { font-size: 16px; font-weight: 650; fill: var(--ink); }',
  '.chart .legend text { fill: var(--ink); }',
  '.grid { stroke: var(--grid); stroke-width: 1; fill: none; }',
  '.axis { stroke: var(--axis); stroke-width: 1; fill: none; }',
  '.band { fill: var(--raised); }',
  '.line { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }',
  '.line.thin { stroke-width: 1.25; }',
  '.dash-1 { stroke-dasharray: 7 4; }',
  '.dash-2 { stroke-dasharray: 2 4; }',
  '.dot { fill: currentColor; stroke: var(--page); stroke-width: 1; }',
  '.dot.hollow { fill: var(--page); stroke: currentColor; stroke-width: 1.75; }',
  '.whisker { stroke: currentColor; stroke-width: 1.25; fill: none; }',
  '.hit { fill: none; stroke: none; pointer-events: all; }',
  '.bar { fill: currentColor; fill-opacity: 0.85; stroke: var(--page); stroke-width: 1; }',
  '.bar.idle { fill: var(--raised); fill-opacity: 1; stroke: var(--axis); }',
  '.neutral { color: var(--muted); }',
  '.missing { fill: none; stroke: var(--axis); stroke-width: 1; stroke-dasharray: 3 3; }',
  ...seriesColours.light.map((_, index) => `.s${index} { color: var(--series-${index}); }`),
  ...heatColours.light.map((_, index) => `.h${index} { fill: var(--heat-${index}); }`),
  '.chart .heat-low { fill: var(--heat-low); }',
  '.chart .heat-high { fill: var(--heat-high); }',
  '.mark:hover .dot { stroke: var(--ink); stroke-width: 2; }',
].join('\n');

/** A stylesheet of its own with both themes: colours instead of custom properties. */
export function formatStyle(): string {
  const paint = (theme: ThemeName): string => {
    const colours = coloursOf(theme);
    return `.page { fill: var(--page); }\n${chartRules}`.replace(/var\(--([\w-]+)\)/g, (_, name: string) =>
      colours.get(name)!,
    );
  };
  return `${paint('light')}\n@media (prefers-color-scheme: dark) {\n${paint('dark')}\n}`;
}
