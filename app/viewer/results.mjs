// The Results tab: what was measured of the networks, as tables and the sentences made from their numbers.

import { make } from './page.mjs';

export function mountResults({ at, props }) {
  const sections = props.measured ?? [];
  at('results-none').hidden = sections.length > 0;
  at('results').replaceChildren(...sections.map(sectionNode));
}

function sectionNode({ title, notes, command, tables, sentences }) {
  return make('section', { class: 'result' }, [
    make('h3', { text: title }),
    ...sentences.map((text) => make('p', { text })),
    ...tables.map(tableNode),
    ...notes.map((text) => make('p', { class: 'hint', text })),
    ...(command ? [make('pre', { class: 'result-command', tabindex: '0', 'aria-label': 'The command that measures it' }, [make('code', { text: command })])] : []),
  ]);
}

/** A table in a box that scrolls by itself where the page is narrow. */
function tableNode({ head, rows, marked }) {
  const best = head.map((_, column) => (marked.includes(column) ? largestRow(rows.map((row) => row[column])) : -1));
  const cells = (row, index) => row.map((text, column) => make(column ? 'td' : 'th', {
    ...(column ? {} : { scope: 'row' }), ...(best[column] === index ? { class: 'best' } : {}), text,
  }));
  return make('div', { class: 'result-table', tabindex: '0', role: 'region', 'aria-label': head[0] }, [
    make('table', {}, [
      make('thead', {}, [make('tr', {}, head.map((text) => make('th', { scope: 'col', text })))]),
      make('tbody', {}, rows.map((row, index) => make('tr', {}, cells(row, index)))),
    ]),
  ]);
}

/** The index of the largest number among cells, or -1 where there are fewer than two numbers or a tie. */
export function largestRow(cells) {
  const values = cells.map((text) => Number.parseFloat(text)).map((value, index) => ({ value, index })).filter(({ value }) => Number.isFinite(value));
  if (values.length < 2) return -1;
  const top = Math.max(...values.map(({ value }) => value));
  const found = values.filter(({ value }) => value === top);
  return found.length === 1 ? found[0].index : -1;
}
