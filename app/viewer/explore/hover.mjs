// The crosshair that all panels share, and what is read off there: every map's value, the tiles that cover the point, and
// the classes that are strongest in the map under it.

import { figure, signed } from '../maths/numbers.mjs';
import { sample } from '../maths/resample.mjs';
import { drawCrosshair } from './draw.mjs';
import { setText } from '../core/dom.mjs';
import { METHOD_TITLES } from '../core/store.mjs';

const CURSOR_STEPS = 40; // steps of the crosshair from side to side, at zoom 1
const ANNOUNCED_CLASSES = 4; // classes that are read out
/** @type {Record<string, Crt.Size>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const clamp = (/** @type {number} */ value) => Math.min(1, Math.max(0, value));

/** The largest values above 0 with their indices: [[index, value], …], ties in their own order.
 * @param {number[]} values
 * @param {number} count
 * @returns {[number, number][]}
 */
export function strongest(values, count) {
  return values.map((value, index) => /** @type {[number, number]} */ ([index, value])).filter(([, value]) => value > 0).sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, count);
}

/** The boxes [x0, y0, x1, y1] of tiles on the image, cut at its edges; { row, col } as prediction.tilesAt gives them.
 * @param {{ row: number, col: number }[]} tiles
 * @param {Pick<Crt.TileGrid, 'content' | 'stride' | 'tile'>} grid
 * @returns {Crt.Box[]}
 */
export function tileBoxes(tiles, { content: [height, width], stride, tile }) {
  return tiles.map(({ row, col }) => [
    (col * stride) / width, (row * stride) / height,
    Math.min(1, (col * stride + tile) / width), Math.min(1, (row * stride + tile) / height),
  ]);
}

/** Whether a panel's map came out of tiles: of a transformer, or the image that they see. `method`: that of its map, or input.
 * @param {string | undefined} method
 * @param {Crt.Prediction} prediction
 */
export const isTiled = (method, prediction) => method === 'input' || (method !== undefined && prediction.isTransformer(method));

/** The tiles in words, numbered from 1 in reading order.
 * @param {{ index: number }[]} tiles
 * @param {number} count
 */
export function tileWords(tiles, count) {
  if (count === 1) return 'the only tile';
  const numbers = tiles.map(({ index }) => index + 1);
  if (!numbers.length) return 'no tile'; // cannot happen: tiles cover the image
  const last = numbers.pop();
  return numbers.length ? `tiles ${numbers.join(', ')} and ${last} of ${count}` : `tile ${last} of ${count}`;
}

/** The hover of a grid of panels (panels.mjs): moveTo(point, panel, event), key(event, panel), refresh(), cursor().
 * @param {Pick<Crt.Page, 'at' | 'store' | 'view' | 'announce'>} page
 * @param {Crt.PanelGrid} panelGrid
 */
export function createHover({ at, store, view, announce }, panelGrid) {
  /** @type {Crt.Point | null} */
  let cursor = null; // where the crosshair is
  /** @type {Crt.Panel | null} */
  let over = null; // the panel that it was moved in
  let byKey = false; // whether a key put it there
  /** @type {{ x: number, y: number } | null} */
  let last = null; // where the pointer was
  /** @type {{ key: string, maps: Crt.Values[] }} */
  let values = { key: '', maps: [] }; // every class's map by the method under the crosshair
  /** @type {WeakSet<HTMLCanvasElement>} */
  const crossed = new WeakSet(); // canvases with a crosshair

  /** The same point marked in all panels; null, or beside the image, takes the mark away. A pointer that lies still while
   *  the page scrolls below it, which browsers report as a move, does not undo what the keys did.
   * @param {Crt.Point | null} point
   */
  function moveTo(point, panel = over, event = /** @type {MouseEvent | null} */ (null)) {
    if (event) {
      const still = last?.x === event.clientX && last.y === event.clientY;
      last = { x: event.clientX, y: event.clientY };
      if (still && byKey) return;
    }
    byKey = false;
    cursor = point && point.x >= 0 && point.x <= 1 && point.y >= 0 && point.y <= 1 ? point : null;
    over = panel;
    refresh();
  }

  function refresh() {
    const now = view();
    if (!now) return;
    const state = store.get();
    const tiles = cursor ? now.prediction.tilesAt(cursor.x, cursor.y) : [];
    const boxes = tiles.length && now.run.tiles > 1 ? tileBoxes(tiles, now.prediction.grid) : [];
    for (const panel of panelGrid.shown()) {
      if (cursor || crossed.has(panel.cross)) drawCrosshair(panel.cross, cursor, state.zoom, isTiled(methodOf(panel, state), now.prediction) ? boxes : [], panelGrid.pixel());
      if (cursor) crossed.add(panel.cross);
      else crossed.delete(panel.cross);
      panel.rows.forEach((row, i) => {
        const layer = panel.spec.scales[i];
        setText(row.value, layer && cursor && !state.drawing ? valueAt(layer, state, cursor) : ''); // a value would guide the hand that draws
      });
    }
    at('readout').dataset.active = cursor ? 'yes' : 'no';
    if (!cursor) return;
    at('readout-position').textContent = positionWords(now, cursor);
    at('readout-tiles').textContent = tileWords(tiles, now.run.tiles);
    const { method, classes } = state.drawing ? { method: null, classes: '' } : classesHere(state, now, cursor);
    at('readout-method').textContent = method ? `Strongest in ${METHOD_TITLES[method]}` : '';
    at('readout-classes').textContent = classes;
  }

  /** Whose map a panel shows where the crosshair is.
   * @param {Crt.DrawnPanel} panel
   * @param {Crt.State} state
   * @returns {string | undefined}
   */
  function methodOf(panel, state) {
    if (panel.key === 'added_panel') return state.added_panel?.method;
    return (cursor && panel.spec.layerAt(cursor, state)?.method) ?? panel.spec.layers[0].method;
  }

  /**
   * @param {Crt.MapLayer} layer
   * @param {Crt.State} state
   * @param {Crt.Point} point
   */
  function valueAt(layer, state, point) {
    const value = sample(layer.shown.map, layer.shown.contentSize, point.x, point.y, state.cells);
    return layer.signed ? signed(value) : figure(value);
  }

  /**
   * @param {Crt.View} view
   * @param {Crt.Point} point
   */
  function positionWords({ run }, point) {
    const [height, width] = run.source;
    return `x ${Math.min(width, Math.floor(point.x * width) + 1)}, y ${Math.min(height, Math.floor(point.y * height) + 1)} of ${width} × ${height} px`;
  }

  /** The strongest classes of the map under the crosshair, in words.
   * @param {Crt.State} state
   * @param {Crt.View} view
   * @param {Crt.Point} point
   */
  function classesHere(state, { run, prediction }, point) {
    const layers = [over?.spec?.layerAt(point, state), ...panelGrid.shown().map((panel) => panel.spec.scales[0])];
    const shown = layers.map((layer) => /** @type {Crt.Shown | null | undefined} */ (layer?.shown)).find((one) => one && run.methods.includes(one.method));
    if (!shown) return { method: null, classes: '' };
    const { method, loops, refined } = shown;
    const options = { loops, refined, blocks: state.blocks, pass_reduction: state.pass_reduction };
    const wanted = [run.run, method, JSON.stringify(options)].join('/');
    if (values.key !== wanted) {
      const own = /** @type {Crt.Blocks} */ (options.blocks && prediction.isTransformer(method) ? options.blocks.map((block) => Math.min(block, prediction.depth(method) - 1)) : null);
      values = { key: wanted, maps: run.classes.map((_, index) => prediction.map(method, [index], { ...options, blocks: own })) };
    }
    const here = strongest(values.maps.map((map) => sample(map, shown.contentSize, point.x, point.y, state.cells)), ANNOUNCED_CLASSES);
    const words = here.map(([index, value]) => `${run.classes[index]} ${figure(value)}`).join(', ');
    return { method, classes: words || 'no class has evidence here' };
  }

  /** Arrows move the crosshair, Enter picks the point. Whether the key was ours.
   * @param {KeyboardEvent} event
   * @param {Crt.DrawnPanel} panel
   */
  function key(event, panel) {
    if (event.key === 'Escape') moveTo(null, panel);
    else if (event.key === 'Enter' && cursor) panelGrid.pick(panel, cursor);
    else if (ARROWS[event.key] && !event.shiftKey) {
      const [dx, dy] = ARROWS[event.key];
      const { zoom } = store.get();
      const from = cursor ?? { x: zoom.x, y: zoom.y };
      moveTo({ x: clamp(from.x + dx / (CURSOR_STEPS * zoom.k)), y: clamp(from.y + dy / (CURSOR_STEPS * zoom.k)) }, panel);
      byKey = true;
      announce(readings());
    } else return false;
    return true;
  }

  function readings() {
    const ofMaps = panelGrid.shown().flatMap((panel) => panel.rows.map((row, i) => {
      const layer = panel.spec.scales[i];
      return layer && row.value.textContent ? `${layer.name} ${row.value.textContent}` : '';
    })).filter(Boolean);
    const method = at('readout-method').textContent;
    return [ofMaps.join(', '), at('readout-position').textContent, at('readout-tiles').textContent, method && `${method}: ${at('readout-classes').textContent}`]
      .filter(Boolean).join('; ');
  }

  return { moveTo, refresh, key, cursor: () => cursor };
}
