// The table 'This image': how well each map on the page finds the object that the ground truth shows.

import { largest } from '../maths/order.mjs';
import { gridSize } from '../explore/draw.mjs';
import { MEASURES, atThreshold, averagePrecision, pointsAt } from '../maths/localization.mjs';
import { by, chosenNames, nameOf, settingsOf } from '../explore/maps.mjs';
import { ADDED_PANEL, shownClasses, shownMaps } from '../explore/shown_maps.mjs';
import { drawHead, drawMeanings, drawRows } from '../charts/metric_table.mjs';
import { percent } from '../core/dom.mjs';
import { groundTruthOf } from './ground_truth.mjs';

const REDRAW_MS = 60; // milliseconds between two tables while a slider moves

/** @typedef {{ mask: Crt.Mask, ignore: Crt.Mask | null, pointing: number, pxap: number }} ThresholdFree */
/** @typedef {{ key: string, title: string, note: string, classes: number[], shown: Crt.Scaled }} ListedMap */

/** All measures of an interpolated map { data, h, w } at a share of its maximum. `kept`: a WeakMap that remembers what
 *  does not depend on the threshold.
 * @param {Crt.Values} upsampled
 * @param {number} level
 * @param {Pick<Crt.GroundTruth, 'raster' | 'ignore'>} truth
 * @param {WeakMap<Crt.Values, ThresholdFree>} kept
 */
export function measured(upsampled, level, truth, kept = new WeakMap()) {
  const mask = /** @type {Crt.Mask} */ (truth.raster(upsampled.h, upsampled.w)); // it is complete
  const ignore = truth.ignore(upsampled.h, upsampled.w);
  let still = kept.get(upsampled);
  if (still?.mask !== mask || still.ignore !== ignore) {
    still = { mask, ignore, pointing: pointsAt(upsampled, mask, ignore) ? 1 : 0, pxap: averagePrecision(upsampled, mask, ignore) };
    kept.set(upsampled, still);
  }
  const { pointing, pxap } = still;
  return { ...atThreshold(upsampled, level, mask, ignore), pointing, pxap };
}

/** Why the maps cannot be measured, or ''.
 * @param {string[]} names
 * @param {string[]} without
 */
export function missingWords(names, without) {
  if (!without.length) return '';
  if (without.length === names.length) return `There is no mask of ${names.join(' or ')} here: draw one, or choose or drop a PNG, and the maps are measured against it.`;
  return `The mask does not cover all chosen classes, ${without.join(' and ')} ${without.length > 1 ? 'are' : 'is'} missing: draw one, or choose fewer classes, to measure the maps.`;
}

/** @param {Crt.Page} page */
export function mountLocalizationTable({ at, store, view, addedPanels, panelGrid: { maps }, onDraw }) {
  /** @type {WeakMap<Crt.Values, ThresholdFree>} */
  const kept = new WeakMap();
  let timer = 0;
  drawHead(at('localization-head'), MEASURES);
  drawMeanings(at('localization-definitions'), [...MEASURES, {
    title: 'How', description: 'On 320 points along the longer side. In the map is what is above the threshold, a share of its own maximum. Points that a mask file marks with 255 do not count, except for boxes. One image is not enough for a conclusion: compare over many.',
  }]);
  onDraw((state) => {
    if (state.tab === 'explore' && !timer) timer = setTimeout(draw, REDRAW_MS);
  });

  function draw() {
    timer = 0;
    const now = view();
    const state = store.get();
    if (!now || state.tab !== 'explore') return;
    const { run, image } = now;
    const truthOf = (/** @type {number[]} */ classes) => groundTruthOf({ ...state, classes }, now);
    const shownHere = shownClasses(state, run);
    const names = (/** @type {number[]} */ classes) => classes.map((index) => run.classes[index]);
    const without = shownHere.filter((index) => !truthOf([index]).complete);
    const rows = listed(state, now).filter(({ classes }) => truthOf(classes).complete);
    at('localization').hidden = !rows.length;
    at('localization-missing').textContent = missingWords(names(shownHere), names(without));
    if (!rows.length) return;
    const subjects = [...new Set(rows.map(({ classes }) => chosenNames({ classes }, run)))];
    at('localization-caption').textContent = `This image: ${subjects.join(', ')}, at the threshold of ${Math.round(100 * state.threshold)} % of each map's maximum`;
    const size = gridSize(image.naturalWidth, image.naturalHeight);
    drawRows(at('localization-rows'), MEASURES, rows.map(({ key, title, note, classes, shown }) => {
      /** @type {Record<string, number>} */
      const found = measured(maps.upsampled(shown, size), state.threshold * shown.max, truthOf(classes), kept);
      return {
        key, title, note, values: MEASURES.map(({ id }) => found[id]),
        texts: MEASURES.map(({ id }) => (id === 'pointing' ? (found[id] ? 'hit' : 'miss') : percent(found[id]))),
      };
    }));
  }

  /** The maps on the page: those switched on and the added panel's, or the two that are compared.
   * @param {Crt.State} state
   * @param {Crt.View} now
   * @returns {ListedMap[]}
   */
  function listed(state, now) {
    const { run, prediction } = now;
    /** @type {ListedMap[]} */
    const rows = shownMaps(state, run).flatMap(({ method, letter, own, subject }) => {
      const shown = maps.shown(state, now, method, own);
      if (method === ADDED_PANEL && !(shown.max > 0)) return []; // it has no map of this class, or is still being computed
      return {
        key: method, title: `${letter && `${letter}: `}${by(subject, nameOf(shown))}`, note: settingsOf(shown, prediction.isTransformer(method)) || (shown.note ?? ''), classes: shown.classes, shown,
      };
    });
    const added_panel = state.compare.view === 'side' && state.added_panel && addedPanels[state.added_panel.kind]?.(state.added_panel, now);
    if (!added_panel) return rows;
    const max = added_panel.max ?? largest(added_panel.map.data); // 0 while an explainer is computed
    return max > 0 ? [...rows, { key: 'other', title: added_panel.title, note: added_panel.note, classes: state.classes, shown: { ...added_panel, max } }] : rows;
  }
}
