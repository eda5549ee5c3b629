// How well one map finds the object of one image, as crt.metrics.pixels and .cam_boxes have it; a test compares
// the two. Maps and masks are h × w points over the whole image; points whose `ignore` is set do not count. Where there
// is nothing to divide by a measure is 0.

import { largestBox, regions } from './components.mjs';
import { intersectionOverUnion } from './iou.mjs';
import { aboveThreshold } from './threshold.mjs';

/** @type {WeakMap<Crt.Mask, { box: Crt.Box }[]>} */
const truths = new WeakMap(); // a mask -> its parts

/** The measures in the order of the table; all are better when higher. */
export const MEASURES = [
  { id: 'iou', title: 'IoU', description: 'Points that are both in the map and in the mask, divided by points in either (intersection over union).' },
  { id: 'precision', title: 'Precision', description: "Share of the map's points that lie in the mask." },
  { id: 'recall', title: 'Recall', description: "Share of the mask's points that are in the map." },
  { id: 'box', title: 'Box IoU', description: "IoU of two boxes: around the map's largest connected part, and around that part of the mask whose box fits it best." },
  { id: 'pointing', title: 'Pointing game', description: "Whether the map's highest point lies in the mask, without tolerance (Zhang et al., 2018). It does not depend on the threshold." },
  { id: 'pxap', title: 'PxAP', description: 'Pixel average precision: precision averaged over recall, at all thresholds at once (Choe et al., 2020). Chance is the share of the image that the mask covers.' },
];

/** All measures that depend on the threshold: { iou, precision, recall, box }. In the map is what is above `level`.
 * @param {Crt.Values} upsampled
 * @param {number} level
 * @param {Crt.Mask} mask
 * @param {Crt.Mask | null} [ignore]
 */
export function atThreshold(upsampled, level, mask, ignore = null) {
  const { data } = upsampled;
  let [hits, predicted, positives] = [0, 0, 0];
  for (let i = 0; i < data.length; i++) {
    if (ignore?.[i]) continue;
    const inside = aboveThreshold(data[i], level);
    if (inside) predicted++;
    if (mask[i]) positives++;
    if (inside && mask[i]) hits++;
  }
  const over = (/** @type {number} */ whole) => (whole ? hits / whole : 0);
  return { iou: intersectionOverUnion(hits, predicted, positives), precision: over(predicted), recall: over(positives), box: boxMatch(upsampled, level, mask) };
}

/** IoU of the box of the map's largest part with the best fitting box of a part of the mask.
 * @param {Crt.Values} upsampled
 * @param {number} level
 * @param {Crt.Mask} mask
 */
export function boxMatch(upsampled, level, mask) {
  const box = largestBox(upsampled, level);
  const parts = truths.get(mask) ?? regions({ data: mask, h: upsampled.h, w: upsampled.w }, 0);
  truths.set(mask, parts);
  return box ? Math.max(0, ...parts.map((truth) => boxOverlap(box, truth.box))) : 0;
}

/** IoU of two half-open boxes [x0, y0, x1, y1].
 * @param {Crt.Box} a
 * @param {Crt.Box} b
 */
export function boxOverlap(a, b) {
  const side = (/** @type {number} */ k) => Math.max(0, Math.min(a[k + 2], b[k + 2]) - Math.max(a[k], b[k]));
  const area = (/** @type {Crt.Box} */ box) => (box[2] - box[0]) * (box[3] - box[1]);
  return intersectionOverUnion(side(0) * side(1), area(a), area(b));
}

/** Whether the highest point that counts, the first in reading order, is in the mask; a map without a peak misses.
 * @param {Crt.Values} map
 * @param {Crt.Mask} mask
 * @param {Crt.Mask | null} [ignore]
 */
export function pointsAt({ data }, mask, ignore = null) {
  let [best, low] = [-1, Infinity];
  for (let i = 0; i < data.length; i++) {
    if (ignore?.[i]) continue;
    if (best < 0 || data[i] > data[best]) best = i;
    if (data[i] < low) low = data[i];
  }
  return best >= 0 && data[best] > low && mask[best] > 0;
}

/** PxAP of one image, from its exact values: Σ (recall_i - recall_{i-1}) · precision_i from the highest value down.
 * @param {Crt.Values} map
 * @param {Crt.Mask} mask
 * @param {Crt.Mask | null} [ignore]
 */
export function averagePrecision({ data }, mask, ignore = null) {
  let positives = 0;
  let counted = 0;
  for (let i = 0; i < data.length; i++) {
    if (ignore?.[i]) continue;
    counted++;
    if (mask[i]) positives++;
  }
  const objects = new Float32Array(positives);
  const others = new Float32Array(counted - positives);
  let [a, b] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    if (ignore?.[i]) continue;
    if (mask[i]) objects[a++] = data[i];
    else others[b++] = data[i];
  }
  objects.sort();
  others.sort();
  let [sum, before] = [0, a];
  // From the top: all points of one value pass together.
  while (a > 0) {
    const value = objects[a - 1];
    while (a > 0 && objects[a - 1] === value) a--;
    while (b > 0 && others[b - 1] >= value) b--;
    const hits = positives - a;
    sum += ((before - a) / positives) * (hits / (hits + others.length - b));
    before = a;
  }
  return sum;
}
