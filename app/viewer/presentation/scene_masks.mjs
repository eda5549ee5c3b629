// Ground truth from mask files in a scene or an interactive page, on the points on which the page counts IoU.

import { base64ToBuffer } from '../core/decode.mjs';
import { gridSize } from '../explore/draw.mjs';
import { bytesOf } from '../explore/saved_cams.mjs';
import { packBits } from '../export/bits.mjs';
import { groundTruthOf, keepFile, labelsOf } from '../ground_truth/ground_truth.mjs';
import { crc32 } from '../maths/crc32.mjs';

export const MASKS_KEY = 'masks'; // the first word of a key
const MAX_SIDE = 2048; // points along a side
const MAX_MASKS = 255;
const IGNORED = 255;

/** The mask of a class: a bit for each point inside, and for each that does not count, null for none.
 * @typedef {{ label: string, h: number, w: number, inside: string, ignore: string | null }} SavedMask
 */

/** The masks of the image from files, those of classes that shapes are drawn for excepted.
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @returns {SavedMask[]}
 */
export function givenMasks(state, { run, image }) {
  const size = gridSize(image.naturalWidth, image.naturalHeight);
  const given = [...labelsOf(state, run)].filter((label) => groundTruthOf({ ...state, classes: [run.classes.indexOf(label)] }, { run }).source === 'file');
  return given.flatMap((label) => maskOf(run.imageId, label, size) ?? []);
}

/** The key and the masks from files on the screen, null where there are none.
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @returns {[string, { masks: SavedMask[] }] | null}
 */
export function shownMasks(state, view) {
  const masks = givenMasks(state, view);
  if (!masks.length) return null;
  const hash = crc32(new TextEncoder().encode(JSON.stringify(masks))).toString(16);
  return [JSON.stringify([MASKS_KEY, view.run.imageId, hash]), { masks }];
}

/** Make these the mask files of an image, in place of those of the same classes; one that is there already stays.
 * @param {string} imageId
 * @param {SavedMask[]} masks
 */
export function keepMasks(imageId, masks) {
  for (const mask of masks) {
    const { label, h, w, inside, ignore } = mask;
    if (JSON.stringify(maskOf(imageId, label, [h, w])) === JSON.stringify(mask)) continue;
    const [object, unsure] = [inside, ignore].map((bits) => (bits === null ? null : unpackBits(bits)));
    const labels = Uint8Array.from({ length: h * w }, (_, i) => (object?.(i) ? 1 : unsure?.(i) ? IGNORED : 0));
    keepFile(imageId, { h, w, labels }, { [label]: 1 });
  }
}

/** Whether these are masks as `shownMasks` gives them.
 * @param {any} found
 */
export function areMasks(found) {
  const isSide = (/** @type {unknown} */ side) => Number.isInteger(side) && Number(side) > 0 && Number(side) <= MAX_SIDE;
  const areBits = (/** @type {unknown} */ text, /** @type {number} */ count) => typeof text === 'string' && bytesOf(text) === Math.ceil(count / 8);
  return Array.isArray(found) && found.length > 0 && found.length <= MAX_MASKS && found.every((one) => typeof one?.label === 'string' && isSide(one.h) && isSide(one.w)
    && areBits(one.inside, one.h * one.w) && (one.ignore === null || areBits(one.ignore, one.h * one.w)));
}

/** The mask of a class from a file, null where there is none.
 * @param {string} imageId
 * @param {string} label
 * @param {Crt.Size} size
 * @returns {SavedMask | null}
 */
function maskOf(imageId, label, [h, w]) {
  const run = /** @type {Crt.Run} */ ({ imageId, classes: [label] });
  const truth = groundTruthOf(/** @type {Crt.State} */ ({ classes: [0], drawn: {} }), { run });
  const [inside, ignore] = [truth.raster(h, w), truth.ignore(h, w)];
  return inside && { label, h, w, inside: packBits(inside), ignore: ignore?.some(Boolean) ? packBits(ignore) : null };
}

/** Whether the bit of a point is set, for what packBits gives.
 * @param {string} text
 */
function unpackBits(text) {
  const bytes = new Uint8Array(base64ToBuffer(text));
  return (/** @type {number} */ i) => Boolean(bytes[i >> 3] & (0x80 >> (i & 7)));
}
