// The values of a PNG as they stand in the file. A browser's own decoder only gives colours, in which the indices of a
// mask are lost. Specification: https://www.w3.org/TR/png-3/. Every value of the file is checked.

import { BadPng } from './bad_png.mjs';

export { BadPng };
const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const MAX_PIXELS = 64e6;
const MAX_BYTES = 256e6; // of the pixels once inflated
const MAX_COLORS = 256;
const SLICE_BYTES = 16384; // bytes inflated at once, at most a thousandfold
/** @typedef {keyof typeof SAMPLES} ColorType */
/** @typedef {{ w: number, h: number, depth: number, type: ColorType }} Header */
/** @typedef {(line: Uint8Array, at: number) => void} LineWriter */
const SAMPLES = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }; // of a pixel, by colour type
/** @type {Record<number, number[]>} */
const DEPTHS = { 0: [1, 2, 4, 8], 2: [8], 3: [1, 2, 4, 8], 4: [8], 6: [8] };

/** Bytes of a PNG -> { h, w, values, colors, palette }. `values`: h × w bytes, the index or grey value of each pixel; of
 *  a PNG in colours the number of its colour in `colors`, [[r, g, b]] in the order they come, null otherwise. What is
 *  transparent lies over black. `palette`: [[r, g, b]] of an indexed PNG, else null. Throws BadPng.
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
export async function readPng(bytes) {
  const { header, palette, data } = chunks(bytes);
  const { w, h, depth, type } = header;
  const samples = SAMPLES[type];
  const values = new Uint8Array(w * h);
  /** @type {LineWriter & { colors?: Crt.RGB[] }} */
  const write = samples === 1 ? packed(values, w, depth) : type === 4 ? greyAlpha(values, w) : colored(values, w, samples);
  await eachLine(header, data, write);
  return { h, w, values, colors: write.colors ?? null, palette: type === 3 ? palette : null };
}

/** Bytes of a greyscale PNG with 8 or 16 bits a value -> its values. Throws BadPng.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<Crt.Values>}
 */
export async function readGreyPng(bytes) {
  const { header, data } = chunks(bytes, true);
  const { w, h, depth, type } = header;
  if (type !== 0 || depth < 8) throw new BadPng('This PNG is not greyscale with 8 or 16 bits: save it so.');
  const values = new Float32Array(w * h);
  await eachLine(header, data, (line, at) => {
    for (let j = 0; j < w; j++) values[at + j] = depth === 8 ? line[j] : 256 * line[2 * j] + line[2 * j + 1];
  });
  return { data: values, h, w };
}

/** Hand each line of the pixels, unfiltered, to `write`, with the number of its first pixel.
 * @param {Header} header
 * @param {Uint8Array<ArrayBuffer>[]} data
 * @param {LineWriter} write
 */
async function eachLine({ w, h, depth, type }, data, write) {
  const samples = SAMPLES[type];
  const row = Math.ceil((w * samples * depth) / 8);
  if ((row + 1) * h > MAX_BYTES) throw new BadPng(`This PNG has ${w} × ${h} pixels in colour: save the mask with indices, or smaller.`);
  const raw = await inflate(data, (row + 1) * h);
  const step = Math.max(1, (samples * depth) >> 3);
  let before = new Uint8Array(row);
  for (let i = 0; i < h; i++) {
    const line = raw.subarray(i * (row + 1) + 1, (i + 1) * (row + 1));
    unfilter(raw[i * (row + 1)], line, before, step);
    write(line, i * w);
    before = line;
  }
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {boolean} [deep] whether values of 16 bits are allowed
 */
function chunks(bytes, deep = false) {
  if (SIGNATURE.some((value, i) => bytes[i] !== value)) throw new BadPng('This file is no PNG: save the mask as PNG, which keeps every value.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const data = [];
  /** @type {Header | null} */
  let header = null;
  /** @type {Crt.RGB[] | null} */
  let palette = null;
  for (let at = 8; ; ) {
    if (at + 12 > bytes.length) throw new BadPng('This PNG is cut off: save or copy it again.');
    const length = view.getUint32(at);
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (length > bytes.length - at - 12) throw new BadPng('This PNG is cut off: save or copy it again.');
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (!header && name !== 'IHDR') throw new BadPng('This PNG does not begin with its size: save it again.');
    if (name === 'IHDR') header = headerOf(body, header, deep);
    else if (name === 'PLTE') palette = Array.from({ length: Math.min(256, Math.floor(length / 3)) }, (_, k) => /** @type {Crt.RGB} */ ([...body.subarray(3 * k, 3 * k + 3)]));
    else if (name === 'IDAT') data.push(body);
    else if (name === 'IEND') break;
    at += 12 + length;
  }
  if (!header || !data.length) throw new BadPng('This PNG holds no pixels: save it again.');
  return { header, palette, data };
}

/**
 * @param {Uint8Array<ArrayBuffer>} body
 * @param {Header | null} before
 * @param {boolean} deep
 * @returns {Header}
 */
function headerOf(body, before, deep) {
  if (before || body.length !== 13) throw new BadPng('The header of this PNG is wrong: save it again.');
  const view = new DataView(body.buffer, body.byteOffset, 13);
  const [w, h] = [view.getUint32(0), view.getUint32(4)];
  const [depth, type, compression, filter, interlace] = body.subarray(8);
  if (!w || !h || w * h > MAX_PIXELS) throw new BadPng(`This PNG claims ${w} × ${h} pixels: give a mask of at most ${MAX_PIXELS / 1e6} million.`);
  const allowed = deep && depth === 16 && type === 0;
  if (depth === 16 && !allowed) throw new BadPng('This PNG has 16 bits a value: save the mask with 8.');
  if (!(allowed || DEPTHS[type]?.includes(depth)) || compression || filter || interlace > 1) throw new BadPng('The header of this PNG is wrong: save it again.');
  if (interlace) throw new BadPng('This PNG is interlaced: save the mask without interlacing.');
  return { w, h, depth, type: /** @type {ColorType} */ (type) };
}

/** zlib bytes in parts, or those of plain deflate -> exactly `size` bytes; no more than that is ever kept. Throws BadPng.
 * @param {Uint8Array<ArrayBuffer>[]} parts
 * @param {number} size
 * @param {'deflate' | 'deflate-raw'} [format]
 */
export async function inflate(parts, size, format = 'deflate') {
  const reader = slices(parts).pipeThrough(new DecompressionStream(format)).getReader();
  const out = new Uint8Array(size);
  let count = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new BadPng('The pixels of this PNG are damaged: save or copy it again.');
    });
    if (done) break;
    if (count + value.length > size) {
      reader.cancel().catch(() => {}); // the rest may be damaged too, and no longer matters
      throw new BadPng('This PNG holds more pixels than its header says: save it again.');
    }
    out.set(value, count);
    count += value.length;
  }
  if (count < size) throw new BadPng('This PNG holds fewer pixels than its header says: save or copy it again.');
  return out;
}

/** Bytes in slices so small that none can become much: a stream inflates a whole slice before it can be stopped.
 * @param {Uint8Array<ArrayBuffer>[]} parts
 * @returns {ReadableStream<Uint8Array<ArrayBuffer>>}
 */
function slices(parts) {
  let [part, at] = [0, 0];
  return new ReadableStream({
    pull(controller) {
      while (part < parts.length && at >= parts[part].length) [part, at] = [part + 1, 0];
      if (part >= parts.length) controller.close();
      else controller.enqueue(parts[part].subarray(at, (at += SLICE_BYTES)));
    },
  });
}

/** Undo the filter of one line in place. `step`: bytes from a pixel to the next.
 * @param {number} kind
 * @param {Uint8Array} line
 * @param {Uint8Array} above
 * @param {number} step
 */
function unfilter(kind, line, above, step) {
  if (kind === 0) return;
  if (kind > 4) throw new BadPng('The pixels of this PNG are damaged: save or copy it again.');
  for (let i = 0; i < line.length; i++) {
    const left = i >= step ? line[i - step] : 0;
    const up = above[i];
    if (kind === 1) line[i] += left;
    else if (kind === 2) line[i] += up;
    else if (kind === 3) line[i] += (left + up) >> 1;
    else line[i] += paeth(left, up, i >= step ? above[i - step] : 0);
  }
}

/**
 * @param {number} left
 * @param {number} up
 * @param {number} corner
 */
function paeth(left, up, corner) {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** Values of 1, 2, 4 or 8 bits, the first in the highest bits.
 * @param {Uint8Array} values
 * @param {number} w
 * @param {number} depth
 * @returns {LineWriter}
 */
function packed(values, w, depth) {
  const each = 8 / depth;
  const mask = (1 << depth) - 1;
  return (line, at) => {
    if (depth === 8) values.set(line, at);
    else for (let j = 0; j < w; j++) values[at + j] = (line[Math.floor(j / each)] >> (8 - depth * ((j % each) + 1))) & mask;
  };
}

/**
 * @param {Uint8Array} values
 * @param {number} w
 * @returns {LineWriter}
 */
function greyAlpha(values, w) {
  return (line, at) => {
    for (let j = 0; j < w; j++) values[at + j] = overBlack(line[2 * j], line[2 * j + 1]);
  };
}

/**
 * @param {number} value
 * @param {number} alpha 0 to 255
 */
const overBlack = (value, alpha) => Math.round((value * alpha) / 255);

/** Colours, numbered as they come.
 * @param {Uint8Array} values
 * @param {number} w
 * @param {number} samples
 * @returns {LineWriter & { colors: Crt.RGB[] }}
 */
function colored(values, w, samples) {
  /** @type {Map<number, number>} */
  const numbers = new Map();
  /** @type {Crt.RGB[]} */
  const colors = [];
  const write = (/** @type {Uint8Array} */ line, /** @type {number} */ at) => {
    for (let j = 0; j < w; j++) {
      const k = j * samples;
      const alpha = samples < 4 ? 255 : line[k + 3];
      const color = (overBlack(line[k], alpha) << 16) | (overBlack(line[k + 1], alpha) << 8) | overBlack(line[k + 2], alpha);
      let number = numbers.get(color);
      if (number === undefined) {
        number = numbers.size;
        if (number >= MAX_COLORS) throw new BadPng(`This PNG has more than ${MAX_COLORS} colours, so it is no mask: give one colour to each class.`);
        numbers.set(color, number);
        colors.push([color >> 16, (color >> 8) & 255, color & 255]);
      }
      values[at + j] = number;
    }
  };
  return Object.assign(write, { colors });
}
