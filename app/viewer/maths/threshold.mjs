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
