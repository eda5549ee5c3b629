// From values to colours: the limits of each map's colour scale, and its pixels.

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
