// Which sizes and modes the parts of the Ablate tab need of the networks.

import { MODES, SIZES as LINKED_SIZES } from '../permalink/query.mjs';

/** The published protocol of TS-CAM: the whole image in one tile of 224 pixels. */
export const ONE_TILE = Object.freeze({ size: '224', mode: 'bilinear' });
export const SIZES = LINKED_SIZES.filter((size) => size !== 'native');

/** What a part of the tab needs of the networks: [{ size, mode }]. `chosen`: size and mode of the run on the page.
 * @param {string} part
 * @param {Crt.SizeMode} chosen
 * @returns {Crt.SizeMode[]}
 */
export function wantedBy(part, { size, mode }) {
  if (part === 'modes') return MODES.map((one) => ({ size, mode: one }));
  if (part === 'ladder') return [ONE_TILE, { size, mode: 'overlap' }];
  return SIZES.map((one) => ({ size: one, mode }));
}
