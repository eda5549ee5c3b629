// IoU against the threshold, below its slider: a line for each network in sight, and a tick at the threshold that is set.

import { gridSize } from './draw.mjs';
import { createLast, numberOf } from './repaint.mjs';
import { shownMaps } from './shown_maps.mjs';
import { STEPS, sweep } from '../maths/iou.mjs';
import { methodColor } from '../charts/colors.mjs';
import { percent } from '../core/dom.mjs';
import { METHOD_TITLES } from '../core/store.mjs';
import { NO_GROUND_TRUTH, groundTruthOf } from '../ground_truth/ground_truth.mjs';

const SVG = 'http://www.w3.org/2000/svg';
const MAX_CURVES = 24; // maps whose curves are kept

/** @typedef {{ method: string, letter: string, curve: Crt.IouCurve }} CurveLine */

/** The corners of a line in a box of STEPS × 1, with `high` at its upper edge.
 * @param {Crt.IouCurve} curve
 * @param {number} high
 */
export const pointsOf = ({ iou }, high) => Array.from(iou, (value, share) => `${share},${(1 - value / (high || 1)).toFixed(3)}`).join(' ');

/** The threshold at a place of the page, in whole percent.
 * @param {number} x
 * @param {{ left: number, width: number }} box of the lines
 */
export const thresholdAt = (x, { left, width }) => Math.round(100 * Math.min(1, Math.max(0, (x - left) / width))) / 100;

/** The best threshold of each line and its IoU.
 * @param {CurveLine[]} lines
 */
export const curveWords = (lines) => `IoU against the threshold, at best: ${lines.map(({ method, letter, curve: { best } }) => `${letter && `${letter} `}${METHOD_TITLES[method]} ${percent(best.iou)} at ${Math.round(100 * best.threshold)} %`).join(', ')}`;

/** @param {Crt.Page} page */
export function mountThresholdCurve({ at, store, panelGrid: { maps }, onDraw }) {
  const box = at('threshold-curve');
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${STEPS} 1`);
  svg.setAttribute('preserveAspectRatio', 'none');
  const tick = document.createElement('span');
  const area = document.createElement('div');
  area.append(svg, tick);
  box.append(area);
  const curves = createLast(MAX_CURVES);
  let drawn = ''; // the curves on the page

  const set = (/** @type {PointerEvent} */ { clientX }) => store.set({ threshold: thresholdAt(clientX, area.getBoundingClientRect()) });
  box.addEventListener('pointerdown', (/** @type {PointerEvent} */ event) => {
    if (event.button) return;
    box.setPointerCapture(event.pointerId);
    set(event);
  });
  box.addEventListener('pointermove', (/** @type {PointerEvent} */ event) => box.hasPointerCapture(event.pointerId) && set(event));

  onDraw((state, now) => {
    const lines = linesOf(state, now);
    box.hidden = !lines.length;
    if (!lines.length) return;
    tick.style.left = `${100 * state.threshold}%`;
    const key = lines.map(({ method, letter, curve }) => [method, letter, numberOf(curve)].join()).join('/');
    if (key === drawn) return;
    drawn = key;
    const high = Math.max(...lines.flatMap(({ curve }) => [...curve.iou]));
    svg.replaceChildren(...lines.map(({ method, letter, curve }) => {
      const line = document.createElementNS(SVG, 'polyline');
      line.setAttribute('points', pointsOf(curve, high));
      line.dataset.method = method;
      line.style.stroke = methodColor(method);
      if (letter === 'B') line.style.strokeDasharray = '4 3';
      return line;
    }));
    box.title = curveWords(lines);
    box.setAttribute('aria-label', box.title);
  });

  /** The networks in sight with their curves; none without ground truth of the classes chosen, or where a map has a class of its own.
   * @param {Crt.State} state
   * @param {Crt.View} now
   * @returns {CurveLine[]}
   */
  function linesOf(state, now) {
    const { run, image } = now;
    const truth = state.ground_truth && state.tab === 'explore' ? groundTruthOf(state, now) : NO_GROUND_TRUTH;
    const size = gridSize(image.naturalWidth, image.naturalHeight);
    const mask = truth.complete ? truth.raster(...size) : null;
    if (!mask) return [];
    const ignore = truth.ignore(...size);
    return shownMaps(state, run).filter(({ method, own }) => run.methods.includes(method) && !own.classes).map(({ method, letter, own }) => {
      const shown = maps.shown(state, now, method, own);
      const { data } = maps.upsampled(shown, size);
      return { method, letter, curve: curves.of(data, [mask, ignore].map(numberOf).join(), () => sweep(data, shown.max, mask, ignore)) };
    });
  }
}
