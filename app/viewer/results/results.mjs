// The Results tab: what was measured of the networks, as tables and the sentences made from their numbers.

import { createChart } from '../charts/chart.mjs';
import { lineStyles } from '../charts/colors.mjs';
import { make } from '../core/dom.mjs';

/** A section of the Results tab, as `scripts.report` writes it.
 * @typedef {{ head: string[], rows: string[][], highlight: number[], caption: string[] }} Table
 * @typedef {{ name: string, x: number[], y: number[], half_range?: number[] }} Line
 * @typedef {{ title: string, x: string, y: string, lines: Line[], x_labels?: string[], caption: string }} Chart
 * @typedef {{ title: string, notes: string[], command?: string, tables: Table[], sentences: string[], charts: Chart[], weights_sha256?: string }} Section
 */

const MAX_X_TICKS = 12; // values on the x axis up to which each has its number

/** @param {Crt.Page} page */
export function mountResults({ at, measured, onRun }) {
  at('results-none').hidden = measured.length > 0;
  at('results').replaceChildren(...measured.map(sectionNode));
  onRun((view) => {
    const lines = at('results').querySelectorAll('.result-weights');
    measured.forEach((section, i) => { lines[i].textContent = weightsWords(section, view?.run.checkpoint ?? null); });
  });
}

/** Whose numbers a section has, beside the checkpoint on the page.
 * @param {Pick<Section, 'weights_sha256'>} section
 * @param {Pick<Crt.Checkpoint, 'sha256' | 'name'> | null} checkpoint
 */
export function weightsWords({ weights_sha256: weights }, checkpoint) {
  if (!weights) return 'Measured with networks trained for it, not with the checkpoint on this page.';
  if (!checkpoint) return `Measured with the weights ${weights.slice(0, 8)}.`;
  return weights === checkpoint.sha256
    ? `Measured with the checkpoint on this page, ${checkpoint.name} (${weights.slice(0, 8)}).`
    : `Measured with the weights ${weights.slice(0, 8)}, not with the checkpoint on this page, ${checkpoint.name} (${checkpoint.sha256.slice(0, 8)}).`;
}

/** @param {Section} section */
function sectionNode({ title, notes, command, tables, sentences, charts }) {
  return make('section', { class: 'result' }, [
    make('h3', { text: title }),
    make('p', { class: 'hint result-weights' }),
    ...sentences.map((text) => make('p', { text })),
    ...tables.flatMap((table) => [tableNode(table), ...table.caption.map((text) => make('p', { class: 'result-caption', text }))]),
    ...(charts.length ? [make('div', { class: 'result-charts' }, charts.map(chartNode))] : []),
    ...notes.map((text) => make('p', { class: 'hint', text })),
    ...(command ? [make('pre', { class: 'result-command', tabindex: '0', 'aria-label': 'The command that measures it' }, [make('code', { text: command })])] : []),
  ]);
}

/** @param {Chart} chart */
function chartNode(chart) {
  const { node, draw } = createChart();
  draw(chartSpec(chart), chart.caption);
  return node;
}

/** A chart of the results as `createChart` takes it.
 * @param {Omit<Chart, 'caption'>} chart
 * @returns {Crt.ChartSpec}
 */
export function chartSpec({ title, x, y, lines, x_labels: names = [] }) {
  const xs = [...new Set(lines.flatMap((line) => line.x))].sort((a, b) => a - b);
  const styles = lineStyles(lines.map(({ name }) => name));
  return {
    title,
    x: { label: x, format: (value) => names[value] ?? String(value), ...(xs.length <= MAX_X_TICKS ? { values: xs } : {}) },
    y: { label: y, format: (value) => String(Number(value.toFixed(1))), tickformat: '.1~f' },
    series: lines.map((line, i) => ({
      name: line.name, ...styles[i], points: line.x.map((value, at) => [value, line.y[at]]), half_range: line.half_range,
    })),
  };
}

/** A table in a box that scrolls by itself where the page is narrow.
 * @param {Omit<Table, 'caption'>} table
 */
function tableNode({ head, rows, highlight }) {
  const best = head.map((_, column) => (highlight.includes(column) ? largestRow(rows.map((row) => row[column])) : -1));
  const cells = (/** @type {string[]} */ row, /** @type {number} */ index) => row.map((text, column) => make(column ? 'td' : 'th', {
    ...(column ? {} : { scope: 'row' }), ...(best[column] === index ? { class: 'best' } : {}), text,
  }));
  return make('div', { class: 'result-table', tabindex: '0', role: 'region', 'aria-label': head[0] }, [
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
