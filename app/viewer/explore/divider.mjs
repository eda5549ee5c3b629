// The divider of the swipe view: drawn along with the pointer or moved with the keys, as a slider from 0 to 100.

import { make } from '../core/dom.mjs';

const clamp = (/** @type {number} */ value) => Math.min(1, Math.max(0, value));

/** Where a key moves the divider from `split`, or null if it is none of ours.
 * @param {number} split
 * @param {string} key
 */
export function keySplit(split, key) {
  /** @type {Record<string, number>} */
  const steps = { ArrowLeft: -0.02, ArrowDown: -0.02, ArrowRight: 0.02, ArrowUp: 0.02, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 };
  return Object.hasOwn(steps, key) ? clamp(split + steps[key]) : null;
}

/** { node, show(state, spec) }; `data-own` keeps its pointers from panning the map below.
 * @param {Crt.Store} store
 */
export function createDivider(store) {
  const letters = [make('span', { class: 'left', 'aria-hidden': 'true' }), make('span', { class: 'right', 'aria-hidden': 'true' })];
  /** @type {HTMLElement} */
  const node = make('div', {
    class: 'divider', role: 'slider', tabindex: '0', 'data-own': 'yes', 'aria-label': 'Divider between A and B', 'aria-orientation': 'horizontal',
    'aria-valuemin': '0', 'aria-valuemax': '100', hidden: true,
  }, [make('i', { 'aria-hidden': 'true' }), ...letters]);
  const set = (/** @type {number} */ split) => store.set({ compare: { ...store.get().compare, split: clamp(split) } });
  node.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    node.setPointerCapture(event.pointerId);
    event.preventDefault();
    node.focus({ preventScroll: true });
  });
  node.addEventListener('pointermove', (event) => {
    if (!node.hasPointerCapture(event.pointerId)) return;
    const box = /** @type {HTMLElement} */ (node.parentElement).getBoundingClientRect();
    set((event.clientX - box.left) / box.width);
  });
  node.addEventListener('keydown', (event) => {
    const split = keySplit(store.get().compare.split, event.key);
    if (split === null) return;
    event.preventDefault();
    event.stopPropagation();
    set(split);
  });
  return {
    node,
    /**
     * @param {Crt.State} state
     * @param {Crt.PanelSpec} spec
     */
    show({ compare: { view, split } }, { scales }) {
      node.hidden = view !== 'swipe';
      if (node.hidden) return;
      node.style.left = `${100 * split}%`;
      node.style.setProperty('--split', String(split));
      node.setAttribute('aria-valuenow', String(Math.round(100 * split)));
      node.setAttribute('aria-valuetext', `${Math.round(100 * split)} %: ${scales[0].title} at the left, ${scales[1].title} at the right`);
      letters.forEach((letter, i) => { letter.textContent = scales[i].name; });
    },
  };
}
