// What a panel's canvas is drawn from, so that a panel whose inputs are the same as before stays as it is; and what was made of
// a map last, so that a change of the threshold neither interpolates nor colours it again.

/** The values that decide what a panel shows, in the order in which they are drawn: two lists of equal values give the same
 *  pixels. `facts`: what `measure` gave for each scale; `about`: size of the canvas, pixels of a canvas for one of CSS, width of
 *  lines, whether the maps are hidden (`bare`), and the overlays, none where the image is shown alone.
 * @param {Crt.PanelSpec} spec
 * @param {Crt.MapFacts[]} facts
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @param {{ width: number, height: number, pixel: number, line: number, bare: boolean, overlays: Crt.PanelOverlay[] }} about
 * @returns {unknown[]}
 */
export function paintInputs(spec, facts, state, view, { width, height, pixel, line, bare, overlays }) {
  const { zoom } = state;
  return [view.image, width, height, pixel, line, zoom.k, zoom.x, zoom.y, spec.layers.length, ...spec.layers.flatMap((layer) => {
    const { box } = facts[spec.scales.findIndex((one) => one === layer)] ?? {};
    return [
      layer.from, layer.to, ...(layer.shown && !bare ? mapInputs({ ...layer, shown: layer.shown }, state) : ['']), box && !bare ? box.join() : '',
      ...overlays.flatMap(({ key }) => ['overlay', ...key({ method: layer.method, classes: layer.classes, state, view, width, height, pixel })]),
    ];
  })];
}

/** The values that decide how `drawMap` draws a layer: the threshold only where something is drawn at it.
 * @param {{ shown: Crt.Scaled, range: number, signed: boolean }} layer
 * @param {Crt.State} state
 */
function mapInputs({ shown, range, signed }, { threshold, outline, overlay, opacity, colormap, cells }) {
  const outlined = outline && !signed;
  const masked = overlay === 'mask' && !signed;
  return [shown.map.data, shown.contentSize.join(), shown.max, range, signed, overlay, opacity, cells, outlined, outlined || masked ? threshold : '', signed || masked ? '' : colormap];
}

/** Which of several things have to be drawn: `changed(thing, inputs)` is true at first and whenever the inputs are others. */
export function createRepaint() {
  /** @type {WeakMap<object, unknown[]>} */
  const drawn = new WeakMap();
  return {
    /**
     * @param {object} thing
     * @param {unknown[]} inputs
     */
    changed(thing, inputs) {
      const before = drawn.get(thing);
      drawn.set(thing, inputs);
      return !before || before.length !== inputs.length || inputs.some((one, i) => !Object.is(one, before[i]));
    },
  };
}

/** What was made of an object last: `of(object, key, make)` gives it again while the key stays. The objects that were not used
 *  for longest are let go beyond `limit`.
 * @param {number} limit
 */
export function createLast(limit) {
  /** @type {Map<object, { key: string, value: any }>} */
  const kept = new Map(); // in the order of their use
  return {
    /**
     * @template T
     * @param {object} object
     * @param {string} key
     * @param {() => T} make
     * @returns {T}
     */
    of(object, key, make) {
      const known = kept.get(object);
      const value = known?.key === key ? known.value : make();
      kept.delete(object);
      kept.set(object, { key, value });
      if (kept.size > limit) kept.delete(/** @type {object} */ (kept.keys().next().value));
      return value;
    },
  };
}

/** @type {WeakMap<object, number>} */
const numbers = new WeakMap();
let counted = 0;

/** The number of an object, the same for the same object; 0 for none. Numbers make a part of a key.
 * @param {object | null | undefined} object
 */
export function numberOf(object) {
  if (!object) return 0;
  const number = numbers.get(object) ?? ++counted;
  numbers.set(object, number);
  return number;
}
