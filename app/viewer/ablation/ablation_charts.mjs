// The curves of an ablation: which numbers go into which chart, and the sentence above each.

import { createChart } from '../charts/chart.mjs';
import { methodColor, rampColor } from '../charts/colors.mjs';
import { make, percent } from '../core/dom.mjs';
import { costReading, distanceReading, loopsReading, similarityReading, thresholdReading } from './readings.mjs';
import { METHOD_TITLES, shownMethods } from '../core/store.mjs';
import { STEPS, iouAt } from '../maths/iou.mjs';

const PERCENT = { format: (/** @type {number} */ value) => `${Math.round(100 * value)} %`, tickformat: '.0%' };
const DASHES = ['solid', 'dash', 'dot', 'dashdot'];
/** @param {number} length */
const counts = (length, first = 0) => Array.from({ length }, (_, i) => i + first);

/** Cosine of the tokens before and after each pass (Fig. 6). `rows`: [{ label, similarity }].
 * @param {{ label: string, similarity: number[] }[]} rows
 * @returns {Crt.ChartSpec}
 */
export function similaritySpec(rows) {
  const most = Math.max(...rows.map(({ similarity }) => similarity.length));
  return {
    title: 'Token similarity by pass',
    x: { label: 'pass', values: counts(most - 1, 1), format: String }, y: { label: 'cosine before and after', low: 0, high: 1 },
    series: rows.map(({ label, similarity }, k) => ({ name: label, color: rampColor(k, rows.length), points: similarity.slice(1).map((value, i) => [i + 1, value]) })),
  };
}

/** Tiles and tile passes against the input size. `rows`: [{ size, tiles, passes }], size in pixels.
 * @param {{ size: number, tiles: number, passes: number }[]} rows
 * @returns {Crt.ChartSpec}
 */
export function tilesSpec(rows) {
  return {
    title: 'Tiles by input size',
    x: { label: 'input size, px', values: rows.map(({ size }) => size), format: String }, y: { label: 'count', low: 0 },
    series: [
      { name: 'tiles', color: 'var(--soft)', points: rows.map(({ size, tiles }) => [size, tiles]) },
      { name: 'tiles × passes of CRT', color: 'var(--crt)', points: rows.map(({ size, tiles, passes }) => [size, tiles * passes]) },
    ],
  };
}

/** Milliseconds of each network against the input size. `rows`: [{ size, timings }], `timings` null where unknown.
 * @param {{ size: number, timings: Record<string, number> | null }[]} rows
 * @param {string[]} methods
 * @returns {Crt.ChartSpec}
 */
export function timeSpec(rows, methods) {
  const most = Math.max(...rows.flatMap(({ timings }) => methods.map((method) => timings?.[method] ?? 0)));
  const [unit, scale] = most >= 10_000 ? ['s', 1000] : ['ms', 1];
  return {
    title: 'Time by input size',
    x: { label: 'input size, px', values: rows.map(({ size }) => size), format: String }, y: { label: unit, low: 0 },
    series: methods.map((method) => ({ name: METHOD_TITLES[method], color: methodColor(method), points: rows.map(({ size, timings }) => [size, timings ? timings[method] / scale : NaN]) })),
  };
}

/** L1 between the branches against the loop count. `rows`: [{ label, coupled, alone }].
 * @param {{ label: string, coupled?: number[] }[]} rows
 * @returns {Crt.ChartSpec}
 */
export function distanceSpec(rows) {
  const known = rows.flatMap(({ label, coupled }) => (coupled?.length ? [{ label, coupled }] : []));
  const most = Math.max(1, ...known.map(({ coupled }) => coupled.length));
  return {
    title: 'Distance of the branches by loop count',
    x: { label: 'loops', values: counts(most), format: String }, y: { label: 'mean |CNN − transformer|, raw CAM', low: 0 },
    series: known.map(({ label, coupled }, k) => ({ name: label, color: rampColor(k, known.length), points: coupled.map((value, loops) => [loops, value]) })),
  };
}

/** IoU against the threshold. `rows`: [{ title, method, curve }].
 * @param {{ title: string, method: string, curve: Crt.IouCurve }[]} rows
 * @param {number} threshold
 * @returns {Crt.ChartSpec}
 */
export function thresholdSpec(rows, threshold) {
  return {
    title: 'IoU by threshold',
    x: { label: 'threshold, share of the largest value', low: 0, high: 1, ...PERCENT }, y: { label: 'IoU', low: 0, high: 1, ...PERCENT },
    series: rows.map(({ title, method, curve }, k) => ({ name: title, color: methodColor(method), dash: DASHES[k % DASHES.length], points: [...curve.iou].map((iou, step) => [step / STEPS, iou]) })),
    marks: rows.map(({ method, curve: { best } }) => ({ x: best.threshold, y: best.iou, color: methodColor(method), text: percent(best.iou) })),
    guides: [{ x: threshold, text: `set: ${percent(threshold)}` }],
  };
}

/** @typedef {{ refined: boolean, curves: Crt.IouCurve[] }} LoopCurves */

/** IoU against the loop count, at each count's best threshold and at the one that is set. `rows`: [{ refined, curves }].
 * @param {LoopCurves[]} rows
 * @param {number} threshold
 * @returns {Crt.ChartSpec}
 */
export function loopsSpec(rows, threshold) {
  const color = (/** @type {boolean} */ refined) => (refined ? 'var(--crt)' : 'var(--soft)');
  const name = (/** @type {boolean} */ refined) => (refined ? 'refined' : 'not refined');
  return {
    title: 'IoU by loop count',
    x: { label: 'loops', values: counts(rows[0].curves.length), format: String }, y: { label: 'IoU', low: 0, ...PERCENT },
    series: rows.flatMap(({ refined, curves }) => [
      { name: `${name(refined)}, best threshold`, color: color(refined), points: curves.map(({ best }, loops) => [loops, best.iou]) },
      { name: `${name(refined)}, at ${percent(threshold)}`, color: color(refined), dash: 'dash', points: curves.map((curve, loops) => [loops, iouAt(curve, threshold)]) },
    ]),
  };
}

/** The charts on the page. `useThreshold(value)` sets it; `scene` as mountAblation makes it.
 * @param {HTMLElement} box
 * @param {(threshold: number) => void} useThreshold
 */
export function createAblationCharts(box, useThreshold) {
  const charts = Object.fromEntries(['loops', 'threshold', 'similarity', 'distance', 'tiles', 'time'].map((name) => [name, createChart()]));
  const uses = make('div', { class: 'curve-uses', role: 'group', 'aria-label': 'Best thresholds' });
  charts.threshold.node.append(uses);
  const missing = make('p', { class: 'hint' });
  box.replaceChildren(missing, ...Object.values(charts).map(({ node }) => node));

  /** @param {Crt.AblationScene} scene */
  function draw(scene) {
    const { run, truth, rows, method, here, measure } = scene;
    missing.textContent = scene.noTruth;
    missing.hidden = Boolean(truth);
    charts.loops.node.hidden = charts.threshold.node.hidden = !truth;
    if (truth) judged(scene);
    const withSimilarity = rows.filter(({ similarity }) => similarity.length);
    charts.similarity.node.hidden = !withSimilarity.length;
    if (withSimilarity.length) charts.similarity.draw(similaritySpec(withSimilarity), similarityReading(run.similarity, Boolean(truth)));
    charts.distance.draw(distanceSpec(rows), distanceReading([...rows].sort((a, b) => Number(b.key === here.key) - Number(a.key === here.key))));
    const best = (/** @type {Crt.AblationRow} */ row) => measure(row, method, {}).curve?.best.iou ?? null;
    const sum = (/** @type {Record<string, number>} */ timings) => run.methods.reduce((total, name) => total + timings[name], 0);
    const cost = rows.map((row) => ({ label: row.label, tiles: row.run.tiles, ms: row.timings && sum(row.timings), iou: best(row) }));
    charts.tiles.draw(tilesSpec(rows), costReading(cost));
    const stored = rows.filter(({ timings }) => !timings).map(({ label }) => label);
    const note = stored.length ? ` ${stored.join(', ')} came stored with the example and was not timed here, so it is left out.` : '';
    charts.time.draw(timeSpec(rows, run.methods), `Wall time of each network on this server, once, under its load at that time.${note}`);
  }

  /** The charts that need ground truth.
   * @param {Crt.AblationScene} scene
   */
  function judged({ state, run, method, here, measure }) {
    const loops = counts(here.prediction.maxLoops(method) + 1);
    /** @type {(refined: boolean) => LoopCurves} */
    const of = (refined) => ({ refined, curves: loops.flatMap((count) => measure(here, method, { loops: count, refined }).curve ?? []) });
    const set = of(state.refined);
    charts.loops.draw(loopsSpec([set, of(!state.refined)], state.threshold), loopsWords(set, state, method));
    const known = shownMethods(state, run).flatMap((name) => {
      const { curve } = measure(here, name, {});
      return curve ? [{ method: name, title: METHOD_TITLES[name], curve }] : [];
    });
    charts.threshold.draw(thresholdSpec(known, state.threshold), thresholdReading(
      known.map(({ title, curve }) => ({ title, best: curve.best, now: iouAt(curve, state.threshold) })), state.threshold,
    ));
    const buttons = known.map(({ title, curve: { best } }) => ({ text: `Use ${PERCENT.format(best.threshold)}, best for ${title}`, value: best.threshold }));
    while (uses.children.length > buttons.length) uses.lastChild?.remove();
    buttons.forEach(({ text, value }, k) => {
      if (!uses.children[k]) uses.append(make('button', { type: 'button', class: 'plain', on: { click: (/** @type {MouseEvent & { currentTarget: HTMLElement }} */ event) => useThreshold(Number(event.currentTarget.dataset.value)) } }));
      uses.children[k].textContent = text;
      uses.children[k].dataset.value = value;
    });
  }

  /** The charts in sight, as `about` of a chart gives them. */
  const shown = () => Object.values(charts).filter(({ node }) => !node.hidden).flatMap((chart) => chart.about() ?? []);
  return { draw, shown };
}

/** The sentence about loops for the refinement that is set. `set`: { refined, curves }.
 * @param {LoopCurves} curves
 * @param {Pick<Crt.State, 'threshold'>} state
 * @param {string} method
 */
export function loopsWords({ refined, curves }, { threshold }, method) {
  const best = curves.map((curve) => curve.best.iou);
  return loopsReading({ best, now: curves.map((curve) => iouAt(curve, threshold)), threshold, title: METHOD_TITLES[method], refined });
}
