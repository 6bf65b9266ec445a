// What a page does by itself: tables sort by the column whose heading is pressed, and the results can be saved. Without it,
// the tables stand as they were written.

export const pageScript = `
'use strict';
const valueOf = (row, column) => {
  const { value } = row.cells[column].dataset;
  return value === undefined ? null : value !== '' && Number.isFinite(Number(value)) ? Number(value) : value;
};
const compare = (a, b) =>
  typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en', { numeric: true });

for (const table of document.querySelectorAll('table.sortable')) {
  const headings = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const rows = [...body.rows];
  headings.forEach((heading, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener('click', () => {
      const isDescending = heading.getAttribute('aria-sort') === 'ascending';
      for (const other of headings) other.removeAttribute('aria-sort');
      heading.setAttribute('aria-sort', isDescending ? 'descending' : 'ascending');
      // Rows without a value stay at the end, whichever way the others go.
      const filled = rows.filter((row) => valueOf(row, column) !== null);
      filled.sort((a, b) => (isDescending ? -1 : 1) * compare(valueOf(a, column), valueOf(b, column)));
      body.append(...filled, ...rows.filter((row) => valueOf(row, column) === null));
    });
  });
}

const download = document.querySelector('#download');
const json = document.querySelector('#results').textContent;
download.href = URL.createObjectURL(new Blob([json], { type: 'application/json' }));
download.hidden = false;
`;
