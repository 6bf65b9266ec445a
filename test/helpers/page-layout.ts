// What a page looks like in a browser, as numbers: what overlaps, what is hidden, what is too small or too faint.

/** Numbers that need a browser's layout; run there, as text, because these tests know no DOM types. */
export const measureLayout = `(() => {
  const charts = [...document.querySelectorAll('svg.chart')];
  const overlaps = charts.flatMap((chart) => {
    const boxes = [...chart.querySelectorAll('text')].map((text) => [text.textContent, text.getBoundingClientRect()]);
    return boxes.flatMap(([text, a], index) => boxes.slice(0, index)
      .filter(([, b]) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2 && b.top < a.bottom - 2)
      .map(([other]) => chart.dataset.chart + ': ' + text + ' on ' + other));
  });
  const inPlot = (chart, x, y) => {
    // The gridlines go from top to bottom, the axis from left to right.
    const [{ top, bottom }, { left, right }] = ['.grid', '.axis'].map((name) => chart.querySelector(name).getBoundingClientRect());
    return x >= left - 1 && x <= right + 1 && y >= top - 1 && y <= bottom + 1;
  };
  const plots = charts.filter((chart) => chart.querySelector('.grid'));
  const outside = plots.flatMap((chart) => [...chart.querySelectorAll('.mark .dot, .whisker')]
    .map((mark) => mark.getBoundingClientRect())
    .filter(({ left, right, top, bottom }) => {
      const [x, from, to] = [(left + right) / 2, Math.min(bottom, top + 8), Math.max(top, bottom - 8)];
      return !inPlot(chart, x, from) || !inPlot(chart, x, to);
    }).map(() => chart.dataset.chart));
  const crossed = plots.flatMap((chart) => {
    const boxes = [...chart.querySelectorAll('text')].map((text) => text.getBoundingClientRect());
    return [...chart.querySelectorAll('.line')].filter((line) => !line.closest('.legend')).flatMap((line) => {
      const toScreen = line.getScreenCTM();
      const length = line.getTotalLength();
      return Array.from({ length: 101 }, (_, n) => line.getPointAtLength((n / 100) * length).matrixTransform(toScreen))
        .filter(({ x, y }) => boxes.some((box) => x > box.left && x < box.right && y > box.top + 2 && y < box.bottom - 2))
        .map(() => chart.dataset.chart);
    });
  });
  const looks = plots.map((chart) => {
    const lines = [...chart.querySelectorAll('.legend .line')].map((line) => getComputedStyle(line));
    return {
      lines: lines.length,
      alike: lines.length - new Set(lines.map(({ stroke, strokeDasharray }) => stroke + strokeDasharray)).size,
    };
  });
  const channel = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number);
    return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  };
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at);
      if (backgroundColor !== 'rgba(0, 0, 0, 0)') return backgroundColor;
    }
    return 'rgb(255, 255, 255)';
  };
  const texts = [...document.querySelectorAll('body *')].filter((element) =>
    element.checkVisibility() && !['SCRIPT', 'title', 'desc'].includes(element.tagName) &&
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ''));
  const faint = texts.map((element) => {
    const isDrawn = element.closest('svg') !== null;
    const cell = isDrawn ? element.parentElement.querySelector(':scope > rect[class^=h]') : null;
    const back = cell ? getComputedStyle(cell).fill : behind(element);
    const { color, fill } = getComputedStyle(element);
    return [contrast(isDrawn ? fill : color, back), element.textContent];
  }).filter(([ratio]) => ratio < 4.5);
  const spread = [...document.querySelectorAll('body *')].filter((element) =>
    element.closest('.scroll') === null && element.checkVisibility() &&
    element.getBoundingClientRect().right > innerWidth + 1 && element.closest('svg') === null).map((element) => element.tagName);
  const growth = [...document.querySelectorAll('#growth td')].map((cell) => cell.getBoundingClientRect());
  const sizes = charts.flatMap((chart) => [...chart.querySelectorAll('text')].map((text) =>
    parseFloat(getComputedStyle(text).fontSize) * chart.getBoundingClientRect().width / chart.viewBox.baseVal.width));
  return {
    marks: [...document.querySelectorAll('.mark')].filter((mark) => mark.checkVisibility()).length,
    charts: charts.length,
    overlaps,
    outside,
    crossed,
    mostLines: Math.max(...looks.map(({ lines }) => lines)),
    alike: looks.reduce((sum, { alike }) => sum + alike, 0),
    faint,
    spread,
    hidden: growth.filter(({ left, right }) => left < 0 || right > innerWidth + 1).length,
    smallestText: Math.min(...texts.map((element) => parseFloat(getComputedStyle(element).fontSize))),
    smallest: Math.min(...sizes),
    overflow: document.documentElement.scrollWidth - innerWidth,
    page: getComputedStyle(document.body).backgroundColor,
    bare: [...document.querySelectorAll('.line, .dot, .bar, .mark rect')].filter((mark) => {
      const { fill, stroke } = getComputedStyle(mark);
      return fill === 'none' && stroke === 'none';
    }).length,
  };
})()`;

export interface Layout {
  readonly marks: number;
  readonly charts: number;
  readonly overlaps: readonly string[];
  /** Charts with marks outside their plot, and with lines across their text. */
  readonly outside: readonly string[];
  readonly crossed: readonly string[];
  /** Of a legend. */
  readonly mostLines: number;
  /** Lines of one chart with the same colour and dash. */
  readonly alike: number;
  /** Texts with less than 4.5 to 1 against what is behind them. */
  readonly faint: readonly unknown[];
  /** Elements that reach beyond the page and are in no scroller. */
  readonly spread: readonly string[];
  /** Cells of the table of growth that aren't in sight. */
  readonly hidden: number;
  readonly smallestText: number;
  readonly smallest: number;
  readonly overflow: number;
  readonly page: string;
  readonly bare: number;
}
