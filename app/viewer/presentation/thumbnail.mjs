// A small image of what a tab shows: its first canvases in one row.

import { make } from '../core/dom.mjs';
import { contextOf } from '../explore/draw.mjs';

const HEIGHT_PX = 72;
const MOST = 4; // canvases
const GAP_PX = 2;
const QUALITY = 0.7; // of JPEG

/** Widths of canvases [width, height] at one height, and of the row.
 * @param {[number, number][]} sizes
 * @param {number} height
 */
export function rowOf(sizes, height) {
  const widths = sizes.map(([w, h]) => Math.max(1, Math.round((w / h) * height)));
  return { widths, width: widths.reduce((sum, one) => sum + one, GAP_PX * Math.max(0, widths.length - 1)) };
}

/** The maps in sight of a tab as JPEG data URL; the image where it has none.
 * @param {Element} panel
 * @param {HTMLImageElement} image
 */
export function thumbnailOf(panel, image) {
  /** @type {(HTMLCanvasElement | HTMLImageElement)[]} */
  const shown = [...panel.querySelectorAll('canvas:not(.cross)')].filter((one) => one instanceof HTMLCanvasElement && one.offsetParent !== null && one.width > 1 && one.height > 1).slice(0, MOST).map((one) => /** @type {HTMLCanvasElement} */ (one));
  const parts = shown.length ? shown : [image];
  const { widths, width } = rowOf(parts.map((one) => (one instanceof HTMLCanvasElement ? [one.width, one.height] : [one.naturalWidth, one.naturalHeight])), HEIGHT_PX);
  const canvas = make('canvas', { width, height: HEIGHT_PX });
  const context = contextOf(canvas);
  context.fillStyle = '#ffffff';
  context.fillRect(0, 0, width, HEIGHT_PX);
  let x = 0;
  parts.forEach((one, i) => {
    context.drawImage(one, x, 0, widths[i], HEIGHT_PX);
    x += widths[i] + GAP_PX;
  });
  return canvas.toDataURL('image/jpeg', QUALITY);
}
