// A table of the results, in a box that scrolls by itself where the page is narrow.

import { make } from '../core/dom.mjs';

/** `highlight`: columns whose largest number is marked; `label`: what the table is, for those who hear it.
 * @param {{ head: string[], rows: string[][], highlight?: number[], label?: string }} table
 */
export function tableNode({ head, rows, highlight = [], label = head[0] }) {
  const best = head.map((_, column) => (highlight.includes(column) ? largestRow(rows.map((row) => row[column])) : -1));
  const cells = (/** @type {string[]} */ row, /** @type {number} */ index) => row.map((text, column) => make(column ? 'td' : 'th', {
    ...(column ? {} : { scope: 'row' }), ...(best[column] === index ? { class: 'best' } : {}), text,
  }));
  return make('div', { class: 'result-table', tabindex: '0', role: 'region', 'aria-label': label }, [
    make('table', {}, [
      make('thead', {}, [make('tr', {}, head.map((text) => make('th', { scope: 'col', text })))]),
      make('tbody', {}, rows.map((row, index) => make('tr', {}, cells(row, index)))),
    ]),
  ]);
}

/** The index of the largest number among cells, or -1 where there are fewer than two numbers or a tie.
 * @param {string[]} cells
 */
export function largestRow(cells) {
  const values = cells.map((text) => Number.parseFloat(text)).map((value, index) => ({ value, index })).filter(({ value }) => Number.isFinite(value));
  if (values.length < 2) return -1;
  const max = Math.max(...values.map(({ value }) => value));
  const found = values.filter(({ value }) => value === max);
  return found.length === 1 ? found[0].index : -1;
}
