// The maps of a file in what is read from a scene file or an interactive page: all of it is checked, with the limits of a file
// that is dropped on the page. app/requests/saved_file.py has the same rules.

import { MAX_SIDE, MIN_SIDE } from './cam_rules.mjs';
import { NAME_MAX_CHARS, SAVED_MAX_VALUES, SHOWN_MAX_SIDE } from './file_cams.mjs';

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Whether these are a file's maps, as `toSave` of file_cams.mjs makes them.
 * @param {any} found
 */
export function isSavedFile(found) {
  if (typeof found?.name !== 'string' || !found.name || found.name.length > NAME_MAX_CHARS) return false;
  if (!Array.isArray(found.cams) || !found.cams.length || !found.cams.every(isSavedCam)) return false;
  const labels = new Set(found.cams.map((/** @type {any} */ { label }) => label));
  return labels.size === found.cams.length && found.cams.reduce((/** @type {number} */ sum, /** @type {any} */ { h, w }) => sum + h * w, 0) <= SAVED_MAX_VALUES;
}

/** @param {any} one */
function isSavedCam(one) {
  return typeof one?.label === 'string' && one.label !== '' && [one.h, one.w].every((side) => isSide(side, SHOWN_MAX_SIDE))
    && [one.max, one.low, one.high].every((value) => typeof value === 'number' && Number.isFinite(Math.fround(value))) && one.max >= 0 && one.low <= one.high
    && Array.isArray(one.size) && one.size.length === 2 && one.size.every((/** @type {unknown} */ side) => isSide(side, MAX_SIDE))
    && typeof one.values === 'string' && bytesOf(one.values) === 2 * one.h * one.w;
}

/** How many bytes a text in base64 stands for; -1 for another text.
 * @param {string} text
 */
export function bytesOf(text) {
  if (text.length % 4 || !BASE64.test(text)) return -1;
  return (3 * text.length) / 4 - (text.endsWith('==') ? 2 : Number(text.endsWith('=')));
}

/** @param {unknown} side @param {number} most */
const isSide = (side, most) => Number.isInteger(side) && Number(side) >= MIN_SIDE && Number(side) <= most;
