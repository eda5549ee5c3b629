// Maps of other methods that the user has given as files: kept here for their images, and as panels. They stay in this page;
// an export takes the one that is shown along.

import { upsample } from '../maths/resample.mjs';
import { figure } from '../maths/numbers.mjs';
import { largest } from '../maths/order.mjs';
import { base64ToBuffer } from '../core/decode.mjs';
import { toBase64 } from '../export/bits.mjs';
import { crc32 } from '../maths/crc32.mjs';
import { UNNAMED, checkAspect } from './cam_rules.mjs';

export const CAMS_KEY = 'cams'; // the first word of savedKey
export const NAME_MAX_CHARS = 60;
export const SHOWN_MAX_SIDE = 512; // values along a side of a map that is shown, and of one that an export takes along
const KEPT_MAX_VALUES = 2 ** 26; // of all maps together
export const SAVED_MAX_VALUES = 2 ** 20; // of all maps of a file in an interactive page or a scene
const STEPS = 65_535; // between 0 and the largest value of a map there
const HERE_NO_MORE = 'Choose the file again';
const FILE_TITLE = 'Map from file';

/** The map of one class. `low` and `high`: the least and the largest value in the file; `size`: height and width there.
 * @typedef {{ map: Crt.Values, low: number, high: number, size: Crt.Size }} ClassCam
 */
/** `source`: the key of the scene's or interactive page's maps that these are.
 * @typedef {{ id: number, imageId: string, name: string, cams: Map<string, ClassCam>, source?: string }} FileCams
 */

/** A file's maps in an interactive page or a scene: values as whole numbers of 16 bits, little-endian in base64, STEPS for `max`.
 * @typedef {{ label: string, h: number, w: number, max: number, values: string, low: number, high: number, size: Crt.Size }} SavedCam
 */
/** @typedef {{ name: string, cams: SavedCam[] }} SavedFile */

/** @type {FileCams[]} */
const kept = []; // those given last at the end
/** @type {WeakMap<Map<string, ClassCam>, { key: string, map: Crt.Values }>} */
const merged = new WeakMap(); // the map of several classes that was shown last
/** @type {WeakMap<Float32Array, number>} */
const maxima = new WeakMap(); // of maps that were shown
let count = 0;

/** Maps as they were read, for an image. A map without a class belongs to those that are shown; values below 0 are no
 *  evidence, and a map larger than the page draws is averaged over areas. Throws BadCam for a map that does not fit the image.
 * @param {Map<string, Crt.Values>} read as readCams gives it
 * @param {string[]} shown names of the classes that are shown
 * @param {Crt.Size} image height and width in pixels
 * @returns {Map<string, ClassCam>}
 */
export function camsForImage(read, shown, image) {
  /** @type {Map<string, ClassCam>} */
  const cams = new Map();
  for (const [name, map] of read) {
    checkAspect([map.h, map.w], image);
    const [low, high] = ends(map.data);
    const data = map.data.map((value) => Math.max(0, value));
    const cam = { map: atMost({ ...map, data }, SHOWN_MAX_SIDE), low, high, size: /** @type {Crt.Size} */ ([map.h, map.w]) };
    for (const label of name === UNNAMED ? shown : [name]) cams.set(label, cam);
  }
  return cams;
}

/** Keep the maps of a file for an image -> their number. They replace those of the same name; the files given
 *  first are let go where all together are too large.
 * @param {string} imageId
 * @param {string} name
 * @param {Map<string, ClassCam>} cams
 */
export function keepCams(imageId, name, cams) {
  const former = kept.findIndex((one) => one.imageId === imageId && one.name === name);
  const id = former < 0 ? ++count : kept[former].id;
  if (former >= 0) kept.splice(former, 1);
  add({ id, imageId, name, cams });
  return id;
}

/** @param {FileCams} file */
function add(file) {
  kept.push(file);
  const size = () => kept.reduce((sum, one) => sum + valuesOf(one), 0);
  while (kept.length > 1 && size() > KEPT_MAX_VALUES) kept.shift();
}

/** The files kept for an image, in the order in which they were given first.
 * @param {string} imageId
 */
export const filesOf = (imageId) => kept.filter((one) => one.imageId === imageId).sort((a, b) => a.id - b.id);

/** The file of a number, if it is kept for this image.
 * @param {string} imageId
 * @param {number} id
 */
export const fileOf = (imageId, id) => kept.find((one) => one.id === id && one.imageId === imageId) ?? null;

/** Give a file another name; an empty one is not taken.
 * @param {FileCams} file
 * @param {string} name
 */
export function rename(file, name) {
  const next = nameOf(name) || file.name;
  if (next !== file.name) delete file.source;
  file.name = next;
}

/** A name without blanks around it and of at most NAME_MAX_CHARS characters.
 * @param {string} text
 */
const nameOf = (text) => text.trim().slice(0, NAME_MAX_CHARS).trim();

/** The name that a file's maps have at first: its own without the ending.
 * @param {string} file
 */
export const firstName = (file) => nameOf(file.replace(/\.(npy|npz|png)$/i, '')) || FILE_TITLE;

/** The panel of a file for these classes: the largest of their maps. Without a file, or without a map of these classes,
 *  `empty` is the reason.
 * @param {FileCams | null} file
 * @param {string[]} names of the classes
 * @returns {Crt.AddedPanel}
 */
export function panelOf(file, names) {
  const cams = names.flatMap((name) => file?.cams.get(name) ?? []);
  const title = file?.name ?? FILE_TITLE;
  if (!file || !cams.length) {
    const empty = file ? `No map for ${names.length > 1 ? 'these classes' : 'this class'}` : HERE_NO_MORE;
    return { title, note: 'from a file', map: { data: new Float32Array(1), h: 1, w: 1 }, contentSize: [1, 1], max: 0, unit: 'explainer', empty };
  }
  const map = cams.length === 1 ? cams[0].map : mergedMap(file.cams, names, cams);
  const without = names.filter((name) => !file.cams.has(name));
  const max = maxima.get(map.data) ?? largest(map.data);
  maxima.set(map.data, max);
  return {
    title, map, contentSize: [map.h, map.w], max, unit: 'explainer', empty: max > 0 ? '' : 'No value above 0',
    note: [noteOf(cams), without.length ? `no map for ${without.join(', ')}` : ''].filter(Boolean).join('; '),
  };
}

/** A file's maps for an interactive page, as far as the checkpoint has their classes, null if it has none; many are made smaller.
 * @param {FileCams} file
 * @param {string[]} classes names of the checkpoint's classes
 * @returns {SavedFile | null}
 */
export function toSave({ name, cams }, classes) {
  const known = [...cams].filter(([label]) => classes.includes(label));
  if (!known.length) return null;
  const side = Math.min(SHOWN_MAX_SIDE, Math.floor(Math.sqrt(SAVED_MAX_VALUES / known.length)));
  return {
    name,
    cams: known.map(([label, { map, low, high, size }]) => {
      const { data, h, w } = atMost(map, side);
      const max = largest(data);
      const bytes = new Uint8Array(2 * data.length);
      const out = new DataView(bytes.buffer);
      data.forEach((value, i) => out.setUint16(2 * i, max > 0 ? Math.round((value / max) * STEPS) : 0, true));
      return { label, h, w, max, values: toBase64(bytes), low, high, size };
    }),
  };
}

/** Names the maps of a file by their image and all that they hold.
 * @param {string} imageId
 * @param {SavedFile} saved
 */
export function savedKey(imageId, { name, cams }) {
  const text = JSON.stringify(cams.map(({ label, h, w, max, values, low, high, size }) => [label, h, w, max, values, low, high, size]));
  return JSON.stringify([CAMS_KEY, imageId, name, crc32(new TextEncoder().encode(text)).toString(16)]);
}

/** Keep the maps of an interactive page or a scene -> their number. What is kept of the same maps is taken; other maps of the same
 *  name stay.
 * @param {string} imageId
 * @param {SavedFile} saved
 */
export function keepSaved(imageId, saved) {
  const source = savedKey(imageId, saved);
  const known = kept.find((one) => one.source === source);
  if (known) return known.id;
  const id = ++count;
  add({
    id, imageId, source, name: saved.name,
    cams: new Map(saved.cams.map(({ label, h, w, max, values, low, high, size }) => {
      const view = new DataView(base64ToBuffer(values));
      const data = Float32Array.from({ length: h * w }, (_, i) => (view.getUint16(2 * i, true) / STEPS) * max);
      return [label, { map: { data, h, w }, low, high, size }];
    })),
  });
  return id;
}

/** Range and shape in words.
 * @param {ClassCam[]} cams
 */
function noteOf(cams) {
  const words = (/** @type {number} */ value) => figure(value).replace('-', '−');
  const [low, high] = [Math.min(...cams.map((one) => one.low)), Math.max(...cams.map((one) => one.high))];
  return `${words(low)} to ${words(high)} on ${cams[0].size[1]} × ${cams[0].size[0]}`;
}

/** The largest of several maps, on the cells of the first.
 * @param {Map<string, ClassCam>} all
 * @param {string[]} names
 * @param {ClassCam[]} cams
 */
function mergedMap(all, names, cams) {
  const key = JSON.stringify(names);
  const known = merged.get(all);
  if (known?.key === key) return known.map;
  const { h, w } = cams[0].map;
  const data = new Float32Array(h * w);
  for (const cam of cams) {
    const { data: values } = cam.map.h === h && cam.map.w === w ? cam.map : upsample(cam.map, [cam.map.h, cam.map.w], h, w);
    for (let i = 0; i < data.length; i++) data[i] = Math.max(data[i], values[i]);
  }
  const map = { data, h, w };
  merged.set(all, { key, map });
  return map;
}

/** Values of all different maps of a file.
 * @param {FileCams} file
 */
const valuesOf = ({ cams }) => [...new Set(cams.values())].reduce((sum, { map }) => sum + map.data.length, 0);

/** Least and largest value.
 * @param {Float32Array} data
 * @returns {[number, number]}
 */
function ends(data) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of data) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** A map with at most `side` values along its longer side.
 * @param {Crt.Values} map
 * @param {number} side
 * @returns {Crt.Values}
 */
export function atMost(map, side) {
  const factor = side / Math.max(map.h, map.w);
  if (factor >= 1) return map;
  const [h, w] = [map.h, map.w].map((one) => Math.min(one, Math.max(2, Math.round(one * factor))));
  return averaged(map, h, w);
}

/** A map on fewer cells, each the mean of the area that it covers.
 * @param {Crt.Values} map
 * @param {number} h
 * @param {number} w
 * @returns {Crt.Values}
 */
export function averaged({ data, h: rows, w: cols }, h, w) {
  const out = new Float64Array(h * w);
  const line = new Float64Array(w);
  for (let y = 0; y < rows; y++) {
    line.fill(0);
    for (let x = 0; x < cols; x++) share(x, cols, w, (cell, part) => { line[cell] += part * data[y * cols + x]; });
    share(y, rows, h, (cell, part) => { for (let j = 0; j < w; j++) out[cell * w + j] += part * line[j]; });
  }
  return { data: Float32Array.from(out), h, w };
}

/** The cells, of `to` along a side, in which cell `at` of `from` lies, and which part of each it covers.
 * @param {number} at
 * @param {number} from
 * @param {number} to
 * @param {(cell: number, part: number) => void} use
 */
function share(at, from, to, use) {
  const [begin, end] = [(at * to) / from, ((at + 1) * to) / from];
  const first = Math.min(to - 1, Math.floor(begin));
  const border = Math.min(end, first + 1);
  use(first, border - begin);
  if (end > border && first + 1 < to) use(first + 1, end - border);
}
