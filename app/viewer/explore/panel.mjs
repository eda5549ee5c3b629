// One panel: its elements, and the words and numbers around its canvas.

import { overlap } from '../maths/iou.mjs';
import { figure } from '../maths/numbers.mjs';
import { largestBox } from '../maths/components.mjs';
import { SIGNED, gradient } from '../maths/colormaps.mjs';
import { make, setText } from '../core/dom.mjs';
import { UNIT_NAMES } from '../core/constants.mjs';

const ROWS = 2; // colour bars a panel may need: two maps in one

/** The accessible name of a stage with its keys.
 * @param {string} label of the map
 * @param {string} enter what the key Enter does
 */
const stageLabel = (label, enter) => `${label}: arrow keys move a crosshair, plus, minus and 0 zoom, Shift with arrows pans, Enter ${enter}`;

/** The elements of a panel. `label`: its accessible name; `close`: called by its close button, if any.
 * @param {string} name
 * @param {string} label
 * @param {(() => void) | null} [close]
 * @returns {Crt.Panel}
 */
export function buildPanel(name, label, close = null) {
  const span = (/** @type {string} */ kind) => /** @type {HTMLElement} */ (make('span', { class: kind }));
  const rows = Array.from({ length: ROWS }, () => {
    const row = { name: span('name'), bar: span('ramp'), tick: span('tick'), low: span('low'), high: span('high'), unit: span('unit'), value: span('value') };
    /** @type {HTMLElement} */
    const node = make('div', { class: 'scale', hidden: true }, [
      row.name, make('span', { class: 'rampbox', 'aria-hidden': 'true' }, [row.bar, row.tick]), row.low, row.unit, row.value, row.high,
    ]);
    return { ...row, node };
  });
  const panel = /** @type {Crt.Panel} */ ({
    key: name, rows, spec: /** @type {Crt.PanelSpec | null} */ (null),
    canvas: make('canvas', { class: 'map', role: 'img', 'data-method': name }),
    cross: make('canvas', { class: 'cross', 'aria-hidden': 'true' }),
    title: make('h3'), note: span('note'), iou: span('iou'), score: make('span', { class: 'score', title: 'probability of the class, by this network' }),
    empty: make('p', { class: 'none', hidden: true }), box: make('p', { class: 'box', hidden: true }),
    retry: make('button', { type: 'button', class: 'plain', text: 'Try again', hidden: true, on: { click: () => panel.spec?.retry?.() } }),
  });
  const head = [panel.title, panel.note, panel.iou, panel.score];
  if (close) head.push(make('button', { type: 'button', class: 'close', text: '×', 'aria-label': 'Close panel', on: { click: close } }));
  panel.stage = make('div', {
    class: 'stage', tabindex: '0', role: 'application', 'aria-roledescription': 'map',
    'aria-label': stageLabel(label, 'picks the point'),
  }, [panel.canvas, panel.cross, panel.empty]);
  panel.node = make('article', { class: `panel ${name === 'added_panel' ? 'more' : name}` }, [make('header', {}, head), panel.stage, panel.retry, ...rows.map((row) => row.node), panel.box]);
  return panel;
}

/** Fill an element with the colours of a colour map, from left to right.
 * @param {HTMLElement} node
 * @param {string} colormap
 */
export function setColors(node, colormap) {
  if (node.dataset.colors === colormap) return;
  node.dataset.colors = colormap;
  node.style.background = `linear-gradient(to right, ${gradient(colormap)})`;
}

/** Canvases with the pixels of the screen, where the panel has a size. Returns whether it has.
 * @param {Crt.Panel} panel
 * @param {number} aspect
 * @param {number} pixel
 */
export function fit(panel, aspect, pixel, most = 2000) {
  if (panel.stage.dataset.aspect !== String(aspect)) {
    panel.stage.dataset.aspect = String(aspect);
    panel.stage.style.aspectRatio = String(aspect);
  }
  const { width: wide, height: high } = panel.canvas.getBoundingClientRect();
  if (!wide || !high) return false;
  const factor = Math.min(pixel, most / Math.max(wide, high));
  const [width, height] = [wide, high].map((side) => Math.max(1, Math.round(side * factor)));
  for (const canvas of [panel.canvas, panel.cross]) {
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  }
  return true;
}

/** What is measured of a map on the whole image, whatever is in sight: { iou, box }, each null where there is none.
 *  `upsampled`: the interpolated map; the box is [x0, y0, x1, y1] from 0 to 1.
 * @param {Crt.Values} upsampled
 * @param {number} level
 * @param {Pick<Crt.GroundTruth, 'complete' | 'raster' | 'ignore'>} truth
 * @param {boolean} boxes
 * @returns {Crt.MapFacts}
 */
export function measure(upsampled, level, truth, boxes) {
  const inside = level > 0;
  const raster = inside && truth.complete ? truth.raster(upsampled.h, upsampled.w) : null;
  const box = inside && boxes ? largestBox(upsampled, level) : null;
  return {
    iou: raster ? overlap(upsampled.data, level, raster, truth.ignore(upsampled.h, upsampled.w)) : null,
    box: box && [box[0] / upsampled.w, box[1] / upsampled.h, box[2] / upsampled.w, box[3] / upsampled.h],
  };
}

/** A box in pixels of an image of this size, in words.
 * @param {Crt.Box} box
 * @param {Crt.Size} size
 */
export function boxWords([x0, y0, x1, y1], [height, width]) {
  const [a, b, c, d] = [x0 * width, y0 * height, x1 * width, y1 * height].map(Math.round);
  return `Box: x ${a} to ${c}, y ${b} to ${d} px (${c - a} × ${d - b})`;
}

/** Write the caption of a spec: title, note, score, colour bars, boxes. `facts`: what `measure` gave, for each scale.
 * @param {Crt.Panel} panel
 * @param {Crt.PanelSpec} spec
 * @param {Crt.State} state
 * @param {Crt.Run} run
 * @param {Crt.MapFacts[]} facts
 */
export function caption(panel, spec, state, run, facts) {
  panel.spec = spec;
  setText(panel.title, spec.title);
  if (spec.choice) panel.stage.setAttribute('aria-label', stageLabel(spec.title, 'shows this class by all networks'));
  setText(panel.note, spec.note);
  if (panel.note.title !== spec.note) panel.note.title = spec.note;
  setText(panel.score, spec.score);
  const many = spec.scales.length > 1;
  const ious = facts.map(({ iou }, i) => (iou === null ? '' : `${many ? `${spec.scales[i].letter} ` : ''}${Math.round(100 * iou)} %`)).filter(Boolean);
  setText(panel.iou, ious.length ? `IoU ${ious.join(', ')}` : '');
  panel.rows.forEach((row, i) => {
    const layer = spec.scales[i];
    row.node.hidden = !layer;
    if (layer) scale(row, layer, state, many);
  });
  const boxes = facts.map(({ box }, i) => box && `${many ? `${spec.scales[i].letter} ` : ''}${boxWords(box, run.source)}`).filter(Boolean);
  setText(panel.box, boxes.join('; '));
  panel.box.hidden = !boxes.length;
  setText(panel.empty, spec.empty);
  panel.empty.hidden = !spec.empty;
  panel.retry.hidden = !spec.retry;
  panel.canvas.setAttribute('aria-label', [spec.ariaLabel, panel.iou.textContent, ...boxes].filter(Boolean).join('. '));
}

/**
 * @param {Crt.ScaleRow} row
 * @param {Crt.MapLayer} layer
 * @param {Crt.State} state
 * @param {boolean} many
 */
function scale(row, { shown, range, signed, letter, title, ends }, state, many) {
  setText(row.name, many ? `${letter}: ${title}` : '');
  row.name.hidden = !many;
  row.node.classList.toggle('signed', signed);
  setColors(row.bar, signed ? SIGNED : state.colormap);
  setText(row.low, signed ? `${figure(-range).replace('-', '−')} ${ends[0]}` : '0');
  setText(row.high, signed ? `${ends[1]} +${figure(range)}` : figure(range));
  setText(row.unit, UNIT_NAMES[shown.unit]);
  const level = state.threshold * shown.max;
  row.tick.style.left = signed ? '50%' : `${range > 0 ? Math.min(100, (100 * level) / range) : 0}%`;
  row.tick.hidden = !(shown.max > 0);
}
