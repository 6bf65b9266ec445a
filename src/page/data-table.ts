// A table of results: readable as it is, and with what the page's script needs to sort it.
import { absent } from './figures.js';
import { markup, nothing, type Markup } from './markup.js';

export interface Column<Row> {
  readonly title: string;
  /** Sorted by it; null: nothing was measured. */
  readonly value: (row: Row) => string | number | null;
  /** Default: the value itself. */
  readonly show?: (row: Row) => string;
}

export interface DataTable<Row> {
  readonly caption: string;
  /** The first one names the row. */
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** Whether a row's figures are to be taken with care. */
  readonly isUnsure: (row: Row) => boolean;
}

/** Scrolls in a container of its own where the page is too narrow. */
export function formatDataTable<Row>({ caption, columns, rows, isUnsure }: DataTable<Row>): Markup {
  const texts = columns.map(({ value }) => rows.some((row) => typeof value(row) === 'string'));
  const headings = columns.map(
    ({ title }, index) => markup`<th scope="col"${align(texts[index]!)}>${title}</th>`,
  );
  const lines = rows.map((row) => {
    const cells = columns.map((column, index) => formatCell(column, row, index === 0, texts[index]!));
    return markup`<tr${isUnsure(row) ? markup` class="unsure"` : nothing}>${cells}</tr>\n`;
  });
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table class="sortable wide"><caption><span>${caption}</span></caption><thead><tr>${headings}</tr></thead><tbody>${lines}</tbody></table></div>`;
}

function formatCell<Row>({ value, show }: Column<Row>, row: Row, isName: boolean, isText: boolean): Markup {
  const sorted = value(row);
  const isAbsent = sorted === null || (typeof sorted === 'number' && !Number.isFinite(sorted));
  const attribute = isAbsent ? nothing : markup` data-value="${sorted}"`;
  const text = isAbsent ? absent : (show?.(row) ?? String(sorted));
  return isName
    ? markup`<th scope="row"${align(isText)}${attribute}>${text}</th>`
    : markup`<td${align(isText)}${attribute}>${text}</td>`;
}

function align(isText: boolean): Markup {
  return isText ? markup` class="text"` : nothing;
}
