// A file with CAMs of another method: .npy, .npz, or greyscale PNG, read in this page. crt/data/cam_files.py has the same
// rules and sentences; a test compares the two.

import { BadPng, readGreyPng } from '../ground_truth/png.mjs';
import { crc32 } from '../maths/crc32.mjs';
import { BadCam, MAX_SIDE, MIN_SIDE, PNG, UNNAMED, checkAspect, isDeepPng, shapeWords, sizeProblem, starts } from './cam_rules.mjs';
import { DAMAGED, EMPTY, PICKLED, UNKNOWN, isWhole, mapAt, memberBytes, npzMembers, readNpy } from './numpy_file.mjs';

export { BadCam, UNNAMED, checkAspect, isDeepPng, sizeProblem };
const MAX_NAMES = 4; // names of arrays or classes that a message lists
const PNG_HEADER_BYTES = 33; // signature and IHDR
const [NPY, ZIP] = ['\x93NUMPY', 'PK'];
const NOT_FINITE = 'This file holds NaN or infinite values: replace them by numbers.';
const GREY_ONLY = 'This PNG is not greyscale with 8 or 16 bits: save it so, or save the map as .npy.';
const INTERLACED = 'This PNG is interlaced: save it without interlacing.';

/** Bytes of a file -> its maps by class name, with the values of the file; a single map under UNNAMED if nothing in the file
 *  names its class. An npy of C maps has them in the order of the C classes; arrays of an npz are named by classes, or there
 *  is one alone. Throws BadCam.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {string[]} classes names of the checkpoint's classes
 * @returns {Promise<Map<string, Crt.Values>>}
 */
export async function readCams(bytes, classes) {
  const problem = sizeProblem(bytes.length);
  if (problem) throw new BadCam(problem);
  if (!bytes.length) throw new BadCam(EMPTY);
  if (bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5) throw new BadCam(PICKLED);
  if (starts(bytes, PNG)) return new Map([[UNNAMED, await png(bytes)]]);
  if (starts(bytes, NPY)) return byOrder(npy(bytes), classes);
  if (starts(bytes, ZIP)) return npz(bytes, classes);
  throw new BadCam(UNKNOWN);
}

/** A function from a name to the class that it means, or undefined: as it is, without the number that a data set may put
 *  before it and with blanks, or in any case where that leaves one; `class_finder` of crt/data/class_names.py.
 * @param {string[]} classes
 */
export function classFinder(classes) {
  /** @type {Map<string, string>} */
  const exact = new Map(classes.flatMap((name) => [[displayName(name), name], [name, name]]));
  /** @type {Map<string, string[]>} */
  const close = new Map();
  for (const name of classes) close.set(folded(displayName(name)), [...(close.get(folded(displayName(name))) ?? []), name]);
  return (/** @type {string} */ name) => {
    const alike = close.get(folded(displayName(name))) ?? [];
    return exact.get(name) ?? exact.get(displayName(name)) ?? (alike.length === 1 ? alike[0] : undefined);
  };
}

/** @param {string} name */
function displayName(name) {
  return (/^\p{Nd}+\.([^]+)$/u.exec(name)?.[1] ?? name).replaceAll('_', ' ');
}

/** @param {string} name */
const folded = (name) => name.trim().normalize('NFC').toLowerCase().normalize('NFC');

/** @param {Uint8Array<ArrayBuffer>} bytes */
function npy(bytes) {
  if (!starts(bytes, NPY)) throw new BadCam(DAMAGED);
  const array = readNpy(bytes);
  const { shape } = array;
  if (shape.length !== 2 && shape.length !== 3) {
    throw new BadCam(`This file holds an array of shape ${shapeWords(shape)}: save a map (height, width) or maps (classes, height, width).`);
  }
  checkSides(shape.slice(-2));
  if (!isWhole(array)) throw new BadCam(DAMAGED);
  return array;
}

/** @param {number[]} sides */
function checkSides(sides) {
  if (sides.every((side) => side >= MIN_SIDE && side <= MAX_SIDE)) return;
  throw new BadCam(`This file holds a map of shape ${shapeWords(sides)}, and sides of ${MIN_SIDE} to ${MAX_SIDE} are read: save it at another size.`);
}

/** @param {Crt.Values} map */
function finite(map) {
  if (!map.data.every(Number.isFinite)) throw new BadCam(NOT_FINITE);
  return map;
}

/** The map of an array (h, w) or (1, h, w).
 * @param {import('./numpy_file.mjs').StoredArray} array
 */
function oneMap(array) {
  if (array.shape.length === 3 && array.shape[0] !== 1) throw new BadCam(`This file holds ${array.shape[0]} maps, and one is needed: save one map (height, width).`);
  return finite(mapAt(array));
}

/**
 * @param {import('./numpy_file.mjs').StoredArray} array
 * @param {string[]} classes
 * @returns {Map<string, Crt.Values>}
 */
function byOrder(array, classes) {
  const { shape } = array;
  if (shape.length === 3 && shape[0] === classes.length) return new Map(classes.map((name, k) => [name, finite(mapAt(array, k))]));
  if (shape.length === 2 || shape[0] === 1) return new Map([[UNNAMED, oneMap(array)]]);
  throw new BadCam(`This file holds ${shape[0]} maps, and the checkpoint has ${classes.length} classes: save one map, one for each class in its order, or an .npz with arrays named by classes.`);
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {string[]} classes
 */
async function npz(bytes, classes) {
  const members = npzMembers(bytes);
  const find = classFinder(classes);
  const found = members.map(({ name }) => find(name));
  if (members.length === 1 && found[0] === undefined) return byOrder(npy(await memberBytes(bytes, members[0])), classes);
  /** @type {Map<string, Crt.Values>} */
  const cams = new Map();
  for (const [i, member] of members.entries()) {
    const name = found[i];
    if (name === undefined) continue;
    if (cams.has(name)) throw new BadCam(`This file holds two arrays for the class ${name}: keep one of them.`);
    cams.set(name, oneMap(npy(await memberBytes(bytes, member))));
  }
  if (cams.size) return cams;
  const names = members.slice(0, MAX_NAMES).map(({ name }) => name).join(', ') + (members.length > MAX_NAMES ? ', …' : '');
  throw new BadCam(`No array of this file (${names}) is named by a class of the checkpoint: name each by its class.`);
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
async function png(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < PNG_HEADER_BYTES || view.getUint32(8) !== 13 || view.getUint32(12) !== 0x49484452) throw new BadCam(DAMAGED);
  if (crc32(bytes.subarray(12, 29)) !== view.getUint32(29)) throw new BadCam(DAMAGED);
  const [bits, colorType, compression, filter, interlace] = bytes.subarray(24, 29);
  if (colorType !== 0 || (bits !== 8 && bits !== 16)) throw new BadCam(GREY_ONLY);
  if (compression || filter) throw new BadCam(DAMAGED);
  if (interlace) throw new BadCam(INTERLACED);
  checkSides([view.getUint32(20), view.getUint32(16)]);
  try {
    return await readGreyPng(bytes);
  } catch (error) {
    throw error instanceof BadPng ? new BadCam(DAMAGED) : error;
  }
}

/** What was read, in words.
 * @param {string} file
 * @param {Map<string, Crt.Values>} read
 * @param {string[]} shown names of the classes that are shown
 */
export function readWords(file, read, shown) {
  const names = [...read.keys()];
  if (names[0] === UNNAMED) return `${file} was read as the map of ${shown.join(' and ')}.`;
  const more = names.length - MAX_NAMES;
  return `${file} was read, with maps of ${names.slice(0, MAX_NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}.`;
}
