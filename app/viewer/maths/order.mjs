// The largest of values, and their order.

/** The largest value, 0 for an empty map.
 * @param {Crt.Numbers} data
 */
export function largest(data) {
  let max = 0;
  for (let i = 0; i < data.length; i++) if (data[i] > max) max = data[i];
  return max;
}

/** Class indices by falling probability.
 * @param {number[]} probabilities
 */
export function sortedClasses(probabilities) {
  return probabilities.map((_, i) => i).sort((a, b) => probabilities[b] - probabilities[a] || a - b);
}
