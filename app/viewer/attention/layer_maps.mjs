// The attention of one block, pass and head of a transformer, and its thumbnail.

import { colorize } from '../maths/color_scale.mjs';
import { colorTable } from '../maths/colormaps.mjs';
import { contextOf, toCanvas } from '../explore/draw.mjs';
import { make } from '../core/dom.mjs';
import { countWords, loopWords } from '../core/words.mjs';
import { upsample } from '../maths/resample.mjs';

const THUMBNAIL_PX = 160; // pixels of a small canvas along the image's longer side

/** Rows of one head: (passes, blocks, heads, n, P) -> n × P numbers.
 * @param {Crt.Opened} heads
 * @param {number} pass
 * @param {number} block
 * @param {number} head
 */
export function headRows({ shape, data }, pass, block, head) {
  const [, blocks, heads, n, patches] = shape;
  const start = ((pass * blocks + block) * heads + head) * n * patches;
  return data.subarray(start, start + n * patches);
}

/** A block is added to the range by moving the nearer end to it; the only block of a range gives back all.
 * @param {Crt.Blocks} range
 * @param {number} block
 * @param {number} depth
 * @returns {Crt.Blocks}
 */
export function toggleBlock(range, block, depth) {
  if (range === null) return [block, block];
  const [first, last] = range;
  if (first === block && last === block) return null;
  /** @type {Crt.Size} */
  const next = block < first ? [block, last] : block > last ? [first, block] : [block, block];
  return next[0] === 0 && next[1] === depth - 1 ? null : next;
}

/** Passes that a loop count takes: 0 loops and 1 loop share theirs.
 * @param {number} loops
 * @param {number} passes
 */
export const passesOf = (loops, passes) => Math.min(Math.max(1, loops), passes);

/** The passes of a method, and which of them the loop count takes.
 * @param {Crt.Prediction} prediction
 * @param {string} method
 * @param {number} loops
 */
export function passWords(prediction, method, loops) {
  const passes = countWords(prediction.passes(method), 'pass', 'passes');
  const most = prediction.maxLoops(method);
  if (!most) return passes;
  const [set, taken] = [Math.min(loops, most), passesOf(loops, most)];
  const which = taken === 1 ? 'pass 1' : `passes 1 ${taken === 2 ? 'and' : 'to'} ${taken}`;
  return `${passes}, of which ${loopWords(set)} ${set === 1 ? 'takes' : 'take'} ${which}`;
}

/** The attention of one block and pass as { data, h, w } on the image's patches: the mean of its heads for `head` null, or
 *  where the `heads` (passes, blocks, heads, n, P) are not known.
 * @param {Crt.Prediction} prediction
 * @param {string} method
 * @param {{ pass: number, block: number, head: number | null }} which
 * @param {Crt.Opened} [heads]
 */
export function attentionMap(prediction, method, { pass, block, head }, heads) {
  if (head === null || !heads) return prediction.attention(method, { pass, blocks: [block, block] });
  const rows = headRows(heads, pass, block, head);
  return prediction.merge(rows, Math.round(Math.sqrt(heads.shape[4])), prediction.grid.patchCells);
}

/** A canvas with the attention in colours over the image. `side`: pixels along the image's longer side.
 * @param {Crt.Values} map
 * @param {Crt.TileGrid} grid
 * @param {HTMLImageElement} image
 * @param {number} max
 * @param {string} colormap
 * @param {number} [side]
 * @returns {HTMLCanvasElement}
 */
export function thumbnail(map, grid, image, max, colormap, side = THUMBNAIL_PX) {
  const factor = side / Math.max(image.naturalWidth, image.naturalHeight);
  const width = Math.max(1, Math.round(image.naturalWidth * factor));
  const height = Math.max(1, Math.round(image.naturalHeight * factor));
  const canvas = make('canvas', { width, height });
  const context = contextOf(canvas);
  context.drawImage(image, 0, 0, width, height);
  /** @type {Crt.Size} */
  const contentSize = [grid.content[0] / grid.patch, grid.content[1] / grid.patch];
  const upsampled = upsample(map, contentSize, height, width);
  context.globalAlpha = 0.75;
  context.drawImage(toCanvas(colorize(upsampled.data, max, colorTable(colormap)), width, height), 0, 0);
  return canvas;
}
