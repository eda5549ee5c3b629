// Masks drawn over the image, each in a figure of its own.

import { crossings } from '../maths/contour.mjs';
import { contextOf, gridSize, strokeSegments, toCanvas } from '../explore/draw.mjs';
import { labelOverlap, only, paintLabels, share } from '../maths/labels.mjs';
import { make, percent } from '../core/dom.mjs';
import { withoutSpecks } from './specks.mjs';

const OUTLINE_SHARE = 1 / 370; // width of the light line in lengths of the longer side, as LABEL_OUTLINE of crt.viz.plots has it

/** @type {WeakMap<Uint8Array, Uint8Array>} */
const outlined = new WeakMap(); // labels without their specks, of masks that are drawn again

/** A figure of the tab; `status`: the line of its caption about the mask, `legend`: of classes that the table does not have.
 * @typedef {{ figure: HTMLElement, canvas: HTMLCanvasElement, status: HTMLElement, legend: HTMLElement }} MaskFigure
 */
/** What is measured of a label of a mask: its share of all points, and its IoU where there is ground truth.
 * @typedef {{ share: number, iou: number | null }} Measured
 */

/** Figures in `host`, in this order: captions by role -> MaskFigure by role. `save(tile)` saves the mask of a figure;
 *  `tiles`: the masks' names by role, for those figures that show one.
 * @param {HTMLElement} host
 * @param {Record<string, string>} captions
 * @param {Record<string, string>} tiles
 * @param {(tile: string) => void} save
 * @returns {Record<string, MaskFigure>}
 */
export function createFigures(host, captions, tiles, save) {
  return Object.fromEntries(Object.entries(captions).map(([role, caption]) => {
    const canvas = make('canvas', { role: 'img', 'data-role': role });
    const button = (/** @type {string} */ tile) => make('button', {
      type: 'button', class: 'plain', text: 'Save PNG', 'aria-label': `Save PNG: ${caption}`, title: 'Indexed PNG of the image\'s size', on: { click: () => save(tile) },
    });
    const status = make('span', { class: 'mask-status', 'data-role': `${role}-status` });
    const legend = make('span', { class: 'mask-legend' });
    const head = make('figcaption', {}, [make('span', { text: caption }), status, ...(tiles[role] ? [button(tiles[role])] : []), legend]);
    const figure = make('figure', { 'data-role': `${role}-figure` }, [canvas, head]);
    host.append(figure);
    return [role, { figure, canvas, status, legend }];
  }));
}

/** Width and height of a mask's canvas: the pixels of the image, and at least the points of the page's grid, so that a
 *  small image loses none of them.
 * @param {{ naturalWidth: number, naturalHeight: number }} image
 * @returns {Crt.Size}
 */
export function canvasSize({ naturalWidth, naturalHeight }) {
  const [rows, columns] = gridSize(naturalWidth, naturalHeight);
  return columns > naturalWidth ? [columns, rows] : [naturalWidth, naturalHeight];
}

/** Prepare a figure for its mask: hidden where none is wanted, a skeleton while the first one is computed, paler while an
 *  older one waits for the newer.
 * @param {MaskFigure} figure
 * @param {{ naturalWidth: number, naturalHeight: number }} image
 * @param {boolean} drawn whether there is a mask to draw
 * @param {{ current: boolean, failure?: string } | null} asked null where none is wanted
 */
export function prepareFigure({ figure, canvas }, image, drawn, asked) {
  const computing = Boolean(asked && !asked.current && !asked.failure);
  figure.hidden = !asked;
  figure.setAttribute('aria-busy', String(computing));
  figure.classList.toggle('empty', !drawn);
  canvas.classList.toggle('waiting', Boolean(asked && !asked.current && drawn));
  canvas.classList.toggle('skeleton', computing && !drawn);
  if (!drawn) [canvas.width, canvas.height] = canvasSize(image);
}

/** A square of a label's colour.
 * @param {Crt.RGB} color
 */
export function swatchOf(color) {
  const swatch = make('span', { class: 'mask-swatch' });
  swatch.style.background = `rgb(${color.join(' ')})`;
  return swatch;
}

/** Labels over the image on a canvas; `colors[label]`, `names[label]` for those that are not background.
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLImageElement} image
 * @param {import('./mask_labels.mjs').LabelMap} mask
 * @param {Crt.RGB[]} colors
 * @param {string[]} names
 * @param {{ contours: boolean, boxes: boolean }} drawn
 */
export function paintMask(canvas, image, { labels, h, w }, colors, names, { contours, boxes }) {
  [canvas.width, canvas.height] = canvasSize(image);
  const { width, height } = canvas;
  const context = contextOf(canvas);
  context.drawImage(image, 0, 0, width, height);
  context.imageSmoothingEnabled = false;
  context.drawImage(toCanvas(paintLabels(labels, colors, 0.55), w, h), 0, 0, width, height);
  const shown = new Set(labels);
  const size = Math.max(1, OUTLINE_SHARE * Math.max(width, height));
  names.slice(1).forEach((name, k) => {
    if (!shown.has(k + 1)) return;
    if (contours) strokeSegments(context, crossings(only(outlinedOf({ labels, h, w }), h, w, k + 1), 0.5), width, height, '#ffffff', [], size);
    if (boxes) drawBox(context, boxOf(labels, w, k + 1), name, width / w, height / h);
  });
}

/** @param {import('./mask_labels.mjs').LabelMap} mask */
function outlinedOf(mask) {
  const known = outlined.get(mask.labels) ?? withoutSpecks(mask);
  outlined.set(mask.labels, known);
  return known;
}

/** @param {import('./mask_labels.mjs').LabelMap} mask
 * @param {number} label
 * @param {Pick<Crt.GroundTruth, 'complete' | 'raster' | 'ignore'>} truth
 * @returns {Measured}
 */
export function measureLabel(mask, label, truth) {
  const raster = truth.complete ? truth.raster(mask.h, mask.w) : null;
  return { share: share(mask.labels, label), iou: raster && labelOverlap(mask.labels, label, raster, truth.ignore(mask.h, mask.w)) };
}

/** The text of a table about one label of a mask; null without the mask.
 * @param {Measured | null} found
 */
export function cellText(found) {
  if (!found) return '–';
  return percent(found.share) + (found.iou === null ? '' : `, IoU ${percent(found.iou)}`);
}

/** The line of a figure: the IoU of each class that has ground truth, by name where there are several classes.
 * @param {string[]} names
 * @param {Measured[]} found
 */
export function iouText(names, found) {
  const known = found.flatMap(({ iou }, k) => (iou === null ? [] : [`${names.length > 1 ? `${names[k]} ` : ''}IoU ${percent(iou)}`]));
  return known.join(', ');
}

/** [left, top, right, bottom] in points around all points of a label, the right and bottom ones excluded, or null.
 * @param {Uint8Array} labels
 * @param {number} w
 * @param {number} label
 * @returns {Crt.Box | null}
 */
export function boxOf(labels, w, label) {
  /** @type {Crt.Box | null} */
  let box = null;
  labels.forEach((value, i) => {
    if (value !== label) return;
    const [x, y] = [i % w, Math.floor(i / w)];
    box = box ? [Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x + 1), Math.max(box[3], y + 1)] : [x, y, x + 1, y + 1];
  });
  return box;
}

/**
 * @param {Crt.Context} context
 * @param {Crt.Box | null} box
 * @param {string} name
 * @param {number} sx
 * @param {number} sy
 */
function drawBox(context, box, name, sx, sy) {
  if (!box) return;
  const size = Math.max(11, context.canvas.width / 40);
  const [x, y] = [box[0] * sx, box[1] * sy];
  context.lineWidth = size / 6;
  context.strokeStyle = '#ffffff';
  context.strokeRect(x, y, (box[2] - box[0]) * sx, (box[3] - box[1]) * sy);
  context.font = `600 ${size}px system-ui, sans-serif`;
  const width = context.measureText(name).width + size;
  context.fillStyle = 'rgba(0,0,0,.75)';
  context.fillRect(x, Math.max(0, y - 1.5 * size), width, 1.5 * size);
  context.fillStyle = '#ffffff';
  context.fillText(name, x + size / 2, Math.max(0, y - 1.5 * size) + 1.1 * size);
}
