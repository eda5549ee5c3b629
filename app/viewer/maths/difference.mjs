// The difference of two maps.

import { upsample } from './resample.mjs';

/** a − b as { map, contentSize, max, unit }: `max` is the largest magnitude. Each map is divided by its own maximum first; with
 *  `raw` they are subtracted as they are, if they have one unit. Maps on the same cells keep them, others meet on
 *  `height` × `width` points. a, b: { map, contentSize, max, unit }.
 * @param {Crt.Scaled} a
 * @param {Crt.Scaled} b
 * @param {number} height
 * @param {number} width
 * @returns {Crt.Scaled}
 */
export function difference(a, b, height, width, raw = false) {
  const alike = raw && a.unit === b.unit;
  const sameCells = a.map.h === b.map.h && a.map.w === b.map.w && a.contentSize.every((cells, i) => Math.abs(cells - b.contentSize[i]) < 1e-6);
  const [one, other] = sameCells ? [a.map, b.map] : [a, b].map(({ map, contentSize }) => upsample(map, contentSize, height, width));
  const weight = (/** @type {Crt.Scaled} */ { max }) => (alike ? 1 : max > 0 ? 1 / max : 0);
  const [wa, wb] = [weight(a), weight(b)];
  const data = one.data.map((value, i) => value * wa - other.data[i] * wb);
  let max = 0;
  for (const value of data) max = Math.max(max, Math.abs(value));
  return { map: { data, h: one.h, w: one.w }, contentSize: sameCells ? a.contentSize : [height, width], max, unit: alike ? a.unit : 'share' };
}
