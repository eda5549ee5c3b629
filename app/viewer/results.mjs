// The Results tab: what was measured of the networks, as tables and the sentences made from their numbers.

import { lineChart } from './curves.mjs';
import { make } from './page.mjs';

const FEW = 12; // places on the x axis up to which each has its number

export function mountResults({ at, props }) {
  const sections = props.measured ?? [];
  at('results-none').hidden = sections.length > 0;
  at('results').replaceChildren(...sections.map(sectionNode));
}

const COLOURS = ['--crt', '--tscam', '--resnet', '--crt_cnn', '--ink', '--soft'];

function sectionNode({ title, notes, command, tables, sentences, charts }) {
  return make('section', { class: 'result' }, [
    make('h3', { text: title }),
    ...sentences.map((text) => make('p', { text })),
    ...tables.flatMap((table) => [tableNode(table), ...table.says.map((text) => make('p', { class: 'result-says', text }))]),
    ...(charts.length ? [make('div', { class: 'result-charts' }, charts.map(chartNode))] : []),
    ...notes.map((text) => make('p', { class: 'hint', text })),
    ...(command ? [make('pre', { class: 'result-command', tabindex: '0', 'aria-label': 'The command that measures it' }, [make('code', { text: command })])] : []),
  ]);
}

function chartNode(chart) {
  const { node, draw } = lineChart();
  draw(chartSpec(chart), chart.says);
  return node;
}

/** A chart of the results as `lineChart` takes it. */
export function chartSpec({ title, x, y, lines }) {
  const places = [...new Set(lines.flatMap((line) => line.x))].sort((a, b) => a - b);
  return {
    title,
    x: { label: x, ...(places.length <= FEW ? { values: places } : {}), format: String },
    y: { label: y, format: (value) => value.toFixed(1) },
    series: lines.map((line, i) => ({
      name: line.name, color: `var(${COLOURS[i % COLOURS.length]})`, dash: i < COLOURS.length ? '' : '5 3',
      points: line.x.map((place, at) => [place, line.y[at]]),
    })),
  };
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
