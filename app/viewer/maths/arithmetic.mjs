// The arithmetic between raw class maps and what is drawn. Maps are { data: Float32Array, h, w }.

import { intersectionOverUnion } from './iou.mjs';
import { aboveThreshold } from './threshold.mjs';

/** The largest value, 0 for an empty map.
 * @param {Crt.Numbers} data
 */
export function largest(data) {
  let max = 0;
  for (let i = 0; i < data.length; i++) if (data[i] > max) max = data[i];
  return max;
}

/** Cells and weight of the two neighbours of a coordinate measured in cells; cell i has its centre at i + 0.5.
 * @param {number} coordinate
 * @param {number} count
 * @returns {[number, number, number]}
 */
export function neighbours(coordinate, count) {
  const at = Math.min(Math.max(coordinate - 0.5, 0), count - 1);
  const low = Math.min(Math.floor(at), count - 1);
  return [low, Math.min(low + 1, count - 1), at - low];
}

/** The whole image, as a part of it.
 * @type {Readonly<{ left: number, top: number, right: number, bottom: number }>}
 */
export const WHOLE = Object.freeze({ left: 0, top: 0, right: 1, bottom: 1 });

/** The value at a point of the image, x and y from 0 to 1: bilinear, or the cell's own with `cells`. `span` is
 *  [height, width] of the image in cells.
 * @param {Crt.Values} map
 * @param {Crt.Size} span
 * @param {number} x
 * @param {number} y
 */
export function sample(map, span, x, y, cells = false) {
  if (cells) {
    const cell = (/** @type {number} */ coordinate, /** @type {number} */ count) => Math.min(count - 1, Math.max(0, Math.floor(coordinate)));
    return map.data[cell(y * span[0], map.h) * map.w + cell(x * span[1], map.w)];
  }
  const [y0, y1, fy] = neighbours(y * span[0], map.h);
  const [x0, x1, fx] = neighbours(x * span[1], map.w);
  const { data, w } = map;
  const top = data[y0 * w + x0] * (1 - fx) + data[y0 * w + x1] * fx;
  const bottom = data[y1 * w + x0] * (1 - fx) + data[y1 * w + x1] * fx;
  return top * (1 - fy) + bottom * fy;
}

/** A map on `height` × `width` points spread over a part of the image: point j lies at (j + 0.5) / width of it.
 * @param {Crt.Values} map
 * @param {Crt.Size} span
 * @param {number} height
 * @param {number} width
 * @returns {Crt.Values}
 */
export function upsample(map, span, height, width, { left, top: above, right, bottom: below } = WHOLE) {
  const out = new Float32Array(height * width);
  const { data, w } = map;
  const [low, high, part] = [new Int32Array(width), new Int32Array(width), new Float64Array(width)];
  for (let j = 0; j < width; j++) [low[j], high[j], part[j]] = neighbours((left + ((j + 0.5) / width) * (right - left)) * span[1], w);
  for (let i = 0; i < height; i++) {
    const [y0, y1, fy] = neighbours((above + ((i + 0.5) / height) * (below - above)) * span[0], map.h);
    for (let j = 0; j < width; j++) {
      const [x0, x1, fx] = [low[j], high[j], part[j]];
      const top = data[y0 * w + x0] * (1 - fx) + data[y0 * w + x1] * fx;
      const bottom = data[y1 * w + x0] * (1 - fx) + data[y1 * w + x1] * fx;
      out[i * width + j] = top * (1 - fy) + bottom * fy;
    }
  }
  return { data: out, h: height, w: width };
}

/** Values -> RGBA bytes through a 256 × 3 table, `low` at its lower end and `range` at its upper; all opaque, and what is no
 *  number gets the lowest colour.
 * @param {Crt.Numbers} data
 * @param {number} range
 * @param {Uint8ClampedArray} table
 */
export function colorize(data, range, table, low = 0) {
  const rgba = new Uint8ClampedArray(data.length * 4);
  const factor = range > low ? 255 / (range - low) : 0;
  for (let i = 0; i < data.length; i++) {
    const at = 3 * Math.min(255, Math.max(0, Math.round((data[i] - low) * factor) || 0));
    rgba[4 * i] = table[at];
    rgba[4 * i + 1] = table[at + 1];
    rgba[4 * i + 2] = table[at + 2];
    rgba[4 * i + 3] = 255;
  }
  return rgba;
}

/** A number with three figures, without needless zeros: 0.0123, 4.56, 1230.
 * @param {number} value
 */
export function figure(value) {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  if (Math.abs(value) >= 1000) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

/** A number with its sign in front: +0.2, −0.2, 0.
 * @param {number} value
 */
export function signed(value) {
  return value > 0 ? `+${figure(value)}` : figure(value).replace('-', '−');
}

/** The least of 1, 2, 5 × a power of ten that is not below the value; 1 for 0.
 * @param {number} value
 */
export function niceCeiling(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  for (const step of [1, 2, 5, 10]) if (step * power >= value * (1 - 1e-9)) return Number((step * power).toPrecision(1));
  return 10 * power;
}

/** Upper end of the colour scale of each map. `maps`: [{ max, unit }]; `scale`: 'map', 'shared' or 'absolute'.
 *  Shared maps share only with maps of the same unit: numbers of different units cannot be compared.
 * @param {{ max: number, unit: Crt.Unit }[]} maps
 * @param {string} scale
 * @param {Partial<Record<Crt.Unit, number | null>>} absolute
 */
export function ranges(maps, scale, absolute) {
  if (scale === 'absolute') return maps.map(({ unit, max }) => absolute[unit] ?? max); // attention has no scale of its own
  if (scale === 'shared') {
    return maps.map(({ unit }) => Math.max(0, ...maps.filter((m) => m.unit === unit).map((m) => m.max)));
  }
  return maps.map(({ max }) => max);
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

/** a − b as { map, span, max, unit }: `max` is the largest magnitude. Each map is divided by its own maximum first; with
 *  `raw` they are subtracted as they are, if they have one unit. Maps on the same cells keep them, others meet on
 *  `height` × `width` points. a, b: { map, span, max, unit }.
 * @param {Crt.Scaled} a
 * @param {Crt.Scaled} b
 * @param {number} height
 * @param {number} width
 * @returns {Crt.Scaled}
 */
export function difference(a, b, height, width, raw = false) {
  const alike = raw && a.unit === b.unit;
  const sameCells = a.map.h === b.map.h && a.map.w === b.map.w && a.span.every((cells, i) => Math.abs(cells - b.span[i]) < 1e-6);
  const [one, other] = sameCells ? [a.map, b.map] : [a, b].map(({ map, span }) => upsample(map, span, height, width));
  const weight = (/** @type {Crt.Scaled} */ { max }) => (alike ? 1 : max > 0 ? 1 / max : 0);
  const [wa, wb] = [weight(a), weight(b)];
  const data = one.data.map((value, i) => value * wa - other.data[i] * wb);
  let max = 0;
  for (const value of data) max = Math.max(max, Math.abs(value));
  return { map: { data, h: one.h, w: one.w }, span: sameCells ? a.span : [height, width], max, unit: alike ? a.unit : 'share' };
}

/** Class indices by falling probability.
 * @param {number[]} probabilities
 */
export function sortedClasses(probabilities) {
  return probabilities.map((_, i) => i).sort((a, b) => probabilities[b] - probabilities[a] || a - b);
}
