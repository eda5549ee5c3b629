// Small parts of masks, which are drawn without an outline, as crt.viz.contours has it; a test compares the two.

import { SPECK_PIXELS } from '../core/constants.mjs';

/** Labels without their small parts, to be outlined. Pixels of one label that touch, also at a corner, are one part; parts
 *  of fewer pixels than `least` become background.
 * @param {import('./mask_labels.mjs').LabelMap} mask
 * @param {number} [least]
 * @returns {Uint8Array}
 */
export function withoutSpecks({ labels, h, w }, least = SPECK_PIXELS) {
  const kept = labels.slice();
  const seen = new Uint8Array(labels.length);
  const part = new Int32Array(labels.length); // pixels of one part, in the order in which they are reached
  for (let start = 0; start < labels.length; start++) {
    const label = labels[start];
    if (!label || seen[start]) continue;
    let count = 0;
    const reach = (/** @type {number} */ at) => {
      if (seen[at] || labels[at] !== label) return;
      seen[at] = 1;
      part[count++] = at;
    };
    reach(start);
    for (let next = 0; next < count; next++) {
      const x = part[next] % w;
      const y = (part[next] - x) / w;
      for (let row = Math.max(0, y - 1); row <= Math.min(h - 1, y + 1); row++) {
        for (let column = Math.max(0, x - 1); column <= Math.min(w - 1, x + 1); column++) reach(row * w + column);
      }
    }
    if (count < least) for (let i = 0; i < count; i++) kept[part[i]] = 0;
  }
  return kept;
}
