// Arrays as text that fits into JSON.

/** Bytes of 0 and 1 -> base64 of one bit each, the first in the highest bit.
 * @param {Crt.Mask} flags
 */
export function packBits(flags) {
  const bytes = new Uint8Array(Math.ceil(flags.length / 8));
  flags.forEach((flag, i) => {
    if (flag) bytes[i >> 3] |= 0x80 >> (i & 7);
  });
  return toBase64(bytes);
}

/** @param {Uint8Array} bytes */
export function toBase64(bytes) {
  let binary = '';
  for (let i = 0; i < bytes.length; i += 4096) binary += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return btoa(binary);
}
