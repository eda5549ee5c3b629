// The Results tab: what was measured of the networks, as tables and the sentences made from their numbers.

import { layoutChart, lineChart } from '../charts/line_chart.mjs';
import { make } from '../core/dom.mjs';

const MAX_X_TICKS = 12; // places on the x axis up to which each has its number
const BAR_GAP = 4; // units between the bars of two lines at one place
const X_MARGIN = 0.04; // of the width
const CAP_HALF_WIDTH = 2.5; // half the width of a bar's ends
const SVG = 'http://www.w3.org/2000/svg';

/** @param {Crt.Page} page */
export function mountResults({ at, measured }) {
  at('results-none').hidden = measured.length > 0;
  at('results').replaceChildren(...measured.map(sectionNode));
}

const COLOURS = ['--crt', '--tscam', '--resnet', '--crt_cnn', '--ink', '--soft'];

function sectionNode({ title, notes, command, tables, sentences, charts }) {
  return make('section', { class: 'result' }, [
    make('h3', { text: title }),
    ...sentences.map((text) => make('p', { text })),
    ...tables.flatMap((table) => [tableNode(table), ...table.caption.map((text) => make('p', { class: 'result-caption', text }))]),
    ...(charts.length ? [make('div', { class: 'result-charts' }, charts.map(chartNode))] : []),
    ...notes.map((text) => make('p', { class: 'hint', text })),
    ...(command ? [make('pre', { class: 'result-command', tabindex: '0', 'aria-label': 'The command that measures it' }, [make('code', { text: command })])] : []),
  ]);
}

function chartNode(chart) {
  const { node, draw } = lineChart();
  const spec = chartSpec(chart);
  draw(spec, chart.caption);
  node.querySelector('.curve-plot svg')?.append(...spreadBars(spec).map(barNode));
  return node;
}

/** A chart of the results as `lineChart` takes it, its y axis wide enough for the spreads. */
export function chartSpec({ title, x, y, lines, x_labels: names = [] }) {
  const places = [...new Set(lines.flatMap((line) => line.x))].sort((a, b) => a - b);
  const ends = lines.flatMap((line) => line.half_range.flatMap((half, at) => [line.y[at] - half, line.y[at] + half]));
  const room = X_MARGIN * (places.at(-1) - places[0]); // for the bars of the first and last place
  return {
    title,
    x: {
      label: x, format: (value) => names[value] ?? String(value), ...(places.length <= MAX_X_TICKS ? { values: places } : {}),
      ...(ends.length ? { low: places[0] - room, high: places.at(-1) + room } : {}),
    },
    y: { label: y, format: (value) => String(Number(value.toFixed(1))), ...(ends.length ? { low: Math.min(...ends), high: Math.max(...ends) } : {}) },
    series: lines.map((line, i) => ({
      name: line.name, color: `var(${COLOURS[i % COLOURS.length]})`, dash: i < COLOURS.length ? '' : '5 3',
      points: line.x.map((place, at) => [place, line.y[at]]), half_range: line.half_range,
    })),
  };
}

/** Where the bars of the spreads lie in the chart of `spec`: { d (an SVG path), color } for each point that has one, those
 *  of different lines side by side. */
export function spreadBars(spec) {
  const ends = (sign) => spec.series.map((one) => ({ ...one, points: one.points.map(([x, y], at) => [x, y + sign * (one.half_range[at] ?? 0)]) }));
  const layout = layoutChart({ ...spec, series: [...ends(-1), ...ends(1)] });
  return spec.series.flatMap(({ half_range: half, color }, i) => half.flatMap((size, at) => {
    const [low, high] = [layout.series[i].dots[at], layout.series[i + spec.series.length].dots[at]];
    if (!(size > 0 && low && high)) return [];
    const x = low[0] + BAR_GAP * (i - (spec.series.length - 1) / 2);
    const [left, right] = [x - CAP_HALF_WIDTH, x + CAP_HALF_WIDTH].map((value) => value.toFixed(1));
    const [bottom, top] = [low[1].toFixed(1), high[1].toFixed(1)];
    return [{ color, d: `M${left} ${bottom}H${right}M${x.toFixed(1)} ${bottom}V${top}M${left} ${top}H${right}` }];
  }));
}

function barNode({ d, color }) {
  const node = document.createElementNS(SVG, 'path');
  node.setAttribute('d', d);
  node.setAttribute('class', 'result-spread');
  node.style.stroke = color;
  return node;
}

/** A table in a box that scrolls by itself where the page is narrow. */
function tableNode({ head, rows, highlight }) {
  const best = head.map((_, column) => (highlight.includes(column) ? largestRow(rows.map((row) => row[column])) : -1));
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
