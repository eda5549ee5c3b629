// Bytes and arrays that an answer of the server holds.

import { base64ToBuffer, decodeHalves } from './decode.mjs';
import { fileAddress } from './gradio_files.mjs';
import { RequestError } from './rpc.mjs';

const NO_DOWNLOAD = 'The result could not be downloaded: check the connection and try again.';

/** Bytes of a run: inside the header as base64, or in a file that the server keeps. Throws RequestError.
 * @param {Crt.Bytes} header
 * @returns {Promise<ArrayBuffer>}
 */
export async function answerBytes(header) {
  return header.data ? base64ToBuffer(header.data) : downloaded(header.file ?? '');
}

/** Bytes of a file that the server keeps. Throws RequestError.
 * @param {string} path
 * @returns {Promise<ArrayBuffer>}
 */
export async function downloaded(path) {
  try {
    const answer = await fetch(fileAddress(path));
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return await answer.arrayBuffer();
  } catch (error) {
    throw new RequestError('failed', NO_DOWNLOAD, { cause: error });
  }
}

/** Arrays of an answer by name: { data: Float32Array, shape }. `described` and `buffer` as encode_arrays made them.
 * @param {Record<string, Crt.Stored>} described
 * @param {ArrayBuffer} buffer
 * @returns {Record<string, Crt.Opened>}
 */
export function openArrays(described, buffer) {
  return Object.fromEntries(Object.entries(described).map(([name, { shape, scale, offset }]) => [
    name, { shape, data: decodeHalves(buffer, offset, product(shape), scale) },
  ]));
}

/** @param {number[]} shape */
const product = (shape) => shape.reduce((a, b) => a * b, 1);
