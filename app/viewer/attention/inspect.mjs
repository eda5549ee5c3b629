// A click on a patch of a transformer's map: what that token attends to, and which patches it resembles.

import { colorize } from '../maths/color_scale.mjs';
import { figure } from '../maths/numbers.mjs';
import { upsample } from '../maths/resample.mjs';
import { colorTable } from '../maths/colormaps.mjs';
import { contextOf, gridSize, strokePath, toCanvas } from '../explore/draw.mjs';
import { make } from '../core/dom.mjs';
import { loopWords } from '../core/words.mjs';
import { METHOD_TITLES } from '../core/store.mjs';
import { openArrays } from '../core/download.mjs';
import { isDropped, newestOf, sentenceOf } from '../core/rpc.mjs';

/** The attention of one token over the patches of its tile: mean over heads or one head, mean over blocks or one block.
 *  `array`: (passes, blocks, heads, P); `pass` counts from 0; `block`, `head`: null for the mean.
 * @param {Crt.Opened} array
 * @param {{ pass: number, block: number | null, head: number | null }} which
 */
export function tokenAttention({ shape, data }, { pass, block, head }) {
  const [, blocks, heads, patches] = shape;
  const usedBlocks = block === null ? Array.from({ length: blocks }, (_, i) => i) : [block];
  const usedHeads = head === null ? Array.from({ length: heads }, (_, i) => i) : [head];
  const out = new Float32Array(patches);
  for (const b of usedBlocks) {
    for (const h of usedHeads) {
      const start = ((pass * blocks + b) * heads + h) * patches;
      for (let i = 0; i < patches; i++) out[i] += data[start + i] / (usedBlocks.length * usedHeads.length);
    }
  }
  return out;
}

/** Numbers of one tile's patches on the whole image: { data, h, w, inside }, `inside` 1 where the tile lies.
 * @param {Float32Array} values
 * @param {number} tile
 * @param {Pick<Crt.TileGrid, 'patchCells' | 'shape' | 'stride' | 'patch'>} grid
 */
export function placeTile(values, tile, grid) {
  const [h, w] = grid.patchCells;
  const side = Math.round(Math.sqrt(values.length));
  const top = Math.floor(tile / grid.shape[1]) * (grid.stride / grid.patch);
  const left = (tile % grid.shape[1]) * (grid.stride / grid.patch);
  const data = new Float32Array(h * w);
  const inside = new Uint8Array(h * w);
  for (let i = 0; i < side && top + i < h; i++) {
    for (let j = 0; j < side && left + j < w; j++) {
      data[(top + i) * w + left + j] = values[i * side + j];
      inside[(top + i) * w + left + j] = 1;
    }
  }
  return { data, h, w, inside };
}

/** The patch at a point of the image: row and column.
 * @param {Crt.Point} point
 * @param {Pick<Crt.TileGrid, 'content' | 'patch' | 'patchCells'>} grid
 * @returns {Crt.Size}
 */
export function patchAt({ x, y }, { content: [height, width], patch, patchCells: [rows, columns] }) {
  return [Math.min(rows - 1, Math.floor((y * height) / patch)), Math.min(columns - 1, Math.floor((x * width) / patch))];
}

/** @param {Crt.Page} page */
export function mountInspect(page) {
  const { root, at, store, saved, view, request, onDraw, onRun, announce } = page;
  const newest = newestOf(request);
  const box = at('inspect');
  /** @type {{ pass: number, block: number | null, head: number | null }} */
  const chosen = { pass: 0, block: null, head: null };
  /** @type {{ attention: Crt.Opened, similarity: Crt.Opened, tile: number, cell: Crt.Size } | null} */
  let seen = null; // the newest answer with its arrays
  /** @type {Crt.Size | null} */
  let marked = null; // the patch that is inspected, framed on all maps

  root.addEventListener('crt-pick', (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    const now = view();
    if (saved || !now?.prediction.isTransformer(detail.method)) return;
    marked = patchAt(detail, now.prediction.grid);
    page.panelGrid.draw();
    load({ method: detail.method, x: detail.x, y: detail.y }, now);
  });
  at('inspect-close').addEventListener('click', () => {
    close();
    page.panelGrid.draw();
  });
  page.overlays.push({ draw: frame, key: ({ state, view: { prediction: { grid } }, pixel }) => (isFramed(state) ? [...marked ?? [], ...grid.content, grid.patch, pixel] : []) });
  const choose = (/** @type {string} */ role, /** @type {(value: string) => Partial<typeof chosen>} */ read) => at(role).addEventListener('input', (/** @type {Crt.InputEvent} */ event) => {
    Object.assign(chosen, read(event.target.value));
    draw();
  });
  choose('inspect-pass', (value) => ({ pass: Number(value) - 1 }));
  choose('inspect-block', (value) => ({ block: Number(value) ? Number(value) - 1 : null }));
  choose('inspect-head', (value) => ({ head: value === '' ? null : Number(value) }));
  onRun(close);
  onDraw(draw);

  /**
   * @param {{ method: string, x: number, y: number }} patch
   * @param {Crt.View} now
   */
  async function load(patch, { image }) {
    seen = null;
    box.hidden = false;
    box.classList.add('waiting');
    for (const role of ['inspect-attention', 'inspect-similarity']) { // empty, and as large as they will be
      Object.assign(at(role), { width: image.naturalWidth, height: image.naturalHeight });
      at(role).setAttribute('aria-label', 'No values yet');
      at(`${role}-note`).textContent = '';
    }
    at('inspect-title').textContent = `${METHOD_TITLES[patch.method]}: one patch`;
    at('inspect-note').textContent = 'Computing the attention of this patch…';
    reveal();
    try {
      take(await newest.request('inspect', patch));
    } catch (error) {
      if (isDropped(error)) return;
      box.classList.remove('waiting');
      at('inspect-note').textContent = `${sentenceOf(error)} A click on the patch requests it again.`;
    }
  }

  /** @param {Crt.Answer} got */
  function take(got) {
    const { attention, similarity } = openArrays(got.arrays, got.bytes);
    seen = { attention, similarity, tile: got.tile, cell: got.cell };
    box.classList.remove('waiting');
    const [passes, blocks, heads] = attention.shape;
    chosen.pass = Math.min(chosen.pass, passes - 1);
    if (chosen.block !== null && chosen.block >= blocks) chosen.block = null;
    if (chosen.head !== null && chosen.head >= heads) chosen.head = null;
    at('inspect-pass').max = passes;
    at('inspect-block').max = blocks;
    at('inspect-head').replaceChildren(
      make('option', { value: '', text: 'mean of all' }),
      ...Array.from({ length: heads }, (_, i) => make('option', { value: i, text: String(i + 1) })),
    );
    draw();
    announce(at('inspect-note').textContent);
  }

  function close() {
    newest.cancel();
    seen = null;
    marked = null;
    box.hidden = true;
  }

  /** Bring the inspector into view, as far as the maps that show the patch stay there. */
  function reveal() {
    const hidden = box.getBoundingClientRect().bottom - window.innerHeight;
    const top = Math.min(hidden, at('panels').getBoundingClientRect().top);
    const still = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    if (top > 0) window.scrollBy({ top, behavior: still ? 'auto' : 'smooth' });
  }

  /** @param {Crt.State} state */
  function isFramed(state) {
    return marked !== null && !state.drawing && !root.dataset.present;
  }

  /** The frame of the patch over a map, in coordinates of the image.
   * @param {CanvasRenderingContext2D} context
   * @param {Crt.Overlay} about
   */
  function frame(context, { state, view: { prediction: { grid } }, pixel }) {
    if (!marked || !isFramed(state)) return;
    const [down, across] = grid.content.map((side) => grid.patch / side);
    const path = new Path2D();
    path.rect(marked[1] * across, marked[0] * down, across, down);
    strokePath(context, path, [['rgba(0,0,0,.85)', 4 * pixel, []], ['#ffffff', 2 * pixel, []]]);
  }

  function draw() {
    const now = view();
    if (!seen || !now || store.get().tab !== 'explore') return;
    const state = store.get();
    const { grid } = now.prediction;
    const [passes, blocks] = seen.attention.shape;
    at('inspect-pass').value = chosen.pass + 1;
    at('inspect-pass-value').textContent = `${chosen.pass + 1} of ${passes}`;
    at('inspect-block').value = chosen.block === null ? 0 : chosen.block + 1;
    at('inspect-block-value').textContent = chosen.block === null ? 'mean of all' : `${chosen.block + 1} of ${blocks}`;
    at('inspect-head').value = chosen.head === null ? '' : String(chosen.head);
    const attention = placeTile(tokenAttention(seen.attention, chosen), seen.tile, grid);
    const max = Math.max(...attention.data);
    const [row, col] = seen.cell;
    at('inspect-note').textContent = `Row ${row + 1}, column ${col + 1} of ${grid.patchCells[0]} × ${grid.patchCells[1]} patches, seen in tile ${seen.tile + 1} of ${grid.shape[0] * grid.shape[1]}.`;
    paint(at('inspect-attention'), now, attention, max, state, seen.cell);
    const description = `Attention of this patch in its tile: largest share ${figure(max)} of 1`;
    at('inspect-attention-note').textContent = description;
    at('inspect-attention').setAttribute('aria-label', description);
    // The similarity after pass k is that of loop count k.
    const [counts, h, w] = seen.similarity.shape;
    const loops = Math.min(chosen.pass + 1, counts - 1);
    const values = seen.similarity.data.subarray(loops * h * w, (loops + 1) * h * w);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    paint(at('inspect-similarity'), now, { data: values.map((value) => Math.max(0, value)), h, w }, 1, state, seen.cell);
    const like = `Similarity of all patches to this one ${counts > 1 ? `after ${loopWords(loops)}` : ''} (cosine, 0 to 1): mean ${figure(mean)}`;
    at('inspect-similarity-note').textContent = like;
    at('inspect-similarity').setAttribute('aria-label', like);
  }
}

/** Cells over the image; what lies outside the token's tile stays the image, darkened. The patch is framed.
 * @param {HTMLCanvasElement} canvas
 * @param {Crt.View} view
 * @param {Crt.Values & { inside?: Crt.Mask }} map
 * @param {number} max
 * @param {Crt.State} state
 * @param {Crt.Size} cell
 */
function paint(canvas, { prediction, image }, map, max, state, cell) {
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  const { width, height } = canvas;
  const context = contextOf(canvas);
  context.drawImage(image, 0, 0, width, height);
  const { grid } = prediction;
  /** @type {Crt.Size} */
  const contentSize = [grid.content[0] / grid.patch, grid.content[1] / grid.patch];
  const [h, w] = gridSize(width, height);
  const pixels = colorize(upsample(map, contentSize, h, w).data, max, colorTable(state.colormap));
  if (map.inside) {
    const inside = upsample({ data: Float32Array.from(map.inside), h: map.h, w: map.w }, contentSize, h, w).data;
    inside.forEach((value, i) => {
      if (value < 0.5) pixels.fill(0, 4 * i, 4 * i + 3);
    });
  }
  context.globalAlpha = Math.max(0.35, state.opacity);
  context.drawImage(toCanvas(pixels, w, h), 0, 0, width, height);
  context.globalAlpha = 1;
  const [sx, sy] = [width / contentSize[1], height / contentSize[0]];
  for (const [color, line] of /** @type {[string, number][]} */ ([['#000000', 4], ['#ffffff', 2]])) {
    context.strokeStyle = color;
    context.lineWidth = (line * Math.max(width, height)) / 480;
    context.strokeRect(cell[1] * sx, cell[0] * sy, sx, sy);
  }
}
