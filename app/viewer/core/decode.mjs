// From the bytes that the server sends to numbers.

const SMALLEST = 2 ** -24;

/** One float16, as its 16 bits -> a number. */
export function halfToNumber(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * SMALLEST;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * 2 ** (exponent - 25) * (1024 + fraction);
}

let halves = null;

/** Float16 bytes, little-endian -> Float32Array, multiplied by `scale`. */
export function decodeHalves(buffer, offset, count, scale) {
  if (!halves) halves = Float32Array.from({ length: 65536 }, (_, bits) => halfToNumber(bits));
  const view = new DataView(buffer, offset, count * 2);
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = halves[view.getUint16(2 * i, true)] * scale;
  return out;
}

/** base64 -> ArrayBuffer. */
export function base64ToBuffer(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes.buffer;
}

/** Where Gradio serves a file of its cache. */
export function fileUrl(path, root) {
  return `${root.replace(/\/$/, '')}/gradio_api/file=${path.split('/').map(encodeURIComponent).join('/')}`;
}
