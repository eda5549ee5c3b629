// Intersection over union of values above a level with a mask, at one threshold or at all in one pass over the points.

import { aboveThreshold } from './threshold.mjs';

export const STEPS = 100;

/** Intersection over union of two sets from their sizes, as crt.metrics.iou has it; 0 where both are empty.
 * @param {number} hits Size of the intersection.
 * @param {number} one
 * @param {number} other
 */
export function intersectionOverUnion(hits, one, other) {
  const either = one + other - hits;
  return either ? hits / either : 0;
}

/** Intersection over union of the values above a level with a mask of the same number of points; points with `ignore`
 *  set do not count.
 * @param {Crt.Numbers} data
 * @param {number} level
 * @param {Crt.Mask} mask
 * @param {Crt.Mask | null} [ignore]
 */
export function overlap(data, level, mask, ignore = null) {
  let [hits, predicted, positives] = [0, 0, 0];
  for (let i = 0; i < data.length; i++) {
    if (ignore?.[i]) continue;
    const inside = aboveThreshold(data[i], level);
    if (inside) predicted++;
    if (mask[i]) positives++;
    if (inside && mask[i]) hits++;
  }
  return intersectionOverUnion(hits, predicted, positives);
}

/** IoU of the values above share × max with a mask for the shares 0, 1 % … 100 %: { iou: Float64Array, best: { threshold,
 *  iou } }, `best` from 1 % on, the lower threshold of equals. Points with `ignore` set do not count. `max`: the largest
 *  value of the map itself, before it was interpolated.
 * @param {Crt.Numbers} data
 * @param {number} max
 * @param {Crt.Mask} mask
 * @param {Crt.Mask | null} [ignore]
 */
export function sweep(data, max, mask, ignore = null) {
  const inside = new Float64Array(STEPS + 1); // points by the highest share that they are above
  const both = new Float64Array(STEPS + 1);
  let truth = 0;
  for (let i = 0; i < data.length; i++) {
    if (ignore?.[i]) continue;
    if (mask[i]) truth++;
    if (!aboveThreshold(data[i], 0)) continue;
    const share = shareOf(data[i], max);
    inside[share]++;
    if (mask[i]) both[share]++;
  }
  const iou = new Float64Array(STEPS + 1);
  let [seen, hit] = [0, 0];
  for (let share = STEPS; share >= 0; share--) {
    seen += inside[share];
    hit += both[share];
    iou[share] = intersectionOverUnion(hit, seen, truth);
  }
  let best = 1;
  for (let share = 2; share <= STEPS; share++) if (iou[share] > iou[best]) best = share;
  return { iou, best: { threshold: best / STEPS, iou: iou[best] } };
}

/** IoU at a threshold from 0 to 1, to the nearest percent.
 * @param {{ iou: Float64Array }} curve
 * @param {number} threshold
 */
export function iouAt({ iou }, threshold) {
  return iou[Math.round(STEPS * Math.min(1, Math.max(0, threshold)))];
}

/** The highest whole percent of `max` that a value above 0 is above, exactly as by comparing the two.
 * @param {number} value
 * @param {number} max
 */
function shareOf(value, max) {
  let share = Math.min(STEPS, Math.floor((STEPS * value) / max));
  while (share < STEPS && aboveThreshold(value, ((share + 1) / STEPS) * max)) share++;
  while (share > 0 && !aboveThreshold(value, (share / STEPS) * max)) share--;
  return share;
}
