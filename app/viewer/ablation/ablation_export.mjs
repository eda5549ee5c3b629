// What the Ablate tab shows, as the server makes it again for an export.

import { toneOf } from '../charts/colors.mjs';

/** @type {Record<string, string>} */
const LINES = { solid: 'solid', dash: 'dashed', dot: 'dotted', dashdot: 'dashdot' };

/** What describeView has of Explore, as it is in the Ablate tab. `show`: the part that is open; `rows`, `readings`: of its grid
 *  or ladder; `charts`: { spec, words } of its charts.
 * @param {string} show
 * @param {{ rows?: Crt.DescribedRow[], readings?: string[], charts?: DescribedChart[] }} shown
 */
export function describeAblation(show, { rows = [], readings = [], charts = [] }) {
  return {
    maps: [], image: false, difference: false, added_panel: null, boxes: false,
    ablate: { show, rows, readings: readings.filter(Boolean), charts: charts.map(describeChart) },
  };
}

/** @typedef {{ spec: Crt.ChartSpec, words: string }} DescribedChart */

/** A chart as numbers and words; points that are not finite are left out, as on the page.
 * @param {DescribedChart} chart
 */
export function describeChart({ spec, words }) {
  const axis = (/** @type {Crt.ChartAxis} */ { label, low, high, values, tickformat }) => ({ label, low: low ?? null, high: high ?? null, ticks: values ?? null, percent: tickformat === '.0%' });
  const finite = (/** @type {[number, number][]} */ points) => points.filter((point) => point.every(Number.isFinite));
  return {
    title: spec.title, caption: words, x: axis(spec.x), y: axis(spec.y),
    series: spec.series.map(({ name, color, dash = 'solid', points }) => ({ name, tone: toneOf(color), line: LINES[dash], points: finite(points) })).filter(({ points }) => points.length),
    marks: (spec.marks ?? []).map(({ x, y, color, text }) => ({ x, y, tone: toneOf(color), text })), guides: (spec.guides ?? []).map(({ x, text }) => ({ x, text })),
  };
}
