// A table of measures: methods down, measures across, the best of each column marked.

import { make } from './page.mjs';

/** Indices of the best of a column; none unless two rows differ. `values`: numbers, or null where there is none. */
export function bestOf(values, direction) {
  const known = values.filter((value) => value !== null);
  const best = direction === 'lower' ? Math.min(...known) : Math.max(...known);
  if (known.length < 2 || known.every((value) => value === best)) return [];
  return values.flatMap((value, i) => (value === best ? [i] : []));
}

/** Heads with their definitions as tooltips. `columns`: [{ id, title, says, direction }]. */
export function drawHead(row, columns) {
  const arrow = { higher: ' ↑', lower: ' ↓' };
  row.replaceChildren(make('td'), ...columns.map(({ title, says, direction }) => make('th', { scope: 'col', title: says }, [
    make('span', { text: title }),
    ...(direction ? [make('span', { 'aria-hidden': 'true', text: arrow[direction] }), make('span', { class: 'unseen', text: `, ${direction} is better` })] : []),
  ])));
}

/** `rows`: [{ key, title, note, values, texts, compared }], a value and a text for each column; rows with `compared` false
 *  take no part in the best. */
export function drawRows(body, columns, rows) {
  const best = columns.map(({ direction }, k) => bestOf(rows.map((row) => (row.compared === false ? null : row.values[k])), direction ?? 'higher'));
  body.replaceChildren(...rows.map((row, i) => make('tr', {}, [
    make('th', { scope: 'row' }, [make('span', { class: `key ${row.key}`, text: row.title }), ...(row.note ? [make('small', { text: row.note })] : [])]),
    ...row.texts.map((text, k) => (best[k].includes(i)
      ? make('td', { class: 'best' }, [make('span', { 'aria-hidden': 'true', text: '★ ' }), make('span', { text }), make('span', { class: 'unseen', text: ', best' })])
      : make('td', { text }))),
  ])));
}

/** Definitions for those who have no tooltips. */
export function drawMeanings(list, columns) {
  list.replaceChildren(...columns.flatMap(({ title, says }) => [make('dt', { text: title }), make('dd', { text: says })]));
}
