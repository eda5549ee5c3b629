// The chosen cell of the Layers tab: its map enlarged in its place in the matrix, and its single heads beside it.

import { largest } from '../maths/order.mjs';
import { figure } from '../maths/numbers.mjs';
import { make } from '../core/dom.mjs';
import { METHOD_TITLES } from '../core/store.mjs';
import { attentionMap, thumbnail } from './layer_maps.mjs';
import { lineOf } from './layer_grid.mjs';

const LARGE_PX = 720; // pixels of the enlarged map along the image's longer side

/** What is chosen: a network, a cell, a head (null for the mean of all), and all heads once they are here.
 * @typedef {{ method: string, cell: import('./layer_grid.mjs').Cell, head: number | null, heads: Crt.Opened | null }} Chosen
 */

/** A cell in words: block 10, pass 3, head 2.
 * @param {Pick<Chosen, 'cell' | 'head'>} chosen
 */
export const cellWords = ({ cell, head }) => `block ${cell.block + 1}, pass ${cell.pass + 1}, ${headWords(head)}`;

/** @param {number | null} head */
export const headWords = (head) => (head === null ? 'mean of all heads' : `head ${head + 1}`);

/** The panel of Explore that shows a cell.
 * @param {Pick<Chosen, 'method' | 'cell' | 'head'>} chosen
 * @returns {Crt.AttentionPanel}
 */
export const panelOf = ({ method, cell, head }) => ({ kind: 'attention', method, pass: cell.pass, block: cell.block, head });

/** A panel of Explore with the attention of a block, pass and head, or the mean of its heads where they are not known; null
 *  where the network has no such block or pass.
 * @param {Crt.AttentionPanel} wanted
 * @param {Crt.Prediction} prediction
 * @param {Crt.Opened | null} heads
 * @returns {Crt.AddedPanel | null}
 */
export function attentionPanel({ method, pass, block, head }, prediction, heads) {
  if (!prediction.isTransformer(method) || pass >= prediction.passes(method) || block >= prediction.depth(method)) return null;
  const one = heads ? head : null;
  const map = attentionMap(prediction, method, { pass, block, head: one }, heads ?? undefined);
  const { content, patch } = prediction.grid;
  return {
    title: `${METHOD_TITLES[method]} attention`, note: `block ${block + 1}, pass ${pass + 1}${one === null ? '' : `, head ${one + 1}`}`,
    map, contentSize: [content[0] / patch, content[1] / patch], max: largest(map.data), unit: 'attention',
  };
}

/** Whether an added panel shows this cell.
 * @param {Crt.State['added_panel']} panel
 * @param {Pick<Chosen, 'method' | 'cell' | 'head'>} chosen
 */
export function isPinned(panel, chosen) {
  const wanted = panelOf(chosen);
  return panel?.kind === 'attention' && (/** @type {(keyof Crt.AttentionPanel)[]} */ (['method', 'pass', 'block', 'head'])).every((name) => panel[name] === wanted[name]);
}

/** The chosen cell of a state, null where none is chosen or this network has none there.
 * @param {Crt.State['layers']} layers
 * @param {Pick<Crt.Prediction, 'depth' | 'passes'>} prediction
 * @param {string} method
 * @returns {import('./layer_grid.mjs').Cell | null}
 */
export function chosenCell({ block, pass }, prediction, method) {
  if (block === null || pass === null || block >= prediction.depth(method) || pass >= prediction.passes(method)) return null;
  return { block, pass };
}

/**
 * @param {Crt.Page['at']} at
 * @param {{ chooseHead(head: number | null): void }} on
 */
export function createLayerCell(at, { chooseHead }) {
  let drawn = { large: '', heads: '' }; // what is on the page, so that it is only drawn anew when that changes

  /** The enlarged map. `max`: the largest value of all cells.
   * @param {Chosen} chosen
   * @param {Crt.State} state
   * @param {Crt.View} now
   * @param {number} max
   */
  function large(chosen, state, { run, prediction, image }, max) {
    const key = JSON.stringify([run.run, chosen.method, chosen.cell, chosen.head, state.layers.scale, state.colormap]);
    for (const [role, after] of /** @type {[string, number][]} */ ([['layers-large', 1], ['layers-heads', 2]])) {
      at(role).style.setProperty('--grid-line', String(lineOf(chosen.cell.block) + after));
    }
    if (key === drawn.large) return;
    drawn.large = key;
    const map = attentionMap(prediction, chosen.method, { ...chosen.cell, head: chosen.head }, chosen.heads ?? undefined);
    const own = largest(map.data);
    const words = `${cellWords(chosen)}: largest share ${figure(own)}`;
    const canvas = thumbnail(map, prediction.grid, image, state.layers.scale === 'all' ? max : own, state.colormap, LARGE_PX);
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', words);
    at('layers-large-map').replaceChildren(canvas);
    at('layers-large-words').textContent = words[0].toUpperCase() + words.slice(1);
  }

  /** A button for each head of the cell.
   * @param {Chosen & { heads: Crt.Opened }} chosen
   * @param {Crt.State} state
   * @param {Crt.View} now
   */
  function heads({ method, cell, head, heads: all }, state, { run, prediction, image }) {
    const host = at('layers-heads-grid');
    const key = JSON.stringify([run.run, method, cell, state.layers.scale, state.colormap]);
    if (key !== drawn.heads) {
      drawn.heads = key;
      const maps = Array.from({ length: all.shape[2] }, (_, k) => attentionMap(prediction, method, { ...cell, head: k }, all));
      const maxima = maps.map(({ data }) => largest(data));
      const max = Math.max(...maxima);
      host.replaceChildren(...maps.map((map, k) => make('button', {
        type: 'button', class: 'layers-head', 'data-head': k, on: { click: (/** @type {MouseEvent} */ { currentTarget }) => chooseHead(/** @type {HTMLElement} */ (currentTarget).getAttribute('aria-pressed') === 'true' ? null : k) },
      }, [
        thumbnail(map, prediction.grid, image, state.layers.scale === 'all' ? max : maxima[k], state.colormap),
        make('span', { text: `Head ${k + 1}` }), make('span', { class: 'layers-value', text: maxima[k].toPrecision(2) }), make('span', { class: 'visually-hidden', text: ', largest share' }),
      ])));
    }
    for (const node of host.children) node.setAttribute('aria-pressed', String(Number(node.dataset.head) === head));
  }

  return {
    /** Show the chosen cell, or none. `note`: why its heads are not here; `computing`: they are on the way.
     * @param {Chosen | null} chosen
     * @param {Crt.State} state
     * @param {Crt.View} now
     * @param {{ max: number, note: string, computing: boolean, loadable: boolean }} about
     */
    draw(chosen, state, now, { max, note, computing, loadable }) {
      at('layers-large').hidden = !chosen;
      at('layers-heads').classList.toggle('unchosen', !chosen);
      at('layers-heads-title').textContent = chosen ? `Heads of block ${chosen.cell.block + 1}, pass ${chosen.cell.pass + 1}` : 'Heads';
      at('layers-heads-note').textContent = note;
      at('layers-heads-load').hidden = !loadable;
      at('layers-heads-skeleton').hidden = !computing;
      at('layers-heads-grid').hidden = !chosen?.heads;
      if (!chosen) return;
      large(chosen, state, now, max);
      if (chosen.heads) heads({ ...chosen, heads: chosen.heads }, state, now);
      const pinned = isPinned(state.added_panel, chosen);
      at('layers-pin').setAttribute('aria-pressed', String(pinned));
      at('layers-pin-note').textContent = pinned ? 'It is a panel of Explore.' : '';
    },
    /** Forget the image. */
    clear() {
      drawn = { large: '', heads: '' };
    },
  };
}
