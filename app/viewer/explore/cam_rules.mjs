// What a file with CAMs of another method has to be: its limits, and what can be seen of it without reading it.

export const MAX_BYTES = 64 * 2 ** 20; // of a file, and of the arrays of an npz once inflated
/** The name of a map that belongs to no class in particular. */
export const UNNAMED = '';
export const [MIN_SIDE, MAX_SIDE] = [2, 4096]; // values along a side of a map
export const PNG = '\x89PNG\r\n\x1a\n';

/** Why a file holds no map that can be shown, in one sentence with what to do. */
export class BadCam extends Error {}

/** Bytes in words.
 * @param {number} count
 */
export const mebibytes = (count) => Math.ceil(count / 2 ** 20);

/** A shape as NumPy writes it.
 * @param {number[]} shape
 */
export const shapeWords = (shape) => `(${shape.join(', ')})`;

/** Why a file of this many bytes is not read, or ''.
 * @param {number} size
 */
export function sizeProblem(size) {
  return size > MAX_BYTES ? `This file has ${mebibytes(size)} MiB, and ${mebibytes(MAX_BYTES)} are the most: save a smaller map.` : '';
}

/** @param {Uint8Array} head */
export const isGreyPng = (head) => starts(head, PNG) && head[25] === 0;

/** Whether a file begins as a greyscale PNG of 16 bits a value, which no mask is. `head`: its first bytes.
 * @param {Uint8Array} head
 */
export const isDeepPng = (head) => isGreyPng(head) && head[24] === 16;

/** Throw BadCam if a map cannot cover an image: its shape may differ from that of the image by one cell at most.
 * @param {Crt.Size} cam height and width in cells
 * @param {Crt.Size} image height and width in pixels
 */
export function checkAspect([h, w], [height, width]) {
  // One side follows from the other: h from w * height / width, or w from h * width / height.
  if (Math.abs(h * width - w * height) <= Math.max(height, width)) return;
  throw new BadCam(`This map has the shape ${shapeWords([h, w])}, which does not fit the image of ${shapeWords([height, width])}: resize it to the shape of the image.`);
}

/** Whether bytes begin with these letters.
 * @param {Uint8Array} bytes
 * @param {string} magic
 */
export const starts = (bytes, magic) => bytes.length >= magic.length && [...magic].every((letter, i) => bytes[i] === letter.charCodeAt(0));
