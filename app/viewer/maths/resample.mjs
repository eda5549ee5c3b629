// Bilinear interpolation of CAMs, as crt.resample has it. Maps are { data: Float32Array, h, w }.

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

/** The value at a point of the image, x and y from 0 to 1: bilinear, or the cell's own with `cells`. `contentSize` is
 *  [height, width] of the image in cells.
 * @param {Crt.Values} map
 * @param {Crt.Size} contentSize
 * @param {number} x
 * @param {number} y
 */
export function sample(map, contentSize, x, y, cells = false) {
  if (cells) {
    const cell = (/** @type {number} */ coordinate, /** @type {number} */ count) => Math.min(count - 1, Math.max(0, Math.floor(coordinate)));
    return map.data[cell(y * contentSize[0], map.h) * map.w + cell(x * contentSize[1], map.w)];
  }
  const [y0, y1, fy] = neighbours(y * contentSize[0], map.h);
  const [x0, x1, fx] = neighbours(x * contentSize[1], map.w);
  const { data, w } = map;
  const top = data[y0 * w + x0] * (1 - fx) + data[y0 * w + x1] * fx;
  const bottom = data[y1 * w + x0] * (1 - fx) + data[y1 * w + x1] * fx;
  return top * (1 - fy) + bottom * fy;
}

/** A map on `height` × `width` points spread over a part of the image: point j lies at (j + 0.5) / width of it.
 * @param {Crt.Values} map
 * @param {Crt.Size} contentSize
 * @param {number} height
 * @param {number} width
 * @returns {Crt.Values}
 */
export function upsample(map, contentSize, height, width, { left, top: above, right, bottom: below } = WHOLE) {
  const out = new Float32Array(height * width);
  const { data, w } = map;
  const [low, high, part] = [new Int32Array(width), new Int32Array(width), new Float64Array(width)];
  for (let j = 0; j < width; j++) [low[j], high[j], part[j]] = neighbours((left + ((j + 0.5) / width) * (right - left)) * contentSize[1], w);
  for (let i = 0; i < height; i++) {
    const [y0, y1, fy] = neighbours((above + ((i + 0.5) / height) * (below - above)) * contentSize[0], map.h);
    for (let j = 0; j < width; j++) {
      const [x0, x1, fx] = [low[j], high[j], part[j]];
      const top = data[y0 * w + x0] * (1 - fx) + data[y0 * w + x1] * fx;
      const bottom = data[y1 * w + x0] * (1 - fx) + data[y1 * w + x1] * fx;
      out[i * width + j] = top * (1 - fy) + bottom * fy;
    }
  }
  return { data: out, h: height, w: width };
}
