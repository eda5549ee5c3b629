// From the bytes that the server sends to numbers.

const SMALLEST = 2 ** -24;

/** One float16, as its 16 bits -> a number.
 * @param {number} bits
 */
export function halfToNumber(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * SMALLEST;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * 2 ** (exponent - 25) * (1024 + fraction);
}

/** @type {Float32Array | null} */
let halves = null;

/** Float16 bytes, little-endian -> Float32Array, multiplied by `scale`.
 * @param {ArrayBuffer} buffer
 * @param {number} offset
 * @param {number} count
 * @param {number} scale
 */
export function decodeHalves(buffer, offset, count, scale) {
  if (!halves) halves = Float32Array.from({ length: 65536 }, (_, bits) => halfToNumber(bits));
  const view = new DataView(buffer, offset, count * 2);
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = halves[view.getUint16(2 * i, true)] * scale;
  return out;
}

/** base64 -> ArrayBuffer.
 * @param {string} text
 * @returns {ArrayBuffer}
 */
export function base64ToBuffer(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes.buffer;
}

/** Where Gradio serves a file of its cache.
 * @param {string} path
 * @param {string} root
 */
export function fileUrl(path, root) {
  return `${root.replace(/\/$/, '')}/gradio_api/file=${path.split('/').map(encodeURIComponent).join('/')}`;
}
