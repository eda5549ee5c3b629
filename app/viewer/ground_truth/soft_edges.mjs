// Masks whose edges are soft, as antialiasing, blurring or scaling leaves them: values that come gradually between a
// background and an object. Where the object ends is the user's choice, a share of the way from the one to the other.

const MANY_VALUES = 16; // more values than this between the two most frequent ones are an edge
const EDGE_SHARE = 0.25; // such an edge covers less of a mask than this; more is a photo or a depth map
const WHITE = 255;
const LINE_TOLERANCE = 8; // by how much rounding may move a colour off the line between two others
const LEAST_CONTRAST = 64; // between the two most frequent colours

/** The two most frequent values and the others, where these cover little; else null.
 * @param {Uint8Array} values
 */
function plateausOf(values) {
  const counts = new Uint32Array(256);
  for (const value of values) counts[value] += 1;
  const [first, second, ...others] = [...counts.keys()].filter((value) => counts[value]).sort((a, b) => counts[b] - counts[a]);
  const edge = values.length - counts[first] - counts[second];
  return others.length && edge < EDGE_SHARE * values.length ? { first, second, others } : null;
}

/** Whether grey values are an object with soft edges: many values between the two most frequent ones, or some between black
 *  and white. `has_soft_edges` of crt/pseudo_labels/object_masks.py
 *  decides as this does.
 * @param {Uint8Array} values
 * @param {boolean} areClasses whether each of them could be the number of a class; then both must hold
 */
export function hasSoftEdges(values, areClasses = false) {
  const plateaus = plateausOf(values);
  if (!plateaus) return false;
  const { first, second, others } = plateaus;
  const many = others.length > MANY_VALUES;
  const binary = Math.min(first, second) === 0 && Math.max(first, second) === WHITE;
  return areClasses ? many && binary : many || binary;
}

/** Of each grey value how far it is from the least to the largest one, 0 to 255.
 * @param {Uint8Array} values
 */
export function levelsOfGrey(values) {
  const low = values.reduce((a, b) => Math.min(a, b), WHITE);
  const high = values.reduce((a, b) => Math.max(a, b), 0);
  return Uint8Array.from({ length: 256 }, (_, value) => levelOf((value - low) / Math.max(1, high - low)));
}

/** Of each colour how far it is from the darker to the lighter one of the two most frequent colours, 0 to 255; null where
 *  the others do not lie between them.
 * @param {Uint8Array} values h × w numbers of colours
 * @param {Crt.RGB[]} colors
 */
export function levelsOfColors(values, colors) {
  const plateaus = plateausOf(values);
  if (!plateaus) return null;
  const { first, second, others } = plateaus;
  const [dark, light] = [colors[first], colors[second]].sort((a, b) => brightness(a) - brightness(b));
  const line = light.map((value, i) => value - dark[i]);
  const length = Math.hypot(...line);
  if (length < LEAST_CONTRAST) return null;
  const levels = new Uint8Array(256);
  for (const k of [first, second, ...others]) {
    const from = colors[k].map((value, i) => value - dark[i]);
    const share = from.reduce((sum, value, i) => sum + value * line[i], 0) / length ** 2;
    const within = Math.min(1, Math.max(0, share));
    if (Math.hypot(...from.map((value, i) => value - within * line[i])) > LINE_TOLERANCE) return null;
    levels[k] = levelOf(within);
  }
  return levels;
}

/** @param {Crt.RGB} color */
export const brightness = ([r, g, b]) => 0.3 * r + 0.59 * g + 0.11 * b;

/** @param {number} share */
const levelOf = (share) => Math.round(255 * Math.min(1, Math.max(0, share)));
