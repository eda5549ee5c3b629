// Maps of an ablation with their IoU at every threshold, kept while their settings stay, and their small images.

import { colorize, fadeTable } from '../maths/color_scale.mjs';
import { upsample } from '../maths/resample.mjs';
import { colorTable } from '../maths/colormaps.mjs';
import { cellEdges, crossings } from '../maths/contour.mjs';
import { contextOf, drawGroundTruth, gridSize, lineScale, strokeSegments, toCanvas } from '../explore/draw.mjs';
import { sweep } from '../maths/iou.mjs';
import { maskPixels } from '../maths/threshold.mjs';
import { currentMap } from '../core/store.mjs';

const MAX_MAPS = 400;
const THUMBNAIL_PX = 320; // pixels of a small image's longer side
const THUMBNAIL_POINTS = 160; // points along the longer side on which a small map is interpolated
const LINE_PX = 1.7; // pixels of an outline

/** measure(state, column, method, own, truth): what `currentMap` gives, and `curve`, the sweep of its IoU, or null where
 *  no truth is complete. `column`: { key, run, prediction }. `truth`: { mask, ignore, h, w } or null; h, w as `gridSize`. */
export function createMeasure() {
  /** @type {Map<string, Crt.Shown>} */
  const maps = new Map();
  /** @type {WeakMap<Crt.Shown, { mask: Crt.Mask, ignore: Crt.Mask | null, curve: Crt.IouCurve }>} */
  const curves = new WeakMap(); // a map -> { mask, ignore, curve }
  /**
   * @param {Crt.State} state
   * @param {{ key: string, prediction: Crt.Prediction }} column
   * @param {string} method
   * @param {Partial<Crt.Settings>} [own]
   * @param {Crt.RasterTruth | null} [truth]
   * @returns {Crt.MeasuredMap}
   */
  return function measure(state, { key, prediction }, method, own = {}, truth = null) {
    const { classes, loops, refined, blocks, pass_reduction } = { ...state, ...own };
    const name = [key, method, classes.join(), loops, refined, blocks, pass_reduction].join('/');
    const shown = maps.get(name) ?? currentMap(state, prediction, method, own);
    if (maps.size >= MAX_MAPS && !maps.has(name)) maps.delete(String(maps.keys().next().value));
    maps.set(name, shown);
    if (!truth) return { ...shown, curve: null };
    let known = curves.get(shown);
    if (known?.mask !== truth.mask || known.ignore !== truth.ignore) {
      const upsampled = upsample(shown.map, shown.contentSize, truth.h, truth.w);
      known = { mask: truth.mask, ignore: truth.ignore, curve: sweep(upsampled.data, shown.max, truth.mask, truth.ignore) };
      curves.set(shown, known);
    }
    return { ...shown, curve: known.curve };
  };
}

/** The truth of the classes chosen on the points on which IoU is counted everywhere in the page, or null if there is none
 *  for one of them. `found`: what `groundTruthOf` gives.
 * @param {Crt.GroundTruth} found
 * @param {HTMLImageElement} image
 * @returns {Crt.RasterTruth | null}
 */
export function countable(found, image) {
  if (!found.complete) return null;
  const [h, w] = gridSize(image.naturalWidth, image.naturalHeight);
  const mask = found.raster(h, w);
  return mask && { mask, ignore: found.ignore(h, w), h, w };
}

/** Width and height of a small image.
 * @param {HTMLImageElement} image
 * @returns {Crt.Size}
 */
function smallSize({ naturalWidth, naturalHeight }) {
  const factor = THUMBNAIL_PX / Math.max(naturalWidth, naturalHeight);
  return [Math.max(1, Math.round(naturalWidth * factor)), Math.max(1, Math.round(naturalHeight * factor))];
}

/** What small maps are drawn with: paint(canvas, shown, range, state), a map over the image with the page's display
 *  settings, `range` the value of the highest colour; `under(polygons)` sets the outline of the truth for all of them.
 * @param {HTMLImageElement} image
 */
export function createPainter(image) {
  const [width, height] = smallSize(image);
  const small = layer((context) => context.drawImage(image, 0, 0, width, height));
  /** @type {WeakMap<Crt.Values, { key: string, canvas: OffscreenCanvas }>} */
  const heats = new WeakMap(); // a map -> { key, canvas }, the image with its heat
  /** @type {{ polygons: Crt.Ring[], lines: number, canvas: OffscreenCanvas | null }} */
  let outline = { polygons: [], lines: 1, canvas: null };

  /** @param {(context: Crt.Context) => void} draw */
  function layer(draw) {
    const canvas = new OffscreenCanvas(width, height);
    const context = contextOf(canvas);
    context.imageSmoothingQuality = 'high';
    draw(context);
    return canvas;
  }

  /** The image under the map's colours, drawn anew only if one of its settings has changed.
   * @param {Crt.Shown} shown
   * @param {number} range
   * @param {Crt.State} state
   */
  function heated(shown, range, state) {
    const mask = state.overlay === 'mask';
    const key = [range, state.colormap, state.opacity, state.cells, state.overlay, mask && state.threshold].join();
    const known = heats.get(shown.map);
    if (known?.key === key) return known.canvas;
    const canvas = layer((context) => {
      context.drawImage(small, 0, 0);
      const { upsampled, w, h } = spread(shown, state.cells);
      const pixels = mask ? maskPixels(upsampled.data, state.threshold * shown.max) : colorize(upsampled.data, range, colorTable(state.colormap), 0, state.overlay === 'fade' ? fadeTable(false) : null);
      context.imageSmoothingEnabled = !state.cells;
      context.globalAlpha = state.opacity;
      context.drawImage(toCanvas(pixels, upsampled.w, upsampled.h), 0, 0, w, h);
    });
    heats.set(shown.map, { key, canvas });
    return canvas;
  }

  /** A map on its points, or as its cells, and the width and height of them all.
   * @param {Crt.Shown} shown
   * @param {boolean} cells
   */
  function spread({ map, contentSize }, cells) {
    if (cells) return { upsampled: map, w: (width * map.w) / contentSize[1], h: (height * map.h) / contentSize[0] };
    const factor = THUMBNAIL_POINTS / Math.max(width, height);
    return { upsampled: upsample(map, contentSize, Math.ceil(height * factor), Math.ceil(width * factor)), w: width, h: height };
  }

  return {
    /** @param {Crt.Ring[]} polygons */
    under(polygons) {
      if (JSON.stringify(polygons) === JSON.stringify(outline.polygons) && outline.lines === lineScale()) return;
      const drawn = () => layer((context) => {
        context.scale(width, height);
        drawGroundTruth(context, polygons, 0.8);
      });
      outline = { polygons, lines: lineScale(), canvas: polygons.length ? drawn() : null };
    },
    /**
     * @param {HTMLCanvasElement} canvas
     * @param {Crt.Shown} shown
     * @param {number} range
     * @param {Crt.State} state
     */
    paint(canvas, shown, range, state) {
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      const context = contextOf(canvas);
      context.drawImage(shown.max > 0 ? heated(shown, range, state) : small, 0, 0);
      if (shown.max > 0 && state.outline && state.threshold > 0) {
        const { upsampled, w, h } = spread(shown, state.cells);
        strokeSegments(context, (state.cells ? cellEdges : crossings)(upsampled, state.threshold * shown.max), w, h, '#ffffff', [], LINE_PX);
      }
      if (outline.canvas) context.drawImage(outline.canvas, 0, 0);
    },
  };
}
