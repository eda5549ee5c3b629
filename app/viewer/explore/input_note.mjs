// What the networks get of an image with few patches along one side, a larger input size for it, and what of a file they
// do not get. The panels of very wide and very high images have a layout of their own: input_note.css.

import { countWords } from '../core/words.mjs';

const FLAT = 6; // width by height from which the panels stand one below the other
const NARROW = 0.4; // width by height below which a title is wider than its map

/** The shape by which the panels of an image are laid out.
 * @param {number} width
 * @param {number} height
 */
export function shapeOf(width, height) {
  if (width >= FLAT * height) return 'flat';
  return width < NARROW * height ? 'narrow' : 'plain';
}

/** One sentence for each of these facts about a run; empty where there is nothing to say.
 * @param {Pick<Crt.Run, 'source' | 'grid' | 'tiles' | 'coarse' | 'further'>} run
 */
export function noteOf({ source: [height, width], grid, tiles, coarse, further }) {
  const [h, w] = grid.content.map(Math.round);
  const [rows, cols] = grid.patchCells;
  return [
    further ? `This file holds several ${further}: the first one is used.` : '',
    coarse ? `The networks get this image of ${width} × ${height} px as ${w} × ${h} px: ${cols} × ${rows} patches in ${countWords(tiles, 'tile')}.` : '',
  ].filter(Boolean).join(' ');
}

/** The label of the button that takes the larger size.
 * @param {{ size: string, input: Crt.Size }} larger
 */
export const largerWords = ({ input: [h, w] }) => `Use ${w} × ${h} px`;

/** @param {Crt.Page} page */
export function mountInputNote({ root, at, saved, current, onRun }) {
  at('input-larger').addEventListener('click', () => {
    const { coarse, chosen } = current().run;
    if (coarse?.larger) root.dispatchEvent(new CustomEvent('crt-settings', { detail: { size: coarse.larger.size, mode: chosen.mode } }));
  });
  onRun((next) => {
    if (!next) return;
    const { run, image } = next;
    const text = noteOf(run);
    const larger = saved ? null : run.coarse?.larger; // a file of its own cannot run the networks
    at('input-note').hidden = !text;
    at('input-note-text').textContent = text;
    at('input-larger').hidden = !larger;
    at('input-larger').textContent = larger ? largerWords(larger) : '';
    at('panels').dataset.shape = shapeOf(image.naturalWidth, image.naturalHeight);
  });
}
