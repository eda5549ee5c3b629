// Small parts and holes of masks, which are drawn without an outline, as crt.viz.contours has it; a test compares the two.

import { SPECK_PIXELS } from '../core/constants.mjs';

/** Labels without their small parts and holes, to be outlined. Pixels of one label that touch, also at a corner, are one part;
 *  parts of fewer pixels than `least` become background. Background pixels with a side in common are one hole; holes that are as
 *  small become the label that touches them, the lowest of several.
 * @param {import('./mask_labels.mjs').LabelMap} mask
 * @param {number} [least]
 * @returns {Uint8Array}
 */
export function withoutSpecks({ labels, h, w }, least = SPECK_PIXELS) {
  const kept = labels.slice();
  eachPart({ labels, h, w }, true, (part) => {
    if (part.length < least) for (const at of part) kept[at] = 0;
  });
  const filled = kept.slice();
  eachPart({ labels: kept, h, w }, false, (part, around) => {
    if (part.length < least) for (const at of part) filled[at] = around;
  });
  return filled;
}

/** Go through the connected parts: of all labels, where corners connect, or of the background, where they do not. `use` gets the
 *  pixels of a part, and the lowest label that touches it, 0 for none.
 * @param {import('./mask_labels.mjs').LabelMap} mask
 * @param {boolean} ofLabels
 * @param {(part: Int32Array, around: number) => void} use
 */
function eachPart({ labels, h, w }, ofLabels, use) {
  const seen = new Uint8Array(labels.length);
  const part = new Int32Array(labels.length); // pixels of one part, in the order in which they are reached
  for (let start = 0; start < labels.length; start++) {
    const label = labels[start];
    if (label > 0 !== ofLabels || seen[start]) continue;
    let count = 0;
    let around = 0;
    const reach = (/** @type {number} */ at) => {
      if (labels[at] && labels[at] !== label && (!around || labels[at] < around)) around = labels[at];
      if (seen[at] || labels[at] !== label) return;
      seen[at] = 1;
      part[count++] = at;
    };
    reach(start);
    for (let next = 0; next < count; next++) {
      const x = part[next] % w;
      const y = (part[next] - x) / w;
      for (let row = Math.max(0, y - 1); row <= Math.min(h - 1, y + 1); row++) {
        for (let column = Math.max(0, x - 1); column <= Math.min(w - 1, x + 1); column++) {
          if (ofLabels || row === y || column === x) reach(row * w + column);
        }
      }
    }
    use(part.subarray(0, count), around);
  }
}
