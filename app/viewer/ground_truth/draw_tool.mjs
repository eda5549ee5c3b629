// Ground truth drawn on the maps: a box or a polygon, by pointer, finger or keyboard. What is being drawn is shown on all
// maps by lines of their own above the canvases, so that no map is drawn anew while a pointer moves; the first corner, where
// a polygon closes, has a ring around it.

import { percent } from '../core/dom.mjs';
import { fillRings, shapesOf, withShapes } from './ground_truth.mjs';
import { pointOf, toScreen } from '../explore/zoom.mjs';

const SVG = 'http://www.w3.org/2000/svg';
const SNAP_PX = 10; // CSS pixels within which two points are the same
const DRAG_MIN_PX = 6; // CSS pixels beyond which a press is a drag
const MAX_CORNERS = 200; // corners of a polygon
const COVER_POINTS = 200; // points a side on which a shape must fill at least one
const NAMES = { box: 'box', polygon: 'polygon' };
const HOW = { box: 'drag, or set two corners', polygon: 'set its corners, and the first again to close it' };
const TOOLS = /** @type {('box' | 'polygon')[]} */ (Object.keys(NAMES));
const clamp = (/** @type {number} */ value) => Math.min(1, Math.max(0, value));

/** The four corners of the box between two points.
 * @param {Crt.Point} a
 * @param {Crt.Point} b
 * @returns {Crt.Ring}
 */
export const rectangle = (a, b) => [[a.x, a.y], [b.x, a.y], [b.x, b.y], [a.x, b.y]];

/** @typedef {{ points: Crt.Point[], shape: Crt.Ring | null }} Drawing */

/** A point that has been set: { points, shape }, what is under way and the closed shape or null. `near(a, b)`: whether two points are
 *  one. A polygon closes at its first point, or at its last set twice.
 * @param {string} tool
 * @param {Crt.Point[]} points
 * @param {Crt.Point} point
 * @param {(a: Crt.Point, b: Crt.Point) => boolean} near
 * @returns {Drawing}
 */
export function setPoint(tool, points, point, near) {
  const next = [...points, point];
  if (tool === 'box') return points.length ? { points: [], shape: rectangle(points[0], point) } : { points: next, shape: null };
  const again = points.length > 0 && near(point, points[points.length - 1]);
  if (points.length >= MAX_CORNERS || (points.length > 2 && (again || near(point, points[0])))) return closed(points);
  return { points: again ? points : next, shape: null };
}

/** The polygon through these points, if they are three or more.
 * @param {Crt.Point[]} points
 * @returns {Drawing}
 */
export function closed(points) {
  return points.length > 2 ? { points: [], shape: points.map(({ x, y }) => [x, y]) } : { points, shape: null };
}

/** The share of the image inside a shape; 0 for one too thin to be seen.
 * @param {Crt.Ring} shape
 */
export function covers(shape) {
  const inside = fillRings([shape], COVER_POINTS, COVER_POINTS);
  return inside.reduce((sum, value) => sum + value, 0) / inside.length;
}

/** @param {Crt.Page} page */
export function mountDrawTool({ at, store, current, panelGrid, onDraw, announce }) {
  /** @type {Crt.Point[]} */
  let points = []; // set so far
  /** @type {Crt.Point | null} */
  let hover = null; // where the next would be
  /** @type {{ id: number, x: number, y: number, moved: boolean, from?: Crt.Point } | null} */
  let press = null; // { id, x, y, moved } of the pointer that is down
  let subject = ''; // what is drawn on: tool, image and class
  /** @type {Set<number>} */
  const fingers = new Set();
  /** @type {HTMLElement} */
  const maps = at('panels');
  const labelOf = (/** @type {Crt.State} */ state) => current().run.classes[state.classes[state.classes.length - 1]];
  const note = (/** @type {string} */ text) => { at('ground-truth-note').textContent = text; };

  for (const tool of TOOLS) {
    at(`ground-truth-${tool}`).addEventListener('click', (/** @type {MouseEvent} */ event) => {
      const drawing = store.get().drawing === tool ? null : tool;
      store.set({ drawing, tab: 'explore' });
      note(drawing ? hint(drawing, labelOf(store.get())) : '');
      if (drawing && event.detail === 0) /** @type {HTMLElement | null} */ (maps.querySelector('.stage'))?.focus(); // chosen with the keyboard
    });
  }
  at('ground-truth-close').addEventListener('click', () => finish(closed(points)));
  at('ground-truth-undo').addEventListener('click', undo);
  at('draw-tools').addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    if (event.key === 'Escape' && store.get().drawing) cancel();
  });
  onDraw((state, { run }) => {
    const now = [state.drawing, run.imageId, labelOf(state), state.tab].join('/');
    if (now !== subject) reset(now);
    for (const tool of TOOLS) at(`ground-truth-${tool}`).setAttribute('aria-pressed', state.drawing === tool ? 'true' : 'false');
    at('draw-tools').dataset.drawing = state.drawing ? 'yes' : 'no';
    at('draw-subject').textContent = state.drawing ? `${labelOf(state)}: ${HOW[/** @type {'box' | 'polygon'} */ (state.drawing)]}` : '';
    buttons(state, run);
    sketch();
  });

  /**
   * @template {Event} E
   * @param {string} name
   * @param {(event: E, stage: HTMLElement) => void} use
   */
  const listen = (name, use) => maps.addEventListener(name, (event) => {
    const { target } = event;
    const stage = target instanceof Element ? /** @type {HTMLElement | null} */ (target.closest('.stage')) : null;
    if (stage && store.get().drawing && !(/** @type {Element} */ (target).closest('[data-own="yes"]'))) use(/** @type {E} */ (event), stage);
  }, true); // before the panels' own listeners
  listen('pointerdown', (/** @type {PointerEvent} */ event, stage) => {
    fingers.add(event.pointerId);
    press = event.button === 0 && fingers.size === 1 ? { id: event.pointerId, x: event.clientX, y: event.clientY, moved: false } : null; // two fingers zoom
    if (!press) return;
    stage.setPointerCapture(event.pointerId);
    if (store.get().drawing === 'box' && !points.length) press.from = pointAt(event, stage);
  });
  listen('pointermove', (/** @type {PointerEvent} */ event, stage) => {
    if (press) press.moved ||= Math.hypot(event.clientX - press.x, event.clientY - press.y) > DRAG_MIN_PX;
    if (press?.moved && press.from && !points.length) points = [press.from];
    hover = event.pointerType === 'touch' && !press?.from ? null : pointAt(event, stage);
    sketch();
  });
  listen('pointerup', (/** @type {PointerEvent} */ event, stage) => {
    fingers.delete(event.pointerId);
    if (press?.id !== event.pointerId) return;
    press = null;
    const point = pointAt(event, stage);
    setTimeout(() => put(point, stage)); // after the panel's own listeners, for whom this is no click while the tool is on
  });
  for (const name of ['pointercancel', 'pointerleave']) {
    listen(name, (/** @type {PointerEvent} */ event) => {
      if (name === 'pointercancel') fingers.delete(event.pointerId);
      hover = null;
      if (name === 'pointercancel' && press) cancel();
      sketch();
    });
  }
  listen('keydown', (/** @type {KeyboardEvent} */ event, stage) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const cursor = panelGrid.cursor();
    if (event.key === 'Escape') cancel();
    else if (event.key === 'Backspace') undo();
    else if (event.key === 'Enter' && cursor) put(cursor, stage);
    else {
      requestAnimationFrame(() => { // when the crosshair has moved
        hover = panelGrid.cursor();
        sketch();
      });
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });

  /**
   * @param {PointerEvent} event
   * @param {HTMLElement} stage
   */
  function pointAt(event, stage) {
    const { x, y } = pointOf(canvasOf(stage), event, store.get().zoom);
    return { x: clamp(x), y: clamp(y) };
  }

  /**
   * @param {Crt.Point} point
   * @param {HTMLElement} stage
   */
  function put(point, stage) {
    const { zoom, drawing } = store.get();
    if (!drawing) return;
    const box = canvasOf(stage).getBoundingClientRect();
    const near = (/** @type {Crt.Point} */ a, /** @type {Crt.Point} */ b) => Math.hypot((a.x - b.x) * box.width, (a.y - b.y) * box.height) * zoom.k < SNAP_PX;
    const next = setPoint(drawing, points, point, near);
    if (!next.shape && next.points.length > points.length) announce(drawing === 'box' ? 'First corner' : `Corner ${next.points.length}`);
    finish(next);
  }

  /** @param {Drawing} drawn */
  function finish({ points: rest, shape }) {
    const state = store.get();
    points = rest;
    hover = null;
    const { run } = current();
    if (shape && state.drawing) {
      const label = labelOf(state);
      const share = covers(shape);
      note(share ? `A ${state.drawing} for ${label} was drawn, ${percent(share)} of the image.` : 'That shape is too small: draw a larger one.');
      const round = shape.map((corner) => /** @type {[number, number]} */ (corner.map((value) => Number(value.toFixed(4)))));
      if (share) store.set({ drawing: null, ground_truth: true, drawn: withShapes(state, run, [...shapesOf(state, run), { label, polygon: round }]) });
    }
    buttons(store.get(), run);
    sketch();
  }

  /** The last point away, or, if nothing is under way, the last shape of the chosen classes. */
  function undo() {
    const state = store.get();
    const { run } = current();
    if (points.length) {
      points = points.slice(0, -1);
      finish({ points, shape: null });
      return;
    }
    const shapes = shapesOf(state, run);
    const last = lastOf(state, run);
    if (last) store.set({ drawn: withShapes(state, run, shapes.filter((shape) => shape !== last)) });
  }

  function cancel() {
    if (!points.length && !press) store.set({ drawing: null });
    note(points.length || press ? 'Shape discarded.' : '');
    press = null;
    finish({ points: [], shape: null });
  }

  /** @param {string} now */
  function reset(now) {
    [points, hover, press, subject] = [[], null, null, now];
    fingers.clear();
  }

  /**
   * @param {Crt.State} state
   * @param {Crt.Run} run
   */
  function buttons(state, run) {
    at('ground-truth-close').hidden = state.drawing !== 'polygon';
    at('ground-truth-close').disabled = points.length < 3;
    at('ground-truth-undo').hidden = !points.length && !lastOf(state, run);
  }

  /**
   * @param {Crt.State} state
   * @param {Crt.Run} run
   */
  function lastOf(state, run) {
    const labels = state.classes.map((index) => run.classes[index]);
    return shapesOf(state, run).findLast((shape) => labels.includes(shape.label));
  }

  /** The lines of what is under way, on every map. */
  function sketch() {
    const { zoom, drawing } = store.get();
    const corners = drawing === 'box' && points.length && hover ? rectangle(points[0], hover).map(([x, y]) => ({ x, y })) : [...points, ...(points.length && hover ? [hover] : [])];
    const screen = (/** @type {Crt.Point} */ point) => Object.values(toScreen(point, zoom)).map((value) => (100 * value).toFixed(2)).join(' ');
    const line = corners.length ? `M${corners.map(screen).join('L')}${drawing === 'box' ? 'Z' : ''}` : '';
    const [first = '', ...others] = points.map((point) => `M${screen(point)}h0`);
    /** @type {Record<string, string>} */
    const paths = { dark: line, bright: line, first, core: first, dots: [first, ...others].join('') };
    for (const stage of maps.querySelectorAll('.stage')) {
      const own = stage.querySelector('.sketch') ?? (line ? stage.appendChild(sketchPad()) : null);
      for (const path of own?.querySelectorAll('path') ?? []) path.setAttribute('d', paths[path.getAttribute('class') ?? '']);
    }
  }
}

const canvasOf = (/** @type {HTMLElement} */ stage) => /** @type {HTMLCanvasElement} */ (stage.querySelector('canvas'));

function sketchPad() {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'sketch');
  svg.setAttribute('viewBox', '0 0 100 100');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('aria-hidden', 'true');
  svg.append(...['dark', 'bright', 'first', 'core', 'dots'].map((name) => {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('class', name);
    path.setAttribute('vector-effect', 'non-scaling-stroke');
    return path;
  }));
  return svg;
}

/**
 * @param {'box' | 'polygon'} tool
 * @param {string} label
 */
function hint(tool, label) {
  return `Drawing a ${NAMES[tool]} for ${label} on any map: ${HOW[tool]}. Keyboard: arrows move the crosshair, Enter sets a corner, Backspace takes it back, Escape ends.`;
}
