// Which values of a map belong to the object: the one threshold rule of the page, as crt.threshold has it; a test
// compares the two.

/** Whether a value lies strictly above a level, so that the background wins a tie; NaN is above nothing. The level is
 *  rounded to float32, in which maps are.
 * @param {number} value
 * @param {number} level
 */
export function aboveThreshold(value, level) {
  return value > Math.fround(level);
}

/** RGBA bytes of a mask: clear where a value lies above the level, black elsewhere.
 * @param {Crt.Numbers} values
 * @param {number} level
 */
export function maskPixels(values, level) {
  const rgba = new Uint8ClampedArray(values.length * 4);
  for (let i = 0; i < values.length; i++) rgba[4 * i + 3] = aboveThreshold(values[i], level) ? 0 : 255;
  return rgba;
}

/** The object above a cut-off: 1 for each level above it. A pixel on it is background, as on every threshold.
 * @param {Uint8Array} levels 0 to 255
 * @param {number} cutoff 0 to 1
 */
export const cutLevels = (levels, cutoff) => levels.map((level) => Number(level > 255 * cutoff));
