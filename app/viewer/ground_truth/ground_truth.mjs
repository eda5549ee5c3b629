// Where the objects of an image really are: the outlines of an example, a mask file, or shapes drawn by the user. What
// the user gives belongs to an image and a class, stays in this page, and comes before what the example brings.

import { contour } from '../maths/contour.mjs';
import { cutLevels } from '../maths/threshold.mjs';

const MAX_IMAGES = 8; // images whose mask files are kept
const TRACE_POINTS = 512; // points along the longer side on which a file's outline is traced
const MAX_RASTERS = 32; // rasters kept

/** @typedef {{ kind: 'example' | 'drawn', rings: Crt.Ring[] }} RingPart */
/** Of a file with soft edges `soft` has its levels, 0 to 255, and the cut-off above which its labels are 1.
 * @typedef {{ kind: 'file', h: number, w: number, labels: Uint8Array, value: number, rings?: undefined, soft?: { levels: Uint8Array, cutoff: number } }} FilePart */
/** @typedef {RingPart | FilePart} Part */

/** @type {Map<string, Map<string, FilePart>>} */
const files = new Map(); // imageId -> Map of class name -> its part
/** @type {WeakMap<Part, number>} */
const numbers = new WeakMap(); // a part -> its number, so that what is made of it can be kept
/** @type {WeakMap<Part, Crt.Ring[]>} */
const traced = new WeakMap(); // a file's part -> its outline
/** @type {Map<string, Crt.Mask>} */
const rasters = new Map();
let counted = 0;

/** What there is without ground truth.
 * @type {Readonly<Crt.GroundTruth>}
 */
export const NO_GROUND_TRUTH = Object.freeze({ key: '', polygons: [], complete: false, source: null, cutoffs: {}, raster: () => null, ignore: () => null });

/** Truth of the classes chosen: { key, polygons, complete, source, cutoffs, raster(h, w), ignore(h, w) }. `key`: the same text for the
 *  same outlines. `polygons`: closed rings of
 *  [x, y] from 0 to 1, to be drawn. `complete`: every class chosen has truth. `source`: 'example', 'file' or 'drawn',
 *  several with + between, null for none. `cutoffs`: of mask files with soft edges, by class. `raster`: h × w bytes, 1 where the centre of a point is inside, null without
 *  truth. `ignore`: h × w bytes, 1 where a point shall not count, null if all count.
 * @param {Crt.State} state
 * @param {{ run: Crt.Run }} view
 * @returns {Crt.GroundTruth}
 */
export function groundTruthOf(state, { run }) {
  const found = state.classes.map((index) => partsOf(state, run, run.classes[index]));
  const parts = found.flat();
  return {
    key: parts.map(numberOf).join('/'),
    polygons: parts.flatMap(ringsOf),
    complete: found.length > 0 && found.every((own) => own.length > 0),
    source: [...new Set(parts.map(({ kind }) => kind))].join('+') || null,
    cutoffs: Object.fromEntries(found.flatMap((own, i) => own.flatMap((part) => (part.kind === 'file' && part.soft ? [[run.classes[state.classes[i]], part.soft.cutoff]] : [])))),
    raster: (h, w) => (parts.length ? remember('in', parts, h, w, () => union(parts, h, w)) : null),
    ignore: (h, w) => (parts.some(({ kind }) => kind === 'file') ? remember('out', parts, h, w, () => unsure(parts, h, w)) : null),
  };
}

/** Names of the classes that have truth in this image.
 * @param {Crt.State} state
 * @param {Crt.Run} run
 */
export function labelsOf(state, run) {
  const names = [...(run.masks ?? []), ...shapesOf(state, run), ...[...(files.get(run.imageId)?.keys() ?? [])].map((label) => ({ label }))];
  return new Set(names.map(({ label }) => label).filter((label) => run.classes.includes(label)));
}

/** Keep a mask file of an image: `labels` h × w bytes, `values` its value of each class { name: value }, 255 does not
 *  count. Shapes drawn for these classes have to be taken away by the caller, as they come first.
 * @param {string} imageId
 * @param {{ h: number, w: number, labels: Uint8Array }} mask
 * @param {Record<string, number>} values
 */
export function keepFile(imageId, { h, w, labels }, values) {
  keepParts(imageId, Object.entries(values).map(([label, value]) => [label, { kind: 'file', h, w, labels, value }]));
}

/** Keep a mask file with soft edges for one class, cut off at a share of its levels, `labels` from 0 to 255.
 * @param {string} imageId
 * @param {{ h: number, w: number, labels: Uint8Array }} mask
 * @param {string} label
 * @param {number} cutoff 0 to 1
 */
export function keepSoftFile(imageId, { h, w, labels }, label, cutoff) {
  keepParts(imageId, [[label, { kind: 'file', h, w, labels: cutLevels(labels, cutoff), value: 1, soft: { levels: labels, cutoff } }]]);
}

/** Cut an image's mask file of a class off at another share, if it has soft edges.
 * @param {string} imageId
 * @param {string} label
 * @param {number} cutoff 0 to 1
 */
export function moveCutoff(imageId, label, cutoff) {
  const part = files.get(imageId)?.get(label);
  if (part?.soft) keepSoftFile(imageId, { h: part.h, w: part.w, labels: part.soft.levels }, label, cutoff);
}

/**
 * @param {string} imageId
 * @param {[string, FilePart][]} parts by class
 */
function keepParts(imageId, parts) {
  const own = new Map([...(files.get(imageId) ?? []), ...parts]);
  files.delete(imageId);
  files.set(imageId, own);
  if (files.size > MAX_IMAGES) files.delete(String(files.keys().next().value));
}

/** Take an image's mask file away from these classes.
 * @param {string} imageId
 * @param {string[]} labels
 */
export function dropFile(imageId, labels) {
  for (const label of labels) files.get(imageId)?.delete(label);
}

/** Whether there is a mask file of one of these classes.
 * @param {string} imageId
 * @param {string[]} labels
 */
export const hasFile = (imageId, labels) => labels.some((label) => files.get(imageId)?.has(label));

/** Shapes drawn on the run's image: [{ label, polygon }].
 * @param {Crt.State} state
 * @param {Crt.Run} run
 */
export const shapesOf = (state, run) => state.drawn[run.imageId] ?? [];

/** The state's `drawn` with other shapes on the run's image.
 * @param {Crt.State} state
 * @param {Crt.Run} run
 * @param {Crt.Shape[]} shapes
 * @returns {Record<string, Crt.Shape[]>}
 */
export function withShapes(state, run, shapes) {
  const { [run.imageId]: _, ...rest } = state.drawn;
  return shapes.length ? { ...rest, [run.imageId]: shapes } : rest;
}

/** The parts of one class: shapes drawn, else a file, else the example's masks.
 * @param {Crt.State} state
 * @param {Crt.Run} run
 * @param {string} label
 * @returns {Part[]}
 */
function partsOf(state, run, label) {
  const drawn = shapesOf(state, run).filter((shape) => shape.label === label);
  if (drawn.length) return drawn.map((shape) => partOf(shape, 'drawn', [shape.polygon]));
  const file = files.get(run.imageId)?.get(label);
  if (file) return [file];
  return (run.masks ?? []).filter((mask) => mask.label === label).map((mask) => partOf(mask, 'example', mask.polygons));
}

/** @type {WeakMap<object, RingPart>} */
const made = new WeakMap();

/**
 * @param {object} key
 * @param {RingPart['kind']} kind
 * @param {Crt.Ring[]} rings
 * @returns {RingPart}
 */
function partOf(key, kind, rings) {
  const known = made.get(key) ?? { kind, rings };
  made.set(key, known);
  return known;
}

/**
 * @param {Part} part
 * @returns {Crt.Ring[]}
 */
function ringsOf(part) {
  if (part.rings) return part.rings;
  const known = traced.get(part) ?? outline(part);
  traced.set(part, known);
  return known;
}

/**
 * @param {Part[]} parts
 * @param {number} h
 * @param {number} w
 */
function union(parts, h, w) {
  const out = new Uint8Array(h * w);
  for (const part of parts) {
    if (part.rings) fillRings(part.rings, h, w, out);
    else eachPoint(part, h, w, (value, i) => { if (value === part.value) out[i] = 1; });
  }
  return out;
}

/**
 * @param {Part[]} parts
 * @param {number} h
 * @param {number} w
 */
function unsure(parts, h, w) {
  const inside = union(parts, h, w);
  const out = new Uint8Array(h * w);
  for (const part of parts) if (!part.rings) eachPoint(part, h, w, (value, i) => { if (value === 255 && !inside[i]) out[i] = 1; });
  return out;
}

/** Set to 1 every point whose centre is inside an odd number of the rings.
 * @param {Crt.Ring[]} rings
 * @param {number} h
 * @param {number} w
 */
export function fillRings(rings, h, w, out = new Uint8Array(h * w)) {
  const crossings = [];
  for (let i = 0; i < h; i++) {
    const y = (i + 0.5) / h;
    crossings.length = 0;
    for (const ring of rings) {
      for (let k = 0, last = ring.length - 1; k < ring.length; last = k++) {
        const [[x0, y0], [x1, y1]] = [ring[last], ring[k]];
        if (y0 > y !== y1 > y) crossings.push(x0 + ((y - y0) / (y1 - y0)) * (x1 - x0));
      }
    }
    crossings.sort((a, b) => a - b);
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      const from = Math.max(0, Math.ceil(crossings[k] * w - 0.5));
      const to = Math.min(w, Math.ceil(crossings[k + 1] * w - 0.5));
      if (to > from) out.fill(1, i * w + from, i * w + to);
    }
  }
  return out;
}

/** The values of a file at the centres of h × w points.
 * @param {FilePart} file
 * @param {number} h
 * @param {number} w
 * @param {(value: number, i: number) => void} use
 */
function eachPoint({ h: rows, w: cols, labels }, h, w, use) {
  const columns = Array.from({ length: w }, (_, j) => Math.floor(((j + 0.5) / w) * cols));
  for (let i = 0; i < h; i++) {
    const start = Math.floor(((i + 0.5) / h) * rows) * cols;
    for (let j = 0; j < w; j++) use(labels[start + columns[j]], i * w + j);
  }
}

/** @param {FilePart} part */
function outline(part) {
  const factor = Math.min(1, TRACE_POINTS / Math.max(part.h, part.w));
  const [h, w] = [part.h, part.w].map((side) => Math.max(1, Math.round(side * factor)));
  return chain(contour({ data: Float32Array.from(union([part], h, w)), h, w }, 0.5));
}

/** Segments [x0, y0, x1, y1, …] that close -> rings of [x, y].
 * @param {ArrayLike<number>} segments
 * @returns {Crt.Ring[]}
 */
export function chain(segments) {
  /** @type {Map<string, number[]>} */
  const at = new Map(); // a point -> the segments that end there
  const key = (/** @type {number} */ i) => `${segments[i]},${segments[i + 1]}`;
  for (let i = 0; i < segments.length; i += 2) {
    at.set(key(i), [...(at.get(key(i)) ?? []), i]);
  }
  const used = new Uint8Array(segments.length / 4);
  /** @type {Crt.Ring[]} */
  const rings = [];
  for (let first = 0; first < segments.length; first += 4) {
    /** @type {Crt.Ring} */
    const ring = [];
    for (let end = /** @type {number | undefined} */ (first); end !== undefined && !used[end >> 2]; ) {
      used[end >> 2] = 1;
      ring.push([segments[end], segments[end + 1]]);
      const other = end ^ 2; // where this segment ends
      end = at.get(key(other))?.find((one) => !used[one >> 2]);
    }
    if (ring.length > 2) rings.push(ring);
  }
  return rings;
}

/**
 * @param {string} what
 * @param {Part[]} parts
 * @param {number} h
 * @param {number} w
 * @param {() => Crt.Mask} make
 * @returns {Crt.Mask}
 */
function remember(what, parts, h, w, make) {
  const key = [what, h, w, ...parts.map(numberOf)].join('/');
  const known = rasters.get(key);
  if (known) return known;
  if (rasters.size >= MAX_RASTERS) rasters.delete(String(rasters.keys().next().value));
  const mask = make();
  rasters.set(key, mask);
  return mask;
}

/** @param {Part} part */
function numberOf(part) {
  const number = numbers.get(part) ?? ++counted;
  numbers.set(part, number);
  return number;
}
