// The colours of classes in masks: of an accessible palette those that are farthest from the image's own colours there and
// from each other. A class keeps its colour whatever is set, because the mask that decides is made with the checkpoint's
// defaults. The page sends its choice with an export.

import { LABEL_COLORS } from '../core/constants.mjs';
import { currentMap, pick } from '../core/store.mjs';
import { aboveThreshold } from '../maths/threshold.mjs';
import { upsample } from '../maths/resample.mjs';
import { contextOf, gridSize } from '../explore/draw.mjs';

/** Linear RGB as it is seen with full and with dichromatic vision: Machado, Oliveira and Fernandes (2009), severity 1. */
const VISIONS = [
  [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]], // protanopia
  [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]], // deuteranopia
];

/** An sRGB colour in OKLab (Ottosson, 2020), where distances are those that are seen, for each vision.
 * @param {Crt.RGB} color
 * @returns {Crt.RGB[]}
 */
export function toOklab(color) {
  const linear = color.map((value) => (value <= 0.04045 * 255 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return VISIONS.map((vision) => {
    const [r, g, b] = vision.map((row) => Math.min(1, Math.max(0, row[0] * linear[0] + row[1] * linear[1] + row[2] * linear[2])));
    const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return [
      0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
      1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
      0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
    ];
  });
}

/** A colour of the palette for each class, in order: the one whose least distance to the image's mean colour under the
 *  class's mask and to the colours of the classes before is largest, the earlier of equals. `means`: null where nothing is
 *  known of the image. A colour comes again only once all others have come.
 * @param {(Crt.RGB | null)[]} means
 * @param {Crt.RGB[]} [palette]
 * @returns {number[]} indices into the palette
 */
export function chooseColors(means, palette = LABEL_COLORS) {
  const colors = palette.map(toOklab);
  /** @type {number[]} */
  const chosen = [];
  for (const mean of means) {
    const taken = chosen.slice(chosen.length - (chosen.length % palette.length)); // since all came last
    const others = [...(mean ? [toOklab(mean)] : []), ...taken.map((index) => colors[index])];
    const least = colors.map((color, index) => (taken.includes(index) ? -1 : Math.min(Infinity, ...others.map((other) => distance(color, other)))));
    chosen.push(least.indexOf(Math.max(...least)));
  }
  return chosen;
}

/** The least distance of two colours over all visions.
 * @param {Crt.RGB[]} one
 * @param {Crt.RGB[]} other
 */
const distance = (one, other) => Math.min(...one.map((a, i) => Math.hypot(a[0] - other[i][0], a[1] - other[i][1], a[2] - other[i][2])));

/** The mean colour of an image where a mask is set, null for an empty mask.
 * @param {Uint8ClampedArray} pixels RGBA, a pixel for each point of the mask
 * @param {Crt.Mask} mask
 * @returns {Crt.RGB | null}
 */
export function meanColor(pixels, mask) {
  /** @type {Crt.RGB} */
  const sum = [0, 0, 0];
  let count = 0;
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) continue;
    count++;
    for (let c = 0; c < 3; c++) sum[c] += pixels[4 * i + c];
  }
  return count ? [sum[0] / count, sum[1] / count, sum[2] / count] : null;
}

/** The colours of classes of the run on the page, each class's mean colour measured once. */
export function createMaskColors() {
  /** @type {{ run: string, pixels: Uint8ClampedArray, means: Map<number, Crt.RGB | null> } | null} */
  let known = null;

  /** Indices into LABEL_COLORS by class; classes added at the end change none before.
   * @param {Crt.State} state
   * @param {Crt.View} view
   * @param {number[]} classes
   * @returns {Map<number, number>}
   */
  return (state, view, classes) => {
    const kept = known?.run === view.run.run ? known : { run: view.run.run, pixels: pixelsOf(view.image), means: new Map() };
    known = kept;
    const means = classes.map((index) => {
      const mean = kept.means.has(index) ? kept.means.get(index) ?? null : meanColor(kept.pixels, defaultMask(state, view, index));
      kept.means.set(index, mean);
      return mean;
    });
    const chosen = chooseColors(means);
    return new Map(classes.map((index, k) => [index, chosen[k]]));
  };
}

/** The image on the points of the page's grid, RGBA.
 * @param {HTMLImageElement} image
 */
function pixelsOf(image) {
  const [h, w] = gridSize(image.naturalWidth, image.naturalHeight);
  const context = contextOf(new OffscreenCanvas(w, h));
  context.drawImage(image, 0, 0, w, h);
  return context.getImageData(0, 0, w, h).data;
}

/** Where a class's map, made with the checkpoint's defaults, is above their threshold.
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @param {number} index
 * @returns {Crt.Mask}
 */
function defaultMask(state, { run, prediction, image }, index) {
  const [h, w] = gridSize(image.naturalWidth, image.naturalHeight);
  const { threshold, ...own } = run.defaults;
  const method = run.methods.includes('crt') ? 'crt' : run.methods[0];
  const { map, contentSize, max } = currentMap({ ...state, classes: [index] }, prediction, method, pick(own, ['loops', 'refined', 'blocks', 'pass_reduction']));
  return Uint8Array.from(upsample(map, contentSize, h, w).data, (value) => (max > 0 && aboveThreshold(value, threshold * max) ? 1 : 0));
}
