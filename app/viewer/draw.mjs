// Canvas drawing: picture, heat, mask, outlines, crosshair.

import { colorize, overlap, upsample } from './arithmetic.mjs';
import { colorTable } from './colormaps.mjs';
import { contour } from './contour.mjs';

const GRID = 320; // points along the longer side on which a map is interpolated

/** Height and width of the grid for a picture of this size. */
export function gridSize(width, height) {
  const factor = GRID / Math.max(width, height);
  return [Math.max(1, Math.round(height * factor)), Math.max(1, Math.round(width * factor))];
}

/** Draw one panel: the picture and, if there is one, the map over it. Returns the interpolated map. */
export function drawPanel(canvas, picture, shown, state, range) {
  const context = canvas.getContext('2d');
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, 0, 0, width, height);
  if (!shown || !(shown.top > 0)) return null;
  const fine = upsample(shown.map, shown.span, ...gridSize(width, height));
  const level = state.threshold * shown.top;
  const pixels = state.overlay === 'mask' ? maskPixels(fine.data, level) : colorize(fine.data, range, colorTable(state.colormap));
  context.globalAlpha = state.opacity;
  context.drawImage(toCanvas(pixels, fine.w, fine.h), 0, 0, width, height);
  context.globalAlpha = 1;
  if (state.outline && level > 0) strokeSegments(context, contour(fine, level), width, height, '#ffffff', []);
  return fine;
}

/** Outline of a mask given as polygons of [x, y] from 0 to 1. */
export function drawTruth(canvas, polygons) {
  const context = canvas.getContext('2d');
  const { width, height } = canvas;
  const size = Math.max(1.5, Math.max(width, height) / 320);
  for (const [style, dash] of [['rgba(0,0,0,.85)', []], ['#ffd166', [4 * size, 3 * size]]]) {
    context.strokeStyle = style;
    context.lineWidth = style === '#ffd166' ? size : size * 2;
    context.setLineDash(dash);
    for (const polygon of polygons) {
      context.beginPath();
      for (const [x, y] of polygon) context.lineTo(x * width, y * height);
      context.closePath();
      context.stroke();
    }
  }
  context.setLineDash([]);
}

/** Polygons -> one byte per grid point, 1 inside; points of rings inside rings follow the even-odd rule. */
export function rasterize(polygons, height, width) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  context.beginPath();
  for (const polygon of polygons) {
    polygon.forEach(([x, y], i) => context[i ? 'lineTo' : 'moveTo'](x * width, y * height));
    context.closePath();
  }
  context.fill('evenodd');
  const { data } = context.getImageData(0, 0, width, height);
  return Uint8Array.from({ length: width * height }, (_, i) => (data[4 * i + 3] > 127 ? 1 : 0));
}

/** IoU of a panel's thresholded map with the drawn mask. */
export function panelOverlap(fine, level, polygons) {
  return overlap(fine.data, level, rasterize(polygons, fine.h, fine.w));
}

/** Crosshair on its own canvas, so that moving it redraws nothing else. */
export function drawCrosshair(canvas, place) {
  const context = canvas.getContext('2d');
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  if (!place) return;
  for (const [style, line] of [['rgba(0,0,0,.6)', 3], ['rgba(255,255,255,.95)', 1]]) {
    context.strokeStyle = style;
    context.lineWidth = (line * Math.max(width, height)) / 480;
    context.beginPath();
    context.moveTo(place.x * width, 0);
    context.lineTo(place.x * width, height);
    context.moveTo(0, place.y * height);
    context.lineTo(width, place.y * height);
    context.stroke();
  }
}

function maskPixels(values, level) {
  const rgba = new Uint8ClampedArray(values.length * 4);
  for (let i = 0; i < values.length; i++) rgba[4 * i + 3] = values[i] >= level && values[i] > 0 ? 0 : 255;
  return rgba;
}

function toCanvas(pixels, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext('2d').putImageData(new ImageData(pixels, width, height), 0, 0);
  return canvas;
}

function strokeSegments(context, segments, width, height, style, dash) {
  const size = Math.max(1.2, Math.max(width, height) / 380);
  for (const [color, line] of [['rgba(0,0,0,.75)', size * 2.2], [style, size]]) {
    context.strokeStyle = color;
    context.lineWidth = line;
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
