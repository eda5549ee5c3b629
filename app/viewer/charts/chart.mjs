// A chart on the page: Plotly's drawing, a sentence about what it shows, and the same numbers as a table.

import { withColors } from './colors.mjs';
import { figureOf, isEmpty, plain } from './plotly_figure.mjs';
import { loadPlotly } from './plotly.mjs';
import { make } from '../core/dom.mjs';
import { figure } from '../maths/numbers.mjs';

const CONFIG = { displayModeBar: false, displaylogo: false, responsive: false };
const HEIGHT = { plot: 260, compact: 138, legend: 20, narrow: 420 }; // px; below `narrow` each name of the legend takes a line
const EXPORT = { width: 900, height: 540 }; // px
const FAILED = 'The chart could not be loaded: the numbers are in the table below. Switch the tab to try again.';

/** Rows of the table beside a chart: one for each x, with the y of each line there or null.
 * @param {Pick<Crt.ChartSeries, 'points'>[]} series
 */
export function tableRows(series) {
  const xs = [...new Set(series.flatMap((one) => one.points.map(([x]) => x)))].sort((a, b) => a - b);
  const lines = series.map((one) => new Map(one.points));
  return xs.map((x) => ({ x, values: lines.map((line) => (Number.isFinite(line.get(x)) ? line.get(x) : null)) }));
}

/** The name of a file for a chart.
 * @param {string} title
 */
export const fileName = (title) => title.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '') || 'chart';

/** A chart for the page: `node` to put there, and `draw(spec, reading)`, which may be called again. `reading` says what the
 *  numbers mean, and is all that is shown while there are none. Plotly is loaded, and the chart drawn, once it is in view.
 *  A compact one is the drawing alone, without zoom: title, numbers and `tools`, which save it, are up to the caller.
 */
export function createChart({ compact = false } = {}) {
  const title = make('h3');
  const reading = make('p', { class: 'curve-reading' });
  const plot = make('div', { class: 'curve-plot', role: 'img' });
  const failed = make('p', { class: 'hint', text: FAILED, hidden: true });
  const reset = make('button', { type: 'button', class: 'plain', text: 'Reset zoom', hidden: true, on: { click: resetZoom } });
  const tools = make('div', { class: 'curve-tools' }, [reset, ...['PNG', 'SVG'].map((format) => make('button', {
    type: 'button', class: 'plain', text: format, on: { click: () => save(format.toLowerCase()) },
  }))]);
  const table = make('div', { class: 'curve-table', tabindex: '0', role: 'region' });
  const numbers = make('details', {}, [make('summary', { text: 'Numbers' }), table]);
  const node = compact
    ? make('figure', { class: 'curve compact' }, [plot, failed])
    : make('figure', { class: 'curve' }, [title, reading, plot, failed, tools, numbers]);
  /** @type {Crt.ChartSpec | null} */
  let shown = null;
  /** @type {any} */
  let plotly = null;
  let outdated = false; // whether the drawing is older than `shown`
  let inView = false;
  numbers.addEventListener('toggle', fill);
  new IntersectionObserver((entries) => {
    inView = entries.at(-1)?.isIntersecting ?? false;
    if (inView) render();
  }, { rootMargin: '200px' }).observe(plot);
  new ResizeObserver(() => {
    if (inView && !outdated) plotly?.Plots.resize(plot);
  }).observe(plot);
  new MutationObserver(() => refresh()).observe(document.body, { attributeFilter: ['class'] }); // the theme

  /** @param {Crt.ChartSpec} spec
   *  @param {string} words
   */
  function draw(spec, words) {
    shown = spec;
    title.textContent = spec.title;
    reading.textContent = words;
    const empty = isEmpty(spec);
    plot.hidden = numbers.hidden = tools.hidden = empty;
    if (empty) return;
    const names = spec.series.map((one) => one.name).join(', ');
    plot.setAttribute('aria-label', `${spec.title}: ${spec.y.label} against ${spec.x.label}, ${names}`);
    table.setAttribute('aria-label', `${spec.title}, as a table`);
    tools.querySelectorAll('button:not([hidden])').forEach((/** @type {Element} */ button) => button.setAttribute('aria-label', `${button.textContent}: ${spec.title}`));
    fill();
    refresh();
  }

  function refresh() {
    outdated = true;
    if (inView) render();
  }

  async function render() {
    if (!outdated || !shown || plot.hidden) return;
    outdated = false;
    try {
      plotly = await loadPlotly();
      failed.hidden = true;
    } catch {
      outdated = true;
      failed.hidden = false;
      return;
    }
    const { data, layout } = colored();
    const lines = shown.legend ?? shown.series.length > 1 ? (plot.clientWidth < HEIGHT.narrow ? shown.series.length : Math.ceil(shown.series.length / 3)) : 0;
    plot.style.height = `${(compact ? HEIGHT.compact : HEIGHT.plot) + HEIGHT.legend * lines}px`;
    const touch = matchMedia('(pointer: coarse)').matches; // a finger scrolls the page
    const first = !plot.on;
    await plotly.react(plot, data, { ...layout, dragmode: touch || compact ? false : 'zoom' }, CONFIG);
    if (first) plot.on('plotly_relayout', (/** @type {object} */ changes) => {
      const ranges = Object.keys(changes).filter((name) => /axis\d*\.(auto)?range/.test(name)); // none where the chart has another size
      if (ranges.length) reset.hidden = !ranges.some((name) => name.includes('range[')); // a double click sets autorange
    });
  }

  const colored = () => withColors(node, (resolve) => figureOf(/** @type {Crt.ChartSpec} */ (shown), resolve));

  function resetZoom() {
    const { layout } = colored();
    const back = Object.fromEntries(['xaxis', 'yaxis'].flatMap((name) => {
      const range = layout[name].range;
      return range ? [[`${name}.range`, range]] : [[`${name}.autorange`, true]];
    }));
    plotly.relayout(plot, back).then(() => { reset.hidden = true; });
    /** @type {HTMLElement} */ (tools.querySelector('button:not([hidden])')).focus();
  }

  /** @param {string} format */
  async function save(format) {
    const spec = /** @type {Crt.ChartSpec} */ (shown);
    const { data, layout, page } = withColors(node, (resolve) => ({
      ...figureOf(spec, resolve),
      page: { title: { text: plain(spec.title), font: { color: resolve('var(--ink)') } }, paper_bgcolor: resolve('var(--card)'), margin: { l: 8, r: 16, t: 56, b: 8 } },
    }));
    try {
      plotly = await loadPlotly();
      await plotly.downloadImage({ data, layout: { ...layout, ...page } }, { ...EXPORT, format, filename: fileName(spec.title) });
    } catch {
      failed.hidden = false;
    }
  }

  function fill() {
    if (!numbers.open || !shown) return;
    const { x, y, series } = shown;
    const head = make('tr', {}, [make('th', { scope: 'col', text: x.label }), ...series.map((one) => make('th', { scope: 'col', text: one.name }))]);
    const rows = tableRows(series).map((row) => make('tr', {}, [
      make('th', { scope: 'row', text: (x.format ?? figure)(row.x) }),
      ...row.values.map((value) => make('td', { text: value === null || value === undefined ? '–' : (y.format ?? figure)(value) })),
    ]));
    table.replaceChildren(make('table', {}, [make('thead', {}, [head]), make('tbody', {}, rows)]));
  }
  /** What is shown: { spec, words }, or null while there are no numbers. */
  const about = () => (shown && !isEmpty(shown) ? { spec: shown, words: reading.textContent } : null);
  return { node, draw, about, tools };
}
