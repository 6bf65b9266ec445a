// Tables. The columns of a result are described once and give its aligned text, its HTML, which the page's script sorts,
// and its CSV.
import { absent } from './figures.js';
import { markup, nothing, when, type Content, type Markup } from './markup.js';

/** Null and undefined: there is none. */
export type Value = string | number | boolean | null | undefined;

export interface Column<Row> {
  /** Default: the column's name. */
  readonly title?: string;
  /** What CSV has of a row, and HTML sorts it by. */
  readonly value: (row: Row) => Value;
  /** Of numbers; default: all their digits. */
  readonly format?: (value: number) => string;
  /** For people, where there is a value that isn't all that a cell says. */
  readonly show?: (row: Row) => string | undefined;
  /** Whether it is for people only; CSV has all others. */
  readonly isForPeople?: true;
  // Where text and HTML differ:
  readonly textTitle?: string;
  readonly textFormat?: (value: number) => string;
  readonly showHtml?: (row: Row) => Content | undefined;
}

/** By their names, which are the header of CSV and have units: 'medianMs'. */
export type Columns<Row, Name extends string = string> = Readonly<Record<Name, Column<Row>>>;

export interface Table<Row> {
  /** The first one names the row. */
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** Of the rows that are to be taken with care. */
  readonly markOf?: (row: Row) => RowMark | undefined;
}

/** Why a row is to be taken with care. */
export interface RowMark {
  /** A word, which stands in the row. */
  readonly name: string;
  /** What the word means, which stands once below the table. */
  readonly says: string;
}

/** Some columns by their names, in this order. */
export function select<Row, Name extends string>(
  columns: Columns<Row, Name>,
  names: readonly Name[],
): Column<Row>[] {
  return names.map((name) => ({ title: name, ...columns[name] }));
}

/** Columns of text are left-aligned, others right-aligned. */
function isText<Row>({ value }: Column<Row>, rows: readonly Row[]): boolean {
  return rows.some((row) => typeof value(row) === 'string');
}

function hasValue<Row>({ value }: Column<Row>, row: Row): boolean {
  const found = value(row);
  return found != null && (typeof found !== 'number' || Number.isFinite(found));
}

function showValue(value: Value, format: (value: number) => string = String): string {
  return typeof value === 'number' ? format(value) : String(value);
}

/** Lines without a line break at their end, the header first. With `markOf`, names have `~` or a blank in front. */
export function formatTextTable<Row>({ columns, rows, markOf }: Table<Row>): string {
  const header = columns.map(({ title = '', textTitle = title }) => textTitle);
  const lines = rows.map((row) =>
    columns.map((column, index) => {
      const { value, format, textFormat = format, show } = column;
      const text = hasValue(column, row) ? (show?.(row) ?? showValue(value(row), textFormat)) : '';
      return index === 0 && markOf !== undefined ? `${markOf(row) ? '~' : ' '} ${text}` : text;
    }),
  );
  return formatTable(
    [header, ...lines],
    columns.map((column) => (isText(column, rows) ? 'left' : 'right')),
  );
}

/** Names of files may have line breaks. */
export function toOneLine(text: string): string {
  return text.replaceAll('\n', String.raw`\n`);
}

export type Alignment = 'left' | 'right';

/** Rows as aligned columns, two spaces apart; the first row may be a header. */
export function formatTable(cells: readonly (readonly string[])[], alignments: readonly Alignment[]): string {
  const rows = cells.map((row) => row.map(toOneLine));
  const widths = alignments.map((_, column) =>
    rows.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), 0),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          alignments[column] === 'right' ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export interface HtmlTable<Row> extends Table<Row> {
  /** What it is called where nobody sees it; default: the caption. */
  readonly label?: string;
  readonly caption?: string;
  readonly id?: string;
  readonly isSortable?: boolean;
  /** Its first column stays in sight. */
  readonly isWide?: boolean;
  /** Its rows are cards where the page is narrow: their values below each other, those that there are, with their titles. */
  readonly hasCards?: boolean;
}

/**
 * Scrolls in a container of its own where the page is too narrow, with a key of its marks below. In a cell, what is muted
 * has lines of its own.
 */
export function formatHtmlTable<Row>(table: HtmlTable<Row>): Markup {
  const { columns, rows, markOf, caption = '', label = caption, id, isSortable, isWide, hasCards } = table;
  const aligned = columns.map((column) => attribute('class', isText(column, rows) ? 'text' : undefined));
  const headings = columns.map(
    ({ title = '' }, index) => markup`<th scope="col"${aligned[index]!}>${title}</th>`,
  );
  const lines = rows.map((row) => {
    const cells = columns.map((column, index) => {
      const [tag, scope] = index === 0 ? ['th', 'row'] : ['td', undefined];
      const isSorted = isSortable === true && hasValue(column, row);
      const sorted = attribute('data-value', isSorted ? String(column.value(row)) : undefined);
      const titled = attribute(
        'data-title',
        hasCards && index > 0 && hasValue(column, row) ? column.title : undefined,
      );
      const mark = index === 0 ? drawMark(markOf?.(row)) : nothing;
      return markup`<${tag}${attribute('scope', scope)}${aligned[index]!}${sorted}${titled}>${formatCell(column, row)}${mark}</${tag}>`;
    });
    return markup`<tr${attribute('class', markOf?.(row) && 'unsure')}>${cells}</tr>\n`;
  });
  const classes = Object.entries({ sortable: isSortable, wide: isWide, cards: hasCards }).flatMap(
    ([name, has]) => (has ? [name] : []),
  );
  return markup`<div class="scroll"${attribute('id', id)} tabindex="0" role="region" aria-label="${label}"><table${attribute('class', classes.join(' ') || undefined)}>${when(
    caption !== '',
    () => markup`<caption><span>${caption}</span></caption>`,
  )}<thead><tr>${headings}</tr></thead><tbody>${lines}</tbody></table></div>${formatKey(rows.map((row) => markOf?.(row)))}`;
}

function drawMark(mark: RowMark | undefined): Markup {
  return mark === undefined ? nothing : markup` <span class="sign">~ ${mark.name}</span>`;
}

/** What the marks mean, each once. */
function formatKey(marks: readonly (RowMark | undefined)[]): Markup {
  const says = new Map(marks.flatMap((mark) => (mark === undefined ? [] : [[mark.name, mark.says]])));
  const lines = [...says].map(
    ([name, text]) => markup`<span><span class="sign">~ ${name}</span> ${text}</span>`,
  );
  return when(lines.length > 0, () => markup`<p class="key">${lines}</p>`);
}

function formatCell<Row>(column: Column<Row>, row: Row): Content {
  if (!hasValue(column, row)) return absent;
  return column.showHtml?.(row) ?? column.show?.(row) ?? showValue(column.value(row), column.format);
}

/** Nothing if it is undefined. */
function attribute(name: string, value: string | undefined): Markup {
  return value === undefined ? nothing : markup` ${name}="${value}"`;
}

/** RFC 4180: a header and a line a row, each with its line break. */
export function formatCsv<Row>(columns: Columns<Row>, rows: readonly Row[]): string {
  const kept = Object.entries(columns).filter(([, { isForPeople }]) => isForPeople !== true);
  const header = kept.map(([name]) => formatField(name));
  const lines = rows.map((row) => kept.map(([, { value }]) => formatField(value(row))));
  return [header, ...lines].map((line) => `${line.join(',')}\r\n`).join('');
}

function formatField(value: Value): string {
  if (value == null) return '';
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
