// A table of measures: methods down, measures across, the best of each column marked.

import { make } from '../core/dom.mjs';

/** Indices of the best of a column; none unless two rows differ. `values`: numbers, or null where there is none;
 *  `texts`: as they are shown, for what looks the same is equally good.
 * @param {(number | null)[]} values
 * @param {string[]} texts
 * @param {string} direction
 */
export function bestOf(values, texts, direction) {
  const known = values.flatMap((value, i) => (value === null ? [] : [i]));
  const number = (/** @type {number} */ i) => values[i] ?? NaN;
  const better = direction === 'lower' ? (/** @type {number} */ a, /** @type {number} */ b) => number(a) < number(b) : (/** @type {number} */ a, /** @type {number} */ b) => number(a) > number(b);
  const best = known.reduce((one, i) => (better(i, one) ? i : one), known[0]);
  const alike = known.filter((i) => texts[i] === texts[best]);
  return alike.length < known.length ? alike : [];
}

/** Heads with their definitions as tooltips. `columns`: [{ id, title, description, direction }].
 * @param {HTMLElement} row
 * @param {Crt.MeasureColumn[]} columns
 */
export function drawHead(row, columns) {
  /** @type {Record<string, string>} */
  const arrow = { higher: ' ↑', lower: ' ↓' };
  row.replaceChildren(make('td'), ...columns.map(({ title, description, direction }) => make('th', { scope: 'col', title: description }, [
    make('span', { text: title }),
    ...(direction ? [make('span', { 'aria-hidden': 'true', text: arrow[direction] }), make('span', { class: 'visually-hidden', text: `, ${direction} is better` })] : []),
  ])));
}

/** `rows`: [{ key, title, note, values, texts, compared }], a value and a text for each column; rows with `compared` false
 *  take no part in the best.
 * @param {HTMLElement} body
 * @param {Crt.MeasureColumn[]} columns
 * @param {Crt.MeasureRow[]} rows
 */
export function drawRows(body, columns, rows) {
  const best = columns.map(({ direction }, k) => bestOf(
    rows.map((row) => (row.compared === false ? null : row.values[k])), rows.map((row) => row.texts[k]), direction ?? 'higher',
  ));
  body.replaceChildren(...rows.map((row, i) => make('tr', {}, [
    make('th', { scope: 'row' }, [make('span', { class: `key ${row.key}`, text: row.title }), ...(row.note ? [make('small', { text: row.note })] : [])]),
    ...row.texts.map((text, k) => (best[k].includes(i)
      ? make('td', { class: 'best' }, [make('span', { 'aria-hidden': 'true', text: '★ ' }), make('span', { text }), make('span', { class: 'visually-hidden', text: ', best' })])
      : make('td', { text }))),
  ])));
}

/** Definitions for those who have no tooltips.
 * @param {HTMLElement} list
 * @param {Pick<Crt.MeasureColumn, 'title' | 'description'>[]} columns
 */
export function drawMeanings(list, columns) {
  list.replaceChildren(...columns.flatMap(({ title, description }) => [make('dt', { text: title }), make('dd', { text: description })]));
}
