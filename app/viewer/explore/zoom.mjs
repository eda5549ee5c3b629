// Zoom and pan, which all panels share: { k, x, y }, the magnification and the point of the image in the middle of a
// panel. A point is x, y from 0 to 1 of the image; a screen point from 0 to 1 of the panel's canvas.

export const MAX_ZOOM = 16;
const ZOOM_FACTOR = 1.5; // of one key or button
const PAN_STEP = 0.1; // of the panel's side, for one arrow key
/** @type {Record<string, Crt.Size>} */
const PANS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }; // directions in which keys move the image
/** @type {Record<string, number>} */
const CLICK_SLACK_PX = { mouse: 4, pen: 6, touch: 10 }; // CSS pixels that a click may wander
const clamp = (/** @type {number} */ value, /** @type {number} */ low, /** @type {number} */ high) => Math.min(high, Math.max(low, value));

/** The nearest zoom that shows nothing beside the image.
 * @param {{ k: number, x?: number, y?: number }} zoom
 * @returns {Crt.Zoom}
 */
export function tidy({ k, x = 0.5, y = 0.5 }) {
  const most = clamp(Number.isFinite(k) ? k : 1, 1, MAX_ZOOM);
  const half = 0.5 / most;
  const inside = (/** @type {number} */ value) => clamp(Number.isFinite(value) ? value : 0.5, half, 1 - half);
  return { k: most, x: inside(x), y: inside(y) };
}

/** What is seen of the image: { left, top, size }, the size as a share of its sides.
 * @param {Crt.Zoom} zoom
 */
export function windowOf(zoom) {
  const { k, x, y } = tidy(zoom);
  return { left: x - 0.5 / k, top: y - 0.5 / k, size: 1 / k };
}

/** Point of the image -> screen point; below 0 or above 1 if it is out of sight.
 * @param {Crt.Point} point
 * @param {Crt.Zoom} zoom
 * @returns {Crt.Point}
 */
export function toScreen({ x, y }, zoom) {
  const { left, top, size } = windowOf(zoom);
  return { x: (x - left) / size, y: (y - top) / size };
}

/** Screen point -> point of the image.
 * @param {Crt.Point} point
 * @param {Crt.Zoom} zoom
 * @returns {Crt.Point}
 */
export function fromScreen({ x, y }, zoom) {
  const { left, top, size } = windowOf(zoom);
  return { x: left + x * size, y: top + y * size };
}

/** Where a pointer is on the image; below 0 or above 1 beside it. `stageCanvas`: the canvas that shows the zoom.
 * @param {Element} stageCanvas
 * @param {Pick<MouseEvent, 'clientX' | 'clientY'>} event
 * @param {Crt.Zoom} zoom
 */
export function pointOf(stageCanvas, event, zoom) {
  return fromScreen(screenOf(stageCanvas, event), zoom);
}

/**
 * @param {Element} canvas
 * @param {Pick<MouseEvent, 'clientX' | 'clientY'>} event
 * @returns {Crt.Point}
 */
function screenOf(canvas, event) {
  const box = canvas.getBoundingClientRect();
  return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
}

/** Magnified by `factor` while `point` stays where it is on the screen, as far as the image's edges allow.
 * @param {Crt.Zoom} zoom
 * @param {Crt.Point} point
 * @param {number} factor
 */
export function zoomAt(zoom, point, factor) {
  const now = tidy(zoom);
  const k = clamp(now.k * factor, 1, MAX_ZOOM);
  const move = (/** @type {number} */ middle, /** @type {number} */ at) => at + ((middle - at) * now.k) / k;
  return tidy({ k, x: move(now.x, point.x), y: move(now.y, point.y) });
}

/** The image moved under the panel, by shares of the panel's sides: what was at the left comes into sight with x > 0.
 * @param {Crt.Zoom} zoom
 * @param {number} dx
 * @param {number} dy
 */
export function panBy(zoom, dx, dy) {
  const now = tidy(zoom);
  return tidy({ k: now.k, x: now.x - dx / now.k, y: now.y - dy / now.k });
}

/** From now on the context draws in coordinates of the image, 0 to 1. Lines come out even if the path is stroked after
 *  `context.resetTransform()`.
 * @param {Crt.Context} context
 * @param {Crt.Zoom} zoom
 */
export function toImage(context, zoom) {
  const { width, height } = context.canvas;
  const { left, top, size } = windowOf(zoom);
  context.setTransform(width / size, 0, 0, height / size, (-left * width) / size, (-top * height) / size);
}

/** What a key does to the zoom, or null: + and - and 0, and arrows with Shift. `point` stays where it is.
 * @param {Crt.Zoom} zoom
 * @param {{ key: string, shiftKey?: boolean, ctrlKey?: boolean, metaKey?: boolean, altKey?: boolean }} event
 * @param {Crt.Point} point
 * @returns {Crt.Zoom | null}
 */
export function keyZoom(zoom, { key, shiftKey, ctrlKey, metaKey, altKey }, point) {
  if (ctrlKey || metaKey || altKey) return null; // the browser's own zoom
  if (key === '+' || key === '=') return zoomAt(zoom, point, ZOOM_FACTOR);
  if (key === '-' || key === '_') return zoomAt(zoom, point, 1 / ZOOM_FACTOR);
  if (key === '0') return tidy({ k: 1 });
  const [dx, dy] = PANS[key] ?? [0, 0];
  return shiftKey && (dx || dy) ? panBy(zoom, PAN_STEP * dx, PAN_STEP * dy) : null;
}

/** How much a turn of the wheel magnifies. Pinching on a touchpad arrives as small turns with Ctrl.
 * @param {{ deltaY: number, deltaMode?: number, ctrlKey?: boolean }} event
 */
export function wheelFactor({ deltaY, deltaMode, ctrlKey }) {
  const pixels = deltaY * [1, 30, 300][deltaMode ?? 0];
  return Math.exp(ctrlKey ? -0.01 * clamp(pixels, -30, 30) : -0.003 * clamp(pixels, -100, 100));
}

/** Two fingers: the zoom they began with and their screen points then and now -> the zoom now.
 * @param {Crt.Zoom} zoom
 * @param {Crt.Point[]} before
 * @param {Crt.Point[]} now
 */
export function pinch(zoom, before, now) {
  const middle = (/** @type {Crt.Point[]} */ [a, b]) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
  const apart = (/** @type {Crt.Point[]} */ [a, b]) => Math.max(1e-3, Math.hypot(a.x - b.x, a.y - b.y));
  const [from, to] = [middle(before), middle(now)];
  const grown = zoomAt(zoom, fromScreen(from, zoom), apart(now) / apart(before));
  return panBy(grown, to.x - from.x, to.y - from.y);
}

/** Wheel, drag, pinch and click on a stage. `act`: { zoom(), set(zoom), drawing(), hover(point or null, event), pick(point) };
 *  while `drawing()` nothing is panned or picked. Children with data-own="yes" keep their pointers to themselves.
 * @param {HTMLElement} stage
 * @param {HTMLCanvasElement} canvas
 * @param {Crt.Gestures} act
 */
export function attachGestures(stage, canvas, act) {
  /** @type {Map<number, Crt.Point>} */
  const fingers = new Map(); // pointers that are down: id -> screen point
  /** @type {{ x: number, y: number, zoom: Crt.Zoom, still: boolean } | null} */
  let start = null; // { x, y, zoom, still } of the first pointer
  /** @type {{ zoom: Crt.Zoom, points: Crt.Point[] } | null} */
  let pair = null; // { zoom, points } when the second came down
  const own = (/** @type {Event} */ event) => event.target instanceof Element && event.target.closest('[data-own="yes"]');
  const point = (/** @type {MouseEvent} */ event) => pointOf(canvas, event, act.zoom());

  stage.addEventListener('wheel', (event) => {
    const wanted = event.ctrlKey || event.metaKey || document.activeElement === stage;
    const factor = wheelFactor({ deltaY: event.deltaY, deltaMode: event.deltaMode, ctrlKey: event.ctrlKey || event.metaKey });
    if (!wanted || (!event.ctrlKey && !event.metaKey && factor < 1 && act.zoom().k <= 1)) return; // the page scrolls
    event.preventDefault();
    act.set(zoomAt(act.zoom(), point(event), factor));
  }, { passive: false });
  stage.addEventListener('touchstart', (event) => event.touches.length > 1 && event.preventDefault(), { passive: false });

  stage.addEventListener('pointerdown', (event) => {
    if (own(event) || event.button !== 0) return;
    fingers.set(event.pointerId, screenOf(canvas, event));
    if (fingers.size === 1) start = { x: event.clientX, y: event.clientY, zoom: act.zoom(), still: true };
    if (fingers.size === 2) {
      pair = { zoom: act.zoom(), points: [...fingers.values()] };
      start = null;
    }
    act.hover(point(event), event);
  });
  stage.addEventListener('pointermove', (event) => {
    if (own(event)) return;
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, screenOf(canvas, event));
    if (pair && fingers.size === 2) {
      act.set(pinch(pair.zoom, pair.points, [...fingers.values()]));
      return;
    }
    if (start?.still) start.still = Math.hypot(event.clientX - start.x, event.clientY - start.y) <= (CLICK_SLACK_PX[event.pointerType] ?? 4);
    if (start && !start.still && start.zoom.k > 1 && !act.drawing()) {
      if (!stage.hasPointerCapture(event.pointerId)) stage.setPointerCapture(event.pointerId);
      const box = canvas.getBoundingClientRect();
      act.set(panBy(start.zoom, (event.clientX - start.x) / box.width, (event.clientY - start.y) / box.height));
      return;
    }
    act.hover(point(event), event);
  });
  stage.addEventListener('pointerup', (event) => {
    const clicked = start?.still && fingers.size === 1 && fingers.has(event.pointerId) && !act.drawing();
    lift(event);
    if (clicked) act.pick(point(event));
  });
  stage.addEventListener('pointercancel', lift);
  stage.addEventListener('pointerleave', (event) => {
    lift(event);
    if (event.pointerType !== 'touch') act.hover(null, event); // after a touch the crosshair stays
  });

  /** @param {PointerEvent} event */
  function lift(event) {
    fingers.delete(event.pointerId);
    start = null;
    if (fingers.size < 2) pair = null;
  }
}
