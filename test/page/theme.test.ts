// The colours of both themes: every text on what it stands on has a contrast of 4.5 to 1 at least (WCAG 2, AA).
import test from 'ava';
import { coloursOf, heatSteps, inkOnHeat, type ThemeName } from '../../src/page/charts/theme.js';

function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high! + 0.05) / (low! + 0.05);
}

for (const theme of ['light', 'dark'] as const satisfies readonly ThemeName[]) {
  test(`text can be read in the ${theme} theme, on the page and on every colour of a map`, (t) => {
    const colours = coloursOf(theme);
    const holds = (ink: string, behind: string) => {
      const found = contrast(colours.get(ink)!, colours.get(behind)!);
      t.true(found >= 4.5, `${ink} on ${behind}: ${found.toFixed(2)}`);
    };
    for (const ink of ['ink', 'muted', 'accent', 'warning'])
      for (const behind of ['page', 'raised']) holds(ink, behind);
    for (let step = 0; step < heatSteps; step++) holds(inkOnHeat(step), `heat-${step}`);
  });
}
