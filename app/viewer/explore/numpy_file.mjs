// Arrays in NumPy's files: npy (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), and npz, a zip of
// them (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT). Nothing in them is executed or unpickled.
// crt/data/cam_formats.py has the same rules and sentences; a test compares the two.

import { decodeHalves } from '../core/decode.mjs';
import { BadPng, inflate } from '../ground_truth/png.mjs';
import { crc32 } from '../maths/crc32.mjs';
import { BadCam, MAX_BYTES, mebibytes } from './cam_rules.mjs';

const HEADER_MAX_BYTES = 10_000; // as NumPy
const COMMENT_MAX_BYTES = 65_535; // after a zip's directory
const TYPES = ['float16', 'float32', 'float64', 'uint8', 'uint16'];
const TYPE_WORDS = `${TYPES.slice(0, -1).join(', ')} or ${TYPES[TYPES.length - 1]}`;
/** @type {Record<string, string>} */
const NUMBERS = { b: 'bool', i: 'int', u: 'uint', f: 'float', c: 'complex' };
/** @type {Record<string, number[]>} */
const SIZES = { b: [1], i: [1, 2, 4, 8], u: [1, 2, 4, 8], f: [2, 4, 8, 12, 16], c: [8, 16, 24, 32] };
const OTHER_KINDS = 'aSUVMm'; // bytes, text, records and times
const [STORED, DEFLATED] = [0, 8];
const ENCRYPTED = 1;

export const EMPTY = 'This file is empty: choose another one.';
export const UNKNOWN = 'This file is not .npy, .npz or PNG: save the map in one of these formats.';
export const PICKLED = 'This file holds pickled Python objects, which are not read: save plain arrays of numbers.';
export const DAMAGED = 'This file is damaged or cut off: save or copy it again.';
const NO_ARRAY = 'This file holds no array: save the maps with numpy.savez.';
const COMPRESSION = 'This .npz is encrypted or compressed in a way that is not read: save it with numpy.savez or numpy.savez_compressed.';
const NO_NUMBERS = `This file holds values that are not numbers: save ${TYPE_WORDS}.`;

/** An array as it lies in the bytes of a file. `shape`: two or three dimensions. `columnsFirst`: the first index runs fastest.
 * @typedef {{ bytes: Uint8Array<ArrayBuffer>, offset: number, shape: number[], columnsFirst: boolean, type: NumberType }} StoredArray
 */
/** @typedef {{ name: string, size: number, little: boolean }} NumberType */
/** A member of a zip. `at`: where its own header begins; `packed` and `size`: bytes before and after inflating.
 * @typedef {{ name: string, flags: number, compression: number, crc: number, packed: number, size: number, at: number }} Member
 */

/** Bytes of an npy -> its array, not yet decoded. Throws BadCam.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {StoredArray}
 */
export function readNpy(bytes) {
  const { text, offset } = headerText(bytes);
  const descr = /(['"])descr\1\s*:\s*(?:(['"])([^'"]*)\2|(\[[^]*\]))/.exec(text);
  const order = /(['"])fortran_order\1\s*:\s*(True|False)\b/.exec(text);
  const numbers = /(['"])shape\1\s*:\s*\(([^)]*)\)/.exec(text);
  if (!descr || !order || !/^\s*\{[^]*\}\s*$/.test(text)) throw new BadCam(DAMAGED);
  const type = typeOf(descr[3], descr[4]);
  const shape = numbers?.[2].split(',').map((one) => one.trim()).filter(Boolean);
  if (!shape?.every((one) => /^-?\d+L?$/.test(one))) throw new BadCam(DAMAGED);
  return { bytes, offset, shape: shape.map((one) => parseInt(one, 10)), columnsFirst: order[2] === 'True', type };
}

/** Whether the bytes of a file hold all values that its header names.
 * @param {StoredArray} array
 */
export const isWhole = ({ bytes, offset, shape, type }) => offset + product(shape) * type.size <= bytes.length;

/** The map (h, w) at an index of an array (C, h, w), or the one of an array (h, w), as float32.
 * @param {StoredArray} array
 * @param {number} [index]
 * @returns {Crt.Values}
 */
export function mapAt({ bytes, offset, shape, columnsFirst, type }, index = 0) {
  const [h, w] = shape.slice(-2);
  const count = shape.length === 3 ? shape[0] : 1;
  if (!columnsFirst) return { data: decoded(bytes, offset + index * h * w * type.size, h * w, type), h, w };
  const all = decoded(bytes, offset, product(shape), type);
  const data = new Float32Array(h * w);
  for (let i = 0; i < h; i++) for (let j = 0; j < w; j++) data[i * w + j] = all[index + count * (i + h * j)];
  return { data, h, w };
}

/** The arrays of an npz: at least one, which inflate to no more than MAX_BYTES together. Throws BadCam.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Member[]}
 */
export function npzMembers(bytes) {
  const members = zipMembers(bytes).filter(({ name }) => name.endsWith('.npy'));
  if (!members.length) throw new BadCam(NO_ARRAY);
  const size = members.reduce((sum, member) => sum + member.size, 0);
  if (size > MAX_BYTES) throw new BadCam(`This file would unpack to ${mebibytes(size)} MiB, and ${mebibytes(MAX_BYTES)} are the most: save fewer or smaller maps.`);
  return members.map((member) => ({ ...member, name: member.name.slice(0, -'.npy'.length) }));
}

/** The bytes of a member: as many as its directory names, checked by its CRC-32. Throws BadCam.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {Member} member
 */
export async function memberBytes(bytes, { flags, compression, crc, packed, size, at }) {
  if (flags & ENCRYPTED || (compression !== STORED && compression !== DEFLATED)) throw new BadCam(COMPRESSION);
  const view = viewOf(bytes);
  if (at + 30 > bytes.length || view.getUint32(at, true) !== 0x04034b50) throw new BadCam(DAMAGED);
  const start = at + 30 + view.getUint16(at + 26, true) + view.getUint16(at + 28, true); // behind the name and extra fields
  if (start + packed > bytes.length || (compression === STORED && packed !== size)) throw new BadCam(DAMAGED);
  const stored = bytes.subarray(start, start + packed);
  const data = compression === STORED ? stored : await inflated(stored, size);
  if (crc32(data) !== crc) throw new BadCam(DAMAGED);
  return data;
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** @param {number[]} shape */
const product = (shape) => shape.reduce((a, b) => a * b, 1);

/**
 * @param {Uint8Array<ArrayBuffer>} stored
 * @param {number} size
 */
async function inflated(stored, size) {
  try {
    return await inflate([stored], size, 'deflate-raw');
  } catch (error) {
    throw error instanceof BadPng ? new BadCam(DAMAGED) : error;
  }
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
function headerText(bytes) {
  const [major, minor] = bytes.subarray(6, 8);
  const start = major === 1 ? 10 : 12;
  if (!(major >= 1 && major <= 3) || minor !== 0 || bytes.length < start) throw new BadCam(DAMAGED);
  const length = major === 1 ? viewOf(bytes).getUint16(8, true) : viewOf(bytes).getUint32(8, true);
  if (length > HEADER_MAX_BYTES || start + length > bytes.length) throw new BadCam(DAMAGED);
  return { text: new TextDecoder('latin1').decode(bytes.subarray(start, start + length)), offset: start + length };
}

/** The type that a header names, such as <f4; `fields` is the list of a record's.
 * @param {string | undefined} descr
 * @param {string | undefined} fields
 * @returns {NumberType}
 */
function typeOf(descr, fields) {
  if (descr === undefined) throw new BadCam(/['"]\|?O\d*['"]/.test(fields ?? '') ? PICKLED : NO_NUMBERS);
  const [, order, kind, digits] = /^([<>|=]?)([A-Za-z?])(\d*)(?:\[[^\]]*\])?$/.exec(descr) ?? [];
  if (kind === 'O') throw new BadCam(PICKLED);
  if (kind && OTHER_KINDS.includes(kind)) throw new BadCam(NO_NUMBERS);
  const size = Number(digits);
  if (!SIZES[kind]?.includes(size)) throw new BadCam(DAMAGED);
  const name = kind === 'b' ? NUMBERS.b : `${NUMBERS[kind]}${8 * size}`;
  if (!TYPES.includes(name)) throw new BadCam(`This file holds values of type ${name}: save ${TYPE_WORDS}.`);
  return { name, size, little: order !== '>' };
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {number} offset
 * @param {number} count
 * @param {NumberType} type
 */
function decoded(bytes, offset, count, { name, size, little }) {
  if (name === 'uint8') return Float32Array.from(bytes.subarray(offset, offset + count));
  if (name === 'float16') {
    const halves = bytes.slice(offset, offset + 2 * count);
    if (!little) for (let i = 0; i < halves.length; i += 2) [halves[i], halves[i + 1]] = [halves[i + 1], halves[i]];
    return decodeHalves(halves.buffer, 0, count, 1);
  }
  const view = viewOf(bytes);
  const out = new Float32Array(count);
  if (name === 'uint16') for (let i = 0; i < count; i++) out[i] = view.getUint16(offset + size * i, little);
  else if (name === 'float32') for (let i = 0; i < count; i++) out[i] = view.getFloat32(offset + size * i, little);
  else for (let i = 0; i < count; i++) out[i] = view.getFloat64(offset + size * i, little);
  return out;
}

/** The directory of a zip. Sizes of 4 GiB and more, which need Zip64, are far beyond MAX_BYTES.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Member[]}
 */
function zipMembers(bytes) {
  const view = viewOf(bytes);
  let end = bytes.length - 22;
  const first = Math.max(0, end - COMMENT_MAX_BYTES);
  while (end >= first && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < first) throw new BadCam(DAMAGED);
  const size = view.getUint32(end + 12, true);
  const before = end - size - view.getUint32(end + 16, true); // bytes in front of the zip itself
  if (before < 0) throw new BadCam(DAMAGED);
  /** @type {Member[]} */
  const members = [];
  for (let at = end - size; at < end; ) {
    if (at + 46 > end || view.getUint32(at, true) !== 0x02014b50) throw new BadCam(DAMAGED);
    const [name, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    if (at + 46 + name + extra + comment > end) throw new BadCam(DAMAGED);
    members.push({
      name: new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + name)),
      flags: view.getUint16(at + 8, true), compression: view.getUint16(at + 10, true), crc: view.getUint32(at + 16, true),
      packed: view.getUint32(at + 20, true), size: view.getUint32(at + 24, true), at: before + view.getUint32(at + 42, true),
    });
    at += 46 + name + extra + comment;
  }
  return members;
}
