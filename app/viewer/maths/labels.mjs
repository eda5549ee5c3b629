// Label maps: several classes compete with a constant background, as crt.postprocess.cam_to_labels has it (docs/method.md 7).

import { largest } from './order.mjs';
import { intersectionOverUnion } from './iou.mjs';
import { aboveThreshold } from './threshold.mjs';

const EPS = 1e-5;

/** Maps on one grid against a constant background: labels, 0 for background, k + 1 for the k-th map. Each is divided by
 *  its own maximum; random-walk scores (`together`) by the largest of all, as crt.pseudo_labels.random_walk has it. A tie goes to the earlier.
 * @param {Crt.Values[]} maps
 * @param {number} threshold
 */
export function labelMap(maps, threshold, { together = false } = {}) {
  const count = maps[0].data.length;
  const labels = new Uint8Array(count);
  const best = new Float32Array(count).fill(threshold);
  const maxima = maps.map(({ data }) => largest(data));
  const max = Math.max(0, ...maxima);
  maps.forEach(({ data }, k) => {
    const divisor = together ? max || 1 : Math.max(0, maxima[k]) + EPS;
    for (let i = 0; i < count; i++) {
      const value = Math.fround(data[i] / divisor);
      if (aboveThreshold(value, best[i])) {
        best[i] = value;
        labels[i] = k + 1;
      }
    }
  });
  return labels;
}

/** The colour of a label in the palette of PASCAL VOC: its bits spread over red, green and blue.
 * @param {number} label
 * @returns {Crt.RGB}
 */
export function vocColor(label) {
  /** @type {Crt.RGB} */
  const color = [0, 0, 0];
  for (let bit = 0, rest = label; bit < 8; bit++, rest >>= 3) {
    for (let c = 0; c < 3; c++) color[c] |= ((rest >> c) & 1) << (7 - bit);
  }
  return color;
}

/** Labels -> RGBA bytes: `colors[label]` at `alpha`, clear where there is background or a label without a colour, as in a
 *  mask that was made for more classes.
 * @param {Uint8Array} labels
 * @param {Crt.RGB[]} colors
 * @param {number} alpha
 */
export function paintLabels(labels, colors, alpha) {
  const rgba = new Uint8ClampedArray(labels.length * 4);
  labels.forEach((label, i) => {
    if (!label || !colors[label]) return;
    [rgba[4 * i], rgba[4 * i + 1], rgba[4 * i + 2]] = colors[label];
    rgba[4 * i + 3] = Math.round(255 * alpha);
  });
  return rgba;
}

/** Points of one label, as a share of all.
 * @param {Uint8Array} labels
 * @param {number} label
 */
export function share(labels, label) {
  let count = 0;
  for (const value of labels) if (value === label) count++;
  return labels.length ? count / labels.length : 0;
}

/** One label as a map of 0 and 1 that contours can be drawn of.
 * @param {Uint8Array} labels
 * @param {number} h
 * @param {number} w
 * @param {number} label
 * @returns {Crt.Values}
 */
export function only(labels, h, w, label) {
  return { data: Float32Array.from(labels, (value) => (value === label ? 1 : 0)), h, w };
}

/** Intersection over union of one label with a mask on the same grid; points with `ignore` set do not count.
 * @param {Uint8Array} labels
 * @param {number} label
 * @param {Crt.Mask} mask
 * @param {Crt.Mask | null} [ignore]
 */
export function labelOverlap(labels, label, mask, ignore = null) {
  let [hits, predicted, positives] = [0, 0, 0];
  for (let i = 0; i < labels.length; i++) {
    if (ignore?.[i]) continue;
    const inside = labels[i] === label;
    if (inside) predicted++;
    if (mask[i]) positives++;
    if (inside && mask[i]) hits++;
  }
  return intersectionOverUnion(hits, predicted, positives);
}

/** zlib bytes in base64 -> bytes.
 * @param {string} text
 */
export async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
