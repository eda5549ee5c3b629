// The sliders and presets of the Masks tab, and what is requested of the server with them.

import { crfSettings, walkSettings } from './mask_export.mjs';
import { sliderOf } from '../core/settings.mjs';

/** Least, most and step of one of these sliders.
 * @param {string} name
 */
const slider = (name) => sliderOf(`mask.${name}`);

/** What can be set of the CRF: name, label, least, most, step, and the values of IRNet and of DeepLab.
 * @type {[string, string, number, number, number, number, number][]}
 */
export const KNOBS = [
  ['iterations', 'Iterations', ...slider('iterations'), 10, 10],
  ['gaussianSxy', 'Gaussian: σ position, px', ...slider('gaussianSxy'), 3, 1],
  ['gaussianCompat', 'Gaussian: weight', ...slider('gaussianCompat'), 3, 3],
  ['bilateralSxy', 'Bilateral: σ position, px', ...slider('bilateralSxy'), 50, 67],
  ['bilateralSrgb', 'Bilateral: σ colour', ...slider('bilateralSrgb'), 5, 3],
  ['bilateralCompat', 'Bilateral: weight', ...slider('bilateralCompat'), 10, 4],
];

/** What can be set of the walk: name, label, least, most, step, and how the value is written.
 * @type {[string, string, number, number, number, (value: number) => string][]}
 */
export const WALK_KNOBS = [
  ['walkThreshold', 'Background', ...slider('walkThreshold'), (value) => `${Math.round(100 * value)} % of max`],
  ['walkSteps', 'Steps', ...slider('walkSteps'), (value) => String(2 ** value)],
  ['walkBeta', 'Affinity exponent β', ...slider('walkBeta'), String],
];

/** Which preset these values are.
 * @param {Record<string, unknown>} values
 */
export function presetOf(values) {
  const same = (/** @type {5 | 6} */ column) => KNOBS.every((knob) => values[knob[0]] === knob[column]);
  return same(5) ? 'irn' : same(6) ? 'deeplab' : 'own';
}

/** The values of a preset.
 * @param {string} name
 */
export const presetValues = (name) => Object.fromEntries(KNOBS.map((knob) => [knob[0], knob[name === 'irn' ? 5 : 6]]));

/** What is requested of the CRF, from the state alone; the same details give the same mask.
 * @param {Crt.State} state
 */
export function maskDetails(state) {
  return { ...whichMaps(state), threshold: state.threshold, crf: crfSettings(state) };
}

/** What is requested of the walk. Its threshold is applied here.
 * @param {Crt.State} state
 */
export function walkDetails(state) {
  const { threshold: _, ...walk } = walkSettings(state);
  return { ...whichMaps(state), walk };
}

/** @param {Crt.State} state */
function whichMaps({ mask, classes, loops, refined, blocks, pass_reduction }) {
  return { method: mask.method, classes, loops, refined, blocks, pass_reduction };
}
