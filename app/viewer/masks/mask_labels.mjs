// Labels of the Masks tab's figures: 0 for background, k + 1 for the k-th class.

import { percent } from '../core/dom.mjs';
import { labelMap, share } from '../maths/labels.mjs';
import { upsample } from '../maths/resample.mjs';

const WALK_STRIDE = 4; // pixels of the image per cell of the walk

/** @typedef {{ labels: Uint8Array, h: number, w: number }} LabelMap */

/** Labels of maps after the random walk at a threshold on h × w points: `answer` has maps { data, h, w } and the size of the image.
 * @param {{ maps: Crt.Values[], h: number, w: number }} answer
 * @param {number} threshold
 * @param {Crt.Size} size
 * @returns {LabelMap}
 */
export function randomWalkLabels(answer, threshold, [h, w]) {
  /** @type {Crt.Size} */
  const contentSize = [answer.h / WALK_STRIDE, answer.w / WALK_STRIDE];
  return { labels: labelMap(answer.maps.map((map) => upsample(map, contentSize, h, w)), threshold, { together: true }), h, w };
}

/** Which classes a label map shows, largest first.
 * @param {Pick<LabelMap, 'labels'>} mask
 * @param {string[]} classes
 */
export function seen({ labels }, classes) {
  const found = [...new Set(labels)].filter(Boolean).map((label) => ({ name: classes[label - 1], part: share(labels, label) }));
  return found.sort((a, b) => b.part - a.part).map(({ name, part }) => `${name} ${percent(part)}`).join(', ') || 'background only';
}

/** The chosen classes, and after them the others that the segmentation network's mask shows, by their index.
 * @param {number[]} chosen
 * @param {Pick<LabelMap, 'labels'> | null} parsed its labels, k + 1 for class k
 */
export function shownClasses(chosen, parsed) {
  const others = new Set(parsed?.labels);
  for (const label of [0, ...chosen.map((index) => index + 1)]) others.delete(label);
  return [...chosen, ...[...others].sort((a, b) => a - b).map((label) => label - 1)];
}

/** Labels of all classes -> k + 1 for the k-th class chosen, 0 for all others; nothing stays nothing.
 * @param {LabelMap | null} mask
 * @param {number[]} classes
 * @returns {LabelMap | null}
 */
export function byChosen(mask, classes) {
  if (!mask) return null;
  const { labels, h, w } = mask;
  return { labels: labels.map((label) => (label ? classes.indexOf(label - 1) + 1 : 0)), h, w };
}

/** Labels of the ground truth of the chosen classes: k + 1 for the k-th, 0 for background.
 * @param {Crt.GroundTruth[]} truths
 * @param {number} h
 * @param {number} w
 */
export function groundTruthLabels(truths, h, w) {
  const labels = new Uint8Array(h * w);
  truths.forEach((truth, k) => {
    const mask = truth.complete ? truth.raster(h, w) : null;
    if (mask) for (let i = 0; i < labels.length; i++) if (mask[i]) labels[i] = k + 1;
  });
  return labels;
}
