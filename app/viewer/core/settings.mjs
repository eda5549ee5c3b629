// The settings of the page as core/schema.mjs declares them: where they lie in the state, and in what an export is made of.

import { SETTINGS } from './schema.mjs';

const BY_PATH = new Map(SETTINGS.map((setting) => [setting.path, setting]));

/** The setting at a path of the state, such as `mask.walkBeta`.
 * @param {string} path
 * @returns {Crt.Setting}
 */
export function settingAt(path) {
  const setting = BY_PATH.get(path);
  if (!setting) throw new Error(`${path} is no setting`);
  return setting;
}

/** The value at a path of a state.
 * @param {any} state
 * @param {string} path
 */
export const valueAt = (state, path) => path.split('.').reduce((value, name) => value?.[name], state);

/** Set the value at a path of an object, whose inner objects are made where they are missing.
 * @param {any} state
 * @param {string} path
 * @param {unknown} value
 */
export function put(state, path, value) {
  const names = path.split('.');
  const last = names.splice(-1)[0];
  names.reduce((inner, name) => (inner[name] ??= {}), state)[last] = value;
}

/** Every setting as it is at first.
 * @returns {Crt.State}
 */
export function defaults() {
  const state = /** @type {Crt.State} */ ({});
  for (const { path, default: value } of SETTINGS) put(state, path, structuredClone(value));
  return state;
}

/** The settings of an export's group, such as `masks.crf`, or of the export itself and the objects in it, as the server
 *  takes them.
 * @param {Crt.State} state
 * @param {string} [group]
 * @returns {Record<string, any>}
 */
export function exported(state, group = '') {
  /** @type {Record<string, any>} */
  const found = {};
  for (const { path, export: at = '' } of SETTINGS) {
    const place = at.lastIndexOf('.');
    if (at && at.slice(0, Math.max(0, place)) === group) found[at.slice(place + 1)] = valueAt(state, path);
  }
  return found;
}

/** Give a range input the ends and the step of a setting.
 * @param {HTMLInputElement} input
 * @param {string} path
 */
export function setRange(input, path) {
  const [min, max, step] = sliderOf(path).map(String);
  Object.assign(input, { min, max, step });
}

/** Least, most and step of a setting's control.
 * @param {string} path
 * @returns {readonly [number, number, number]}
 */
export function sliderOf(path) {
  const { slider } = settingAt(path);
  if (!slider) throw new Error(`${path} has no slider`);
  return slider;
}
