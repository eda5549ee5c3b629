// Scenes as text: a file of them, and what this browser keeps. A file also holds what its scenes show (`kept`): runs with
// their image, answers of the server, and maps and ground truth from files. Everything that is read is checked.

import { base64ToBuffer } from '../core/decode.mjs';
import { CAMS_KEY } from '../explore/file_cams.mjs';
import { isSavedFile } from '../explore/saved_cams.mjs';
import { toBase64 } from '../export/bits.mjs';
import { decode } from '../permalink/query.mjs';
import { MASKS_KEY, areMasks } from './scene_masks.mjs';

export const MAX_SCENES = 60;
export const TITLE_MAX_CHARS = 120; // characters
export const FILE_MAX_BYTES = 48 * 2 ** 20; // bytes of a file of scenes, and of a talk
const QUERY_MAX_CHARS = 1500;
const THUMB_MAX_CHARS = 60_000;
const IMAGE_MAX_CHARS = 4_000_000;
const KEY_MAX_CHARS = 4000;
const MAX_KEYS = 40; // answers of one scene
const MAX_SHAPES = 2000;
const MAX_VERTICES = 60_000; // as app/requests/export_request.py
const RUN = 'run'; // the first word of a run's key: core/answers.mjs
const IMAGE_URL = /^data:image\/(jpeg|png|webp);base64,[A-Za-z0-9+/]+=*$/;

/** @typedef {{ scenes: Crt.Scene[], left: number, problem: string }} SceneList */
/** A run's header or an answer, with the bytes of its arrays.
 * @typedef {Record<string, any> & { bytes?: ArrayBuffer | null }} Kept
 */

/** The text of a file or of the browser's storage -> { scenes, left: how many were no scenes, problem }.
 * @param {string} text
 * @returns {SceneList}
 */
export const readScenes = (text) => listOf(parsed(text));

/** Scenes -> the text that `readScenes` takes.
 * @param {Crt.Scene[]} scenes
 */
export const writeScenes = (scenes) => `${JSON.stringify({ version: 1, scenes }, null, 1)}\n`;

/** The text of a file -> its scenes, and what they show by key. What cannot be shown is left out of `kept`.
 * @param {string} text
 * @returns {SceneList & { kept: Map<string, Kept> }}
 */
export function readSceneFile(text) {
  const found = parsed(text);
  return { ...listOf(found), kept: openKept(found?.kept) };
}

/** Scenes and what they show -> the text that `readSceneFile` takes.
 * @param {Crt.Scene[]} scenes
 * @param {Map<string, Kept>} kept
 */
export const writeSceneFile = (scenes, kept) => `${JSON.stringify({ version: 1, scenes, kept: packKept(kept) })}\n`;

/** What scenes show, as JSON values.
 * @param {Map<string, Kept>} kept
 */
export function packKept(kept) {
  return Object.fromEntries([...kept].map(([key, { bytes, file, ...rest }]) => [key, { ...rest, data: bytes ? toBase64(new Uint8Array(bytes)) : null }]));
}

/** JSON values as `packKept` makes them -> what scenes show, without those that cannot be read.
 * @param {any} values
 * @returns {Map<string, Kept>}
 */
export function openKept(values) {
  /** @type {Map<string, Kept>} */
  const found = new Map();
  if (typeof values !== 'object' || values === null || Array.isArray(values)) return found;
  for (const [key, value] of Object.entries(values)) {
    const opened = isKey(key) && typeof value === 'object' && value !== null ? withBytes(value) : null;
    const event = opened && eventOf(key);
    if (!opened || !event) continue;
    if (isWhole(event, opened)) found.set(key, opened);
  }
  return found;
}

/** Whether what a key holds can be shown.
 * @param {string} event as eventOf gives it
 * @param {Kept} value
 */
function isWhole(event, value) {
  if (event === RUN) return isRun(value);
  if (event === CAMS_KEY) return isSavedFile(value);
  if (event === MASKS_KEY) return areMasks(value.masks);
  return event !== 'ablate' || Boolean(value.cannot) || hasMaps(value);
}

/** How many maps from files scenes have lost, because they cannot be read.
 * @param {Crt.Scene[]} scenes
 * @param {Map<string, Kept>} kept
 */
export const lostFiles = (scenes, kept) => new Set(scenes.flatMap(({ file }) => (file && !kept.has(file) ? [file] : []))).size;

/** The list with the scene at `from` moved by `by` positions.
 * @param {Crt.Scene[]} scenes
 * @param {number} from
 * @param {number} by
 */
export function moved(scenes, from, by) {
  const to = from + by;
  if (from < 0 || to < 0 || to >= scenes.length) return scenes;
  const rest = scenes.filter((_, i) => i !== from);
  return [...rest.slice(0, to), scenes[from], ...rest.slice(to)];
}

/** Where a scene lies in a list that another tab may have changed since; -1 if it is gone.
 * @param {Crt.Scene[]} scenes
 * @param {Crt.Scene} scene
 */
export const sceneIndex = (scenes, { title, query }) => scenes.findIndex((one) => one.title === title && one.query === query);

/** All keys of what scenes show.
 * @param {Crt.Scene[]} scenes
 */
export const keysOf = (scenes) => new Set(scenes.flatMap(({ run, answers = [], file, masks }) => [...(run ? [run] : []), ...answers, ...(file ? [file] : []), ...(masks ? [masks] : [])]));

/** The id of a run's image, from the run's key; '' for none.
 * @param {string | undefined} key
 */
export function imageIdOf(key) {
  const found = parsed(key ?? '');
  return Array.isArray(found) && found[0] === RUN && typeof found[1] === 'string' ? found[1] : '';
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // listOf has the sentence
  }
}

/**
 * @param {any} found
 * @returns {SceneList}
 */
function listOf(found) {
  if (found === undefined) return { scenes: [], left: 0, problem: 'This is no file of scenes: it is not JSON.' };
  if (found?.version !== 1 || !Array.isArray(found.scenes)) {
    return { scenes: [], left: 0, problem: 'This is no file of scenes of version 1.' };
  }
  const scenes = found.scenes.filter(isScene).slice(0, MAX_SCENES).map(sceneOf);
  return { scenes, left: found.scenes.length - scenes.length, problem: '' };
}

/** @param {Partial<Record<keyof Crt.Scene, unknown>> | null} one */
function isScene(one) {
  return typeof one?.title === 'string' && typeof one?.query === 'string' && one.query.length <= QUERY_MAX_CHARS && decode(one.query).linked;
}

/** A scene without what cannot be read of it.
 * @param {Crt.Scene} one
 * @returns {Crt.Scene}
 */
function sceneOf({ title, query, thumb, drawn, run, answers, file, masks }) {
  return {
    title: title.trim().slice(0, TITLE_MAX_CHARS), query,
    ...(isImage(thumb, THUMB_MAX_CHARS) ? { thumb } : {}),
    ...(areShapes(drawn) ? { drawn } : {}),
    ...(isKey(run) ? { run } : {}),
    ...(Array.isArray(answers) && answers.length <= MAX_KEYS && answers.every(isKey) ? { answers } : {}),
    ...(isKey(file) && eventOf(/** @type {string} */ (file)) === CAMS_KEY ? { file } : {}),
    ...(isKey(masks) && eventOf(/** @type {string} */ (masks)) === MASKS_KEY ? { masks } : {}),
  };
}

/** @param {unknown} found @param {number} length */
const isImage = (found, length) => typeof found === 'string' && found.length <= length && IMAGE_URL.test(found);
/** @param {unknown} found */
const isKey = (found) => typeof found === 'string' && found.length <= KEY_MAX_CHARS && eventOf(found) !== '';
/** @param {unknown} found */
const isText = (found) => typeof found === 'string';
/** @param {unknown} found */
const isNumber = (found) => Number.isFinite(found);
/** @type {(found: unknown) => boolean} */
const isObject = (found) => typeof found === 'object' && found !== null;
/** @param {unknown} found @param {(one: any) => boolean} test */
const isList = (found, test) => Array.isArray(found) && found.every(test);

/** What a key is of: run, cams for the maps of a file, masks for ground truth from files, or the event of an answer; '' for what is no key.
 * @param {string} key
 */
export function eventOf(key) {
  const found = parsed(key);
  return Array.isArray(found) && typeof found[0] === 'string' ? found[0] : '';
}

/** @param {unknown} found */
function areShapes(found) {
  const isPoint = (/** @type {any} */ point) => isList(point, (value) => isNumber(value) && value >= 0 && value <= 1) && point.length === 2;
  return isList(found, (one) => isText(one?.label) && isList(one.polygon, isPoint))
    && /** @type {Crt.Shape[]} */ (found).length <= MAX_SHAPES && /** @type {Crt.Shape[]} */ (found).reduce((sum, { polygon }) => sum + polygon.length, 0) <= MAX_VERTICES;
}

/** The bytes of a packed value from its base64; null if that cannot be read.
 * @param {Record<string, any>} value
 * @returns {Kept | null}
 */
function withBytes({ data, file, ...rest }) {
  if (data === null || data === undefined) return { ...rest, bytes: null };
  try {
    return { ...rest, bytes: base64ToBuffer(data) };
  } catch {
    return null; // the caller leaves it out
  }
}

/** Whether these are the header and the arrays of a run, as app.core.codec makes them.
 * @param {Kept} value
 */
function isRun(value) {
  const { run, image, imageId, checkpoint, chosen, defaults } = value;
  return isText(run) && isText(imageId) && isImage(image, IMAGE_MAX_CHARS) && isObject(defaults)
    && isObject(checkpoint) && [checkpoint.id, checkpoint.name, checkpoint.sha256].every(isText) && isList(checkpoint.modes, isText)
    && isObject(chosen) && [chosen.checkpoint, chosen.size, chosen.mode].every(isText)
    && (value.masks === undefined || isList(value.masks, (mask) => isText(mask?.label) && Array.isArray(mask.polygons)))
    && hasMaps(value);
}

/** Whether a header has the maps of a run, all of them within its bytes.
 * @param {Kept} value
 */
function hasMaps({ classes, methods, maxLoops, input, source, tiles, mode, scores, similarity, residual, timings, grid, records, bytes }) {
  return isList(classes, isText) && classes.length > 0 && isList(methods, isText) && methods.length > 0
    && [maxLoops, tiles].every(isNumber) && isText(mode) && [input, source].every((one) => isList(one, isNumber) && one.length === 2)
    && isList(similarity, isNumber) && isObject(residual) && isObject(timings)
    && isObject(scores) && methods.every((/** @type {string} */ method) => isList(scores[method], (row) => isList(row, isNumber)))
    && isObject(grid) && isList(grid.shape, isNumber) && isList(grid.cells, isNumber) && isList(records, (one) => isRecord(one, bytes))
    && methods.every((/** @type {string} */ method) => records.some((/** @type {Crt.MethodRecord} */ one) => one.method === method));
}

/**
 * @param {Crt.MethodRecord} one
 * @param {ArrayBuffer | null | undefined} bytes
 */
function isRecord(one, bytes) {
  const within = (/** @type {Crt.Stored} */ stored) => isObject(stored) && isNumber(stored.scale) && isList(stored.shape, (side) => Number.isInteger(side) && side > 0)
    && Number.isInteger(stored.offset) && stored.offset >= 0 && stored.offset + 2 * stored.shape.reduce((a, b) => a * b, 1) <= (bytes?.byteLength ?? 0);
  return isText(one?.method) && isText(one.kind) && isList(one.content_size, isNumber) && within(one.cams) && (one.kind !== 'tokens' || within(one.cls_attn));
}
