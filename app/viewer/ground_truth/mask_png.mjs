// A PNG as a mask: which value means which class of the checkpoint, or the one class that is chosen.

import { vocColor } from '../maths/labels.mjs';
import { BadPng, readPng } from './png.mjs';
import { brightness, hasSoftEdges, levelsOfColors, levelsOfGrey } from './soft_edges.mjs';

export const VOC = [
  'aeroplane', 'bicycle', 'bird', 'boat', 'bottle', 'bus', 'car', 'cat', 'chair', 'cow', 'diningtable', 'dog', 'horse', 'motorbike', 'person',
  'pottedplant', 'sheep', 'sofa', 'train', 'tvmonitor',
];
const BORDER = 255; // does not count
const MASK_MAX_PX = 1024; // pixels of the longer side that are kept
const ASPECT_TOLERANCE = 0.02; // by how much the shape may differ from the image's

/** Bytes of a mask -> { h, w, labels, values, messages, soft } for keepFile of ground_truth.mjs. `classes`: those of the
 *  checkpoint, `chosen`: the one that a mask of two values is for, `source`: [height, width] of the image. Where `soft`, the
 *  mask has soft edges, and `labels` are levels from 0 to 255, to be cut off by keepSoftFile. Throws BadPng.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {{ classes: string[], chosen: string, source: Crt.Size }} of
 */
export async function readMask(bytes, { classes, chosen, source }) {
  const png = await readPng(bytes);
  const { h, w } = png;
  const messages = [sizeMessage(h, w, source)];
  const { table, values, message, soft = false } = png.colors ? ofColors(png.values, png.colors, classes, chosen) : ofNumbers(png, classes, chosen);
  messages.push(message);
  return { ...shrink(png, table), values, soft, messages: messages.filter(Boolean) };
}

/**
 * @param {number} h
 * @param {number} w
 * @param {Crt.Size} size
 */
function sizeMessage(h, w, [height, width]) {
  if (h === height && w === width) return '';
  const sizes = `the mask is ${w} × ${h} px, the image ${width} × ${height}`;
  if (Math.abs((w * height) / (h * width) - 1) > ASPECT_TOLERANCE) throw new BadPng(`This mask does not fit, ${sizes}: give one of the same shape.`);
  return `It was laid over the image by its nearest points, as ${sizes}.`;
}

/** @typedef {{ table: Uint8Array, values: Record<string, number>, message: string, soft?: boolean }} Reading */

/** Indices or grey values: { table, values, message }; `table[value]` is what is kept of it.
 * @param {{ values: Uint8Array, palette: Crt.RGB[] | null }} png
 * @param {string[]} classes
 * @param {string} chosen
 * @returns {Reading}
 */
function ofNumbers({ values, palette }, classes, chosen) {
  const present = distinct(values);
  const voc = palette && present.filter((value) => value).every((value) => same(palette[value], vocColor(value)));
  const names = voc ? vocNames(present, classes) : null;
  const kept = names ?? plainNames(present, classes);
  // 0 with 1, or 0 with 255, is how masks of one object are written, unless by the palette they are classes.
  const single = present.length === 2 && (!kept || (!names && (present[1] === 1 || present[1] === BORDER)));
  if (single) return two(present[1], chosen);
  const levels = names ? null : palette ? !kept && present.every((value) => palette[value]) && levelsOfColors(values, palette) : hasSoftEdges(values, kept !== null) && levelsOfGrey(values);
  if (levels) return softly(levels, chosen);
  if (!kept) throw new BadPng(`This mask has the value ${present.find((value) => value > classes.length)}, but there are ${classes.length} classes: use 0 for the background and k for class k, or two values for ${chosen}.`);
  if (!Object.keys(kept).length) throw new BadPng('This mask has no pixel of any class that the checkpoint knows: choose another file.');
  return { table: Uint8Array.from({ length: 256 }, (_, value) => value), values: kept, message: `It holds ${Object.keys(kept).join(', ')}.` };
}

/**
 * @param {Uint8Array} pixels
 * @param {Crt.RGB[]} colors
 * @param {string[]} classes
 * @param {string} chosen
 * @returns {Reading}
 */
function ofColors(pixels, colors, classes, chosen) {
  const indices = new Map([[vocColor(BORDER).join(), BORDER]]);
  for (let k = 0; k <= VOC.length; k++) indices.set(vocColor(k).join(), k);
  const found = colors.map((color) => indices.get(color.join()));
  const known = found.filter((index) => index !== undefined);
  const names = known.length === found.length ? vocNames(known, classes) : null;
  if (names && Object.keys(names).length) return { table: Uint8Array.from(known), values: names, message: `It holds ${Object.keys(names).join(', ')}.` };
  const levels = levelsOfColors(pixels, colors);
  if (levels) return softly(levels, chosen);
  if (colors.length !== 2) throw new BadPng('The colours of this mask are not those of PASCAL VOC: give two colours, or a PNG with indices.');
  return two(brightness(colors[1]) >= brightness(colors[0]) ? 1 : 0, chosen);
}

/** A mask of one object with soft edges.
 * @param {Uint8Array} levels of each value, 0 to 255
 * @param {string} chosen
 * @returns {Reading}
 */
function softly(levels, chosen) {
  return { table: levels, values: { [chosen]: 1 }, message: `Its edges are soft; what lies above the cut-off is taken for ${chosen}.`, soft: true };
}

/** A mask of one object: the pixels of `value` are the class chosen.
 * @param {number} value
 * @param {string} chosen
 * @returns {Reading}
 */
function two(value, chosen) {
  return {
    table: Uint8Array.from({ length: 256 }, (_, i) => (i === value ? 1 : 0)), values: { [chosen]: 1 },
    message: `It has two values; the higher, lighter one is taken for ${chosen}.`,
  };
}

/** Class names of VOC's values as far as the checkpoint has them: { name: value }; null if a value is not VOC's or the
 *  checkpoint has none of VOC's names.
 * @param {number[]} present
 * @param {string[]} classes
 * @returns {Record<string, number> | null}
 */
function vocNames(present, classes) {
  const objects = present.filter((value) => value && value !== BORDER);
  if (objects.some((value) => value > VOC.length) || !VOC.some((name) => classes.includes(name))) return null;
  return Object.fromEntries(objects.filter((value) => classes.includes(VOC[value - 1])).map((value) => [VOC[value - 1], value]));
}

/** { name: value } by the order of the checkpoint's classes; null if a value is too high.
 * @param {number[]} present
 * @param {string[]} classes
 * @returns {Record<string, number> | null}
 */
function plainNames(present, classes) {
  const objects = present.filter((value) => value && value !== BORDER);
  return objects.some((value) => value > classes.length) ? null : Object.fromEntries(objects.map((value) => [classes[value - 1], value]));
}

/** @param {Uint8Array} values */
function distinct(values) {
  const seen = new Uint8Array(256);
  for (const value of values) seen[value] = 1;
  return [...seen.keys()].filter((value) => seen[value]);
}

/** Through the table, by nearest points, to at most MASK_MAX_PX pixels a side.
 * @param {{ h: number, w: number, values: Uint8Array }} png
 * @param {Uint8Array} table
 */
function shrink({ h: rows, w: cols, values }, table) {
  const factor = Math.min(1, MASK_MAX_PX / Math.max(rows, cols));
  const [h, w] = [rows, cols].map((side) => Math.max(1, Math.round(side * factor)));
  const labels = new Uint8Array(h * w);
  for (let i = 0; i < h; i++) {
    const start = Math.floor(((i + 0.5) * rows) / h) * cols;
    for (let j = 0; j < w; j++) labels[i * w + j] = table[values[start + Math.floor(((j + 0.5) * cols) / w)]];
  }
  return { h, w, labels };
}

/**
 * @param {Crt.RGB | undefined} a
 * @param {Crt.RGB} b
 */
const same = (a, b) => a !== undefined && a.every((value, i) => value === b[i]);
