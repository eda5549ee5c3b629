// Counts in words. A map is made with loops, never "passes": k loops take k passes through the encoder, and 0 loops one.

/** A number with its noun: 1 tile, 4 tiles.
 * @param {number} count
 * @param {string} one
 */
export const countWords = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

/** @param {number} count */
export const loopWords = (count) => countWords(count, 'loop');

/** Why a control of a file without a server is disabled, and the answer to every request there. */
export const NEEDS_APP = 'This needs the app: this file has no server.';
