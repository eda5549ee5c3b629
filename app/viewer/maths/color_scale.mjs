// From values to colours: the limits of each map's colour scale, and its pixels.

const FADE_END = 0.5; // share of the scale from which on a map that fades is opaque

/** Alpha, 0 to 255, of each of the 256 colours of a map that fades: transparent at the value 0, which is in the middle of a
 *  signed scale, and opaque from half of the scale on.
 * @param {boolean} signed
 */
export const fadeTable = (signed) => Uint8ClampedArray.from({ length: 256 }, (_, i) => 255 * Math.min(1, Math.abs(signed ? i / 127.5 - 1 : i / 255) / FADE_END));

/** Values -> RGBA bytes through a 256 × 3 table, `low` at its lower end and `range` at its upper; what is no number gets the
 *  lowest colour. `alphas`: of each colour, all opaque without them.
 * @param {Crt.Numbers} data
 * @param {number} range
 * @param {Uint8ClampedArray} table
 * @param {number} [low]
 * @param {Uint8ClampedArray | null} [alphas]
 */
export function colorize(data, range, table, low = 0, alphas = null) {
  const rgba = new Uint8ClampedArray(data.length * 4);
  const factor = range > low ? 255 / (range - low) : 0;
  for (let i = 0; i < data.length; i++) {
    const index = Math.min(255, Math.max(0, Math.round((data[i] - low) * factor) || 0));
    rgba[4 * i] = table[3 * index];
    rgba[4 * i + 1] = table[3 * index + 1];
    rgba[4 * i + 2] = table[3 * index + 2];
    rgba[4 * i + 3] = alphas ? alphas[index] : 255;
  }
  return rgba;
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
