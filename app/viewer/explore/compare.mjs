// The view: maps side by side, two of them against each other, or a grid of classes. What A and B are, and the blink.

import { sideOf } from './shown_maps.mjs';
import { make } from '../core/dom.mjs';
import { UNIT_NAMES } from '../core/constants.mjs';
import { METHOD_TITLES, probableClasses } from '../core/store.mjs';

/** Changes a second, and how the rate is named.
 * @type {[number, string][]}
 */
export const BLINK_RATES = [[0.5, 'every 2 seconds'], [1, 'every second'], [2, 'twice a second']];
const MAX_BLINK_HZ = 3; // changes a second; what flashes faster can cause seizures (WCAG 2.3.1)
const SIDES = /** @type {('a' | 'b')[]} */ (['a', 'b']);
const AS_SET = ''; // a setting that follows the controls of the page

/** Milliseconds between two changes of the blink.
 * @param {unknown} rate
 */
export const blinkPause = (rate) => 1000 / Math.min(MAX_BLINK_HZ, Math.max(0.25, Number(rate) || 1));

/** A side with another method: its class stays, and so do loops and refinement of its own where the method has them.
 * @param {Crt.Side} side
 * @param {string} method
 * @param {Pick<Crt.Prediction, 'maxLoops' | 'isTransformer'>} prediction
 */
export function withMethod(side, method, prediction) {
  const { loops, refined } = side;
  /** @type {Crt.Side} */
  const own = { method };
  if (side.class !== undefined) own.class = side.class;
  if (loops !== undefined && prediction.maxLoops(method) > 0) own.loops = Math.min(loops, prediction.maxLoops(method));
  if (refined !== undefined && prediction.isTransformer(method)) own.refined = refined;
  return own;
}

/** A side with a setting of its own, or without it for `value` undefined.
 * @param {Crt.Side} side
 * @param {'loops' | 'refined' | 'class'} name
 * @param {number | boolean | string | undefined} value
 * @returns {Crt.Side}
 */
export function withOwn(side, name, value) {
  const { [name]: _, ...rest } = side;
  return value === undefined ? rest : { ...rest, [name]: value };
}

/** What raw values mean for two maps of these units.
 * @param {Crt.Unit[]} units
 */
export function rawWords([a, b]) {
  return a === b ? `Raw values are in ${UNIT_NAMES[a]}.` : `A is in ${UNIT_NAMES[a]}, B in ${UNIT_NAMES[b]}: without one unit for both, shares of their maxima are subtracted.`;
}

/** @param {Crt.Page} page */
export function mountCompare(page) {
  const { at, root, store, view, current, panelGrid, onDraw, onRun } = page;
  const still = window.matchMedia('(prefers-reduced-motion: reduce)');
  const set = (/** @type {Partial<Crt.State['compare']>} */ changes) => store.set({ compare: { ...store.get().compare, ...changes } });
  let stopped = still.matches; // whether the user has stopped the blink
  /** @type {{ id: ReturnType<typeof setInterval>, pause: number } | null} */
  let timer = null; // { id, pause } of the blink

  still.addEventListener('change', () => {
    stopped = still.matches;
    store.set({});
  });
  /** @type {NodeListOf<HTMLInputElement>} */
  const choices = root.querySelectorAll('input[name="crt-view"]');
  for (const choice of choices) {
    choice.addEventListener('change', () => {
      panelGrid.other = false;
      set({ view: choice.value });
    });
  }
  for (const key of SIDES) {
    at(`${key}-method`).addEventListener('change', (/** @type {Crt.InputEvent} */ event) => set({ [key]: withMethod(store.get().compare[key], event.target.value, current().prediction) }));
    at(`${key}-class`).addEventListener('change', (/** @type {Crt.InputEvent} */ { target }) => own(key, 'class', target.value === AS_SET ? undefined : current().run.classes[Number(target.value)]));
    at(`${key}-loops`).addEventListener('change', (/** @type {Crt.InputEvent} */ { target }) => own(key, 'loops', target.value === AS_SET ? undefined : Number(target.value)));
    at(`${key}-refined`).addEventListener('change', (/** @type {Crt.InputEvent} */ { target }) => own(key, 'refined', target.value === AS_SET ? undefined : target.value === '1'));
  }
  at('compare-turn').addEventListener('click', () => {
    const { a, b } = store.get().compare;
    set({ a: b, b: a });
  });
  at('blink-rate').replaceChildren(...BLINK_RATES.map(([value, text]) => make('option', { value, text })));
  at('blink-rate').addEventListener('change', (/** @type {Crt.InputEvent} */ event) => set({ rate: Number(event.target.value) }));
  at('difference-unit').addEventListener('change', (/** @type {Crt.InputEvent} */ event) => set({ unit: event.target.value }));
  at('blink-stop').addEventListener('click', () => {
    stopped = !stopped;
    store.set({});
  });
  at('blink-other').addEventListener('click', () => {
    turn();
    page.announce(panelGrid.shown()[0]?.spec.title ?? '');
  });
  document.addEventListener('visibilitychange', () => view() && run(store.get()));

  onRun((next) => {
    if (!next) {
      if (timer) clearInterval(timer.id);
      timer = null;
      return;
    }
    const { methods, maxLoops, classes } = next.run;
    const order = probableClasses(next.run);
    for (const key of SIDES) {
      at(`${key}-method`).replaceChildren(...methods.map((method) => make('option', { value: method, text: METHOD_TITLES[method] })));
      at(`${key}-loops`).replaceChildren(
        make('option', { value: AS_SET, text: 'as set' }), ...Array.from({ length: maxLoops + 1 }, (_, count) => make('option', { value: count, text: String(count) })),
      );
      at(`${key}-class`).replaceChildren(make('option', { value: AS_SET, text: 'as set' }), ...order.map((index) => make('option', { value: index, text: classes[index] })));
    }
  });
  onDraw((state, now) => {
    const { view: kind } = state.compare;
    root.dataset.view = kind;
    for (const choice of choices) choice.checked = choice.value === kind;
    at('compare-sides').hidden = kind === 'side' || kind === 'classes';
    at('class-grid-hint').hidden = kind !== 'classes';
    at('blink').hidden = kind !== 'blink';
    at('difference-unit-field').hidden = kind !== 'difference';
    at('difference-unit').value = state.compare.unit;
    at('difference-unit').title = rawWords(SIDES.map((key) => unitOf(state, key, now)));
    for (const key of SIDES) showSide(key, state, now);
    at('blink-rate').value = String(state.compare.rate);
    at('blink-stop').textContent = stopped ? 'Blink' : 'Pause';
    at('blink-stop').setAttribute('aria-label', stopped ? 'Start the blink' : 'Pause the blink');
    run(state);
  });

  /**
   * @param {'a' | 'b'} key
   * @param {'loops' | 'refined' | 'class'} name
   * @param {number | boolean | string | undefined} value
   */
  function own(key, name, value) {
    set({ [key]: withOwn(store.get().compare[key], name, value) });
  }

  /**
   * @param {'a' | 'b'} key
   * @param {Crt.State} state
   * @param {Crt.View} now
   */
  function showSide(key, { compare, added_panel }, now) {
    const { method, own: { classes } } = sideOf(compare[key], now.run, added_panel);
    const { loops, refined } = compare[key];
    at(`${key}-method`).value = method;
    at(`${key}-class`).value = classes === undefined ? AS_SET : String(classes[0]);
    at(`${key}-loops`).value = loops === undefined ? AS_SET : String(Math.min(loops, now.prediction.maxLoops(method)));
    at(`${key}-loops`).parentElement.hidden = now.prediction.maxLoops(method) === 0;
    at(`${key}-refined`).value = refined === undefined ? AS_SET : refined ? '1' : '0';
    at(`${key}-refined`).parentElement.hidden = !now.prediction.isTransformer(method);
  }

  /**
   * @param {Crt.State} state
   * @param {'a' | 'b'} key
   * @param {Crt.View} now
   * @returns {Crt.Unit}
   */
  function unitOf(state, key, now) {
    const { method, own: { refined = state.refined } } = sideOf(state.compare[key], now.run);
    return refined && now.prediction.isTransformer(method) ? 'product' : 'cam';
  }

  /** The blink runs where it can be seen and has not been stopped.
   * @param {Crt.State} state
   */
  function run({ tab, compare }) {
    const wanted = tab === 'explore' && compare.view === 'blink' && !stopped && !document.hidden;
    const pause = wanted ? blinkPause(compare.rate) : 0;
    if (pause === (timer?.pause ?? 0)) return;
    if (timer) clearInterval(timer.id);
    timer = wanted ? { id: setInterval(turn, pause), pause } : null;
  }

  function turn() {
    panelGrid.other = !panelGrid.other;
    panelGrid.draw();
  }
}
