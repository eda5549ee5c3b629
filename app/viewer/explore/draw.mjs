// Canvas drawing: image, heat, mask, outlines, boxes, crosshair, all through the window of the zoom. Canvases have the
// pixels of the screen, and only what is in sight is interpolated, so that nothing gets coarser by magnifying.

import { colorize, fadeTable } from '../maths/color_scale.mjs';
import { upsample } from '../maths/resample.mjs';
import { SIGNED, colorTable } from '../maths/colormaps.mjs';
import { cellEdges, lines, rings } from '../maths/contour.mjs';
import { maskPixels } from '../maths/threshold.mjs';
import { toImage, toScreen, windowOf } from './zoom.mjs';

const GRID_POINTS = 320; // points along the longer side on which a map is interpolated
const MARGIN_POINTS = 2; // points beyond the edges of the window, where outlines close out of sight

let thickness = 1; // what the width of outlines is multiplied by

/** Make outlines thicker, as on a projector; what is on the page has to be drawn again.
 * @param {number} factor
 */
export function scaleLines(factor) {
  thickness = factor;
}

/** What the width of outlines is multiplied by. */
export const lineScale = () => thickness;

/** What draws on a canvas.
 * @param {{ getContext(kind: '2d'): Crt.Context | null }} canvas
 */
export function contextOf(canvas) {
  const context = canvas.getContext('2d');
  if (!context) throw new Error('this browser has no memory left for a canvas');
  return context;
}

/** Height and width of the grid for an image of this size.
 * @param {number} width
 * @param {number} height
 * @returns {Crt.Size}
 */
export function gridSize(width, height) {
  const factor = GRID_POINTS / Math.max(width, height);
  return [Math.max(1, Math.round(height * factor)), Math.max(1, Math.round(width * factor))];
}

/** @type {{ image: HTMLImageElement, key: string, canvas: OffscreenCanvas } | null} */
let behind = null; // the image as the panels show it, drawn once for all of them

/** The part of the image in sight, on the whole canvas.
 * @param {Crt.Context} context
 * @param {HTMLImageElement} image
 * @param {Crt.Zoom} zoom
 */
export function drawImage(context, image, zoom) {
  const { width, height } = context.canvas;
  const { left, top, size } = windowOf(zoom);
  const key = [width, height, left, top, size].join();
  if (behind?.image !== image || behind.key !== key) {
    const canvas = new OffscreenCanvas(width, height);
    const once = contextOf(canvas);
    once.imageSmoothingQuality = 'high';
    toImage(once, zoom);
    once.drawImage(image, 0, 0, 1, 1);
    behind = { image, key, canvas };
  }
  context.drawImage(behind.canvas, 0, 0);
}

/** The points of the window of a zoom: the part of the image { left, top, right, bottom } with h × w points.
 * @param {Crt.Zoom} zoom
 * @param {number} width
 * @param {number} height
 */
export function windowGrid(zoom, width, height) {
  const { left, top, size } = windowOf(zoom);
  const [rows, cols] = gridSize(width, height);
  const withMargin = (/** @type {number} */ from, /** @type {number} */ count) => {
    const step = size / count;
    const before = Math.min(MARGIN_POINTS, Math.floor(from / step + 1e-6));
    const after = Math.min(MARGIN_POINTS, Math.floor((1 - from - size) / step + 1e-6));
    return { from: from - before * step, to: from + size + after * step, count: count + before + after };
  };
  const [across, down] = [withMargin(left, cols), withMargin(top, rows)];
  return { left: across.from, right: across.to, top: down.from, bottom: down.to, h: down.count, w: across.count };
}

/** What a drawing keeps of the maps that it draws again and again.
 * @typedef {Record<'windows' | 'colours' | 'outlines', { of<T>(object: object, key: string, make: () => T): T }>} KeptDrawings
 */
const ANEW = { of: (/** @type {object} */ _, /** @type {string} */ __, /** @type {() => any} */ make) => make() };
/** @type {KeptDrawings} */
const NOTHING_KEPT = { windows: ANEW, colours: ANEW, outlines: ANEW };

/** Draw a map over the image: heat or mask, and the outline at the threshold. `layer`: { shown, range, signed }; `kept`: what was
 *  made of maps before, as createLast of repaint.mjs keeps it.
 * @param {Crt.Context} context
 * @param {{ shown: Crt.Scaled, range: number, signed: boolean }} layer
 * @param {Crt.State} state
 * @param {Crt.Zoom} zoom
 * @param {number} pixel
 * @param {KeptDrawings} [kept]
 */
export function drawMap(context, { shown, range, signed }, state, zoom, pixel, kept = NOTHING_KEPT) {
  if (!(shown.max > 0)) return;
  const { width, height } = context.canvas;
  const level = state.threshold * shown.max;
  const { map, contentSize } = shown;
  const grid = windowGrid(zoom, width, height);
  const upsampled = state.cells ? map : kept.windows.of(map.data, [...contentSize, ...Object.values(grid)].join(), () => upsample(map, contentSize, grid.h, grid.w, grid));
  const area = state.cells ? { left: 0, top: 0, right: map.w / contentSize[1], bottom: map.h / contentSize[0] } : grid;
  const heat = () => colorize(upsampled.data, range, colorTable(signed ? SIGNED : state.colormap), signed ? -range : 0, state.overlay === 'fade' ? fadeTable(signed) : null);
  const masked = state.overlay === 'mask' && !signed;
  const look = masked ? ['mask', level] : [range, signed ? SIGNED : state.colormap, state.overlay];
  const colours = kept.colours.of(upsampled.data, look.join(), () => toCanvas(masked ? maskPixels(upsampled.data, level) : heat(), upsampled.w, upsampled.h));
  context.save();
  toImage(context, zoom);
  context.globalAlpha = state.opacity;
  context.imageSmoothingEnabled = !state.cells;
  context.drawImage(colours, area.left, area.top, area.right - area.left, area.bottom - area.top);
  context.restore();
  if (!state.outline || signed || !(level > 0)) return;
  const [from, to] = [toScreen({ x: area.left, y: area.top }, zoom), toScreen({ x: area.right, y: area.bottom }, zoom)];
  const [w, h] = [(to.x - from.x) * width, (to.y - from.y) * height];
  context.save();
  context.translate(from.x * width, from.y * height);
  if (state.cells) strokeSegments(context, cellEdges(map, level), w, h, '#ffffff', [], 1.4 * pixel);
  else strokeLines(context, kept.outlines.of(upsampled.data, String(level), () => rings(upsampled, level).flatMap(lines)), w, h, 1.4 * pixel);
  context.restore();
}

/** Lines of maths/contour.mjs on width × height pixels, white with a dark edge. Points nearer to each other than the line is
 *  wide are left out: stroking is most of the cost of a panel.
 * @param {Crt.Context} context
 * @param {{ points: number[], closed: boolean }[]} found
 * @param {number} width
 * @param {number} height
 * @param {number} size
 */
function strokeLines(context, found, width, height, size) {
  const path = new Path2D();
  for (const { points, closed } of found) {
    let [x, y] = [points[0] * width, points[1] * height];
    path.moveTo(x, y);
    for (let i = 2; i < points.length; i += 2) {
      const [a, b] = [points[i] * width, points[i + 1] * height];
      const end = !closed && i === points.length - 2; // an open line ends where it does
      if (!end && Math.abs(a - x) + Math.abs(b - y) < 1.5 * size) continue;
      [x, y] = [a, b];
      path.lineTo(x, y);
    }
    if (closed) path.closePath();
  }
  context.lineJoin = 'bevel';
  for (const [color, line] of /** @type {[string, number][]} */ ([['rgba(0,0,0,.75)', size * 2.2], ['#ffffff', size]])) {
    context.strokeStyle = color;
    context.lineWidth = line * thickness;
    context.stroke(path);
  }
}

/** Outlines of the truth, polygons of [x, y] from 0 to 1, in a context that draws in coordinates of the image.
 * @param {Crt.Context} context
 * @param {Crt.Ring[]} polygons
 * @param {number} pixel
 */
export function drawGroundTruth(context, polygons, pixel) {
  const path = new Path2D();
  for (const polygon of polygons) {
    polygon.forEach(([x, y], i) => path[i ? 'lineTo' : 'moveTo'](x, y));
    path.closePath();
  }
  strokePath(context, path, [['rgba(0,0,0,.85)', 3.2 * pixel, []], ['#ffd166', 1.6 * pixel, [6 * pixel, 4.5 * pixel]]]);
}

/** A box [x0, y0, x1, y1] from 0 to 1 in a context that draws in coordinates of the image.
 * @param {Crt.Context} context
 * @param {Crt.Box} box
 * @param {number} pixel
 */
export function drawBox(context, [x0, y0, x1, y1], pixel) {
  const path = new Path2D();
  path.rect(x0, y0, x1 - x0, y1 - y0);
  strokePath(context, path, [['rgba(0,0,0,.8)', 4.5 * pixel, []], ['#ffffff', 2 * pixel, []]]);
}

/** A path in coordinates of the image, stroked in pixels of the canvas: [[style, width, dash], …].
 * @param {Crt.Context} context
 * @param {Path2D} path
 * @param {Crt.Stroke[]} strokes
 */
export function strokePath(context, path, strokes) {
  const transformed = new Path2D();
  transformed.addPath(path, context.getTransform());
  context.save();
  context.resetTransform();
  for (const [style, width, dash] of strokes) {
    context.strokeStyle = style;
    context.lineWidth = width * thickness;
    context.setLineDash(dash.map((length) => length * thickness));
    context.stroke(transformed);
  }
  context.restore();
}

/** Crosshair on its own canvas, so that moving it redraws nothing else, and the tiles that cover the point: boxes as in
 *  drawBox.
 * @param {HTMLCanvasElement} canvas
 * @param {Crt.Point | null} point
 * @param {Crt.Zoom} zoom
 * @param {Crt.Box[]} tiles
 */
export function drawCrosshair(canvas, point, zoom, tiles = [], pixel = 1) {
  const context = contextOf(canvas);
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  if (!point) return;
  context.save();
  toImage(context, zoom);
  for (const [x0, y0, x1, y1] of tiles) {
    const path = new Path2D();
    path.rect(x0, y0, x1 - x0, y1 - y0);
    strokePath(context, path, [['rgba(0,0,0,.55)', 2.4 * pixel, []], ['rgba(255,255,255,.9)', pixel, [2 * pixel, 3 * pixel]]]);
  }
  context.restore();
  const at = toScreen(point, zoom);
  for (const [style, line] of /** @type {[string, number][]} */ ([['rgba(0,0,0,.6)', 3], ['rgba(255,255,255,.95)', 1]])) {
    context.strokeStyle = style;
    context.lineWidth = line * pixel;
    context.beginPath();
    context.moveTo(at.x * width, 0);
    context.lineTo(at.x * width, height);
    context.moveTo(0, at.y * height);
    context.lineTo(width, at.y * height);
    context.stroke();
  }
}

/**
 * @param {Uint8ClampedArray<ArrayBuffer>} pixels
 * @param {number} width
 * @param {number} height
 */
export function toCanvas(pixels, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  contextOf(canvas).putImageData(new ImageData(pixels, width, height), 0, 0);
  return canvas;
}

/** Segments [x0, y0, x1, y1, …] from 0 to 1 of width and height, with a dark edge around.
 * @param {Crt.Context} context
 * @param {ArrayLike<number>} segments
 * @param {number} width
 * @param {number} height
 * @param {string} style
 * @param {number[]} dash
 */
export function strokeSegments(context, segments, width, height, style, dash, size = Math.max(1.2, Math.max(width, height) / 380)) {
  for (const [color, line] of /** @type {[string, number][]} */ ([['rgba(0,0,0,.75)', size * 2.2], [style, size]])) {
    context.strokeStyle = color;
    context.lineWidth = line * thickness;
    context.lineCap = 'round';
    context.setLineDash(dash);
    context.beginPath();
    for (let i = 0; i < segments.length; i += 4) {
      context.moveTo(segments[i] * width, segments[i + 1] * height);
      context.lineTo(segments[i + 2] * width, segments[i + 3] * height);
    }
    context.stroke();
  }
}
