// The list of scenes in the drawer: title, small image, and the order, which is changed by dragging, by arrow keys on the
// handle, or by buttons.

import { make } from '../core/dom.mjs';
import { TITLE_MAX_CHARS } from './scene_file.mjs';

/** Where a row that is dropped at `y` goes among the others, whose middles are given from top to bottom.
 * @param {number[]} middles
 * @param {number} y
 */
export const dropIndex = (middles, y) => middles.filter((middle) => middle < y).length;

/** What the list does: `move` by positions, negative for up.
 * @typedef {object} Acts
 * @property {(scene: Crt.Scene, title: string) => void} rename
 * @property {(scene: Crt.Scene, by: number) => void} move
 * @property {(scene: Crt.Scene) => void} show
 * @property {(scene: Crt.Scene) => void} remove
 */

/** A list in an element. Gives `draw(scenes)`, and `focus(index)`, which focuses the handle of a row.
 * @param {HTMLElement} host
 * @param {Acts} acts
 */
export function createSceneList(host, acts) {
  /** @type {Crt.Scene[]} */
  let scenes = [];

  /**
   * @param {Crt.Scene} scene
   * @param {number} index
   */
  function row(scene, index) {
    const button = (/** @type {string} */ text, /** @type {string} */ label, /** @type {() => void} */ act, disabled = false) => make('button', {
      type: 'button', class: 'plain', text, 'aria-label': `${label}: ${scene.title}`, title: label, disabled, on: { click: act },
    });
    const handle = make('button', {
      type: 'button', class: 'scene-handle', 'data-role': 'scene-handle', text: '⠿', title: 'Drag to order', 'aria-label': `Order of ${scene.title}: scene ${index + 1} of ${scenes.length}. Arrow keys move it`,
      on: {
        keydown: (/** @type {KeyboardEvent} */ event) => {
          const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
          if (!by) return;
          event.preventDefault();
          acts.move(scene, by);
        },
      },
    });
    const name = make('input', { type: 'text', value: scene.title, maxlength: TITLE_MAX_CHARS, 'aria-label': `Title of scene ${index + 1}` });
    name.addEventListener('change', () => acts.rename(scene, name.value.trim() || scene.title));
    const item = make('li', {}, [
      handle,
      name,
      ...(scene.thumb ? [make('img', { src: scene.thumb, alt: '', class: 'scene-thumb' })] : []),
      make('span', { class: 'row' }, [
        button('Show', 'Show this scene', () => acts.show(scene)),
        button('↑', 'Move up', () => acts.move(scene, -1), index === 0),
        button('↓', 'Move down', () => acts.move(scene, 1), index === scenes.length - 1),
        button('Delete', 'Delete', () => acts.remove(scene)),
      ]),
    ]);
    handle.addEventListener('pointerdown', (/** @type {PointerEvent} */ event) => drag(event, item, scene));
    return item;
  }

  /** Follow the pointer until it is released, and move the scene to where it is dropped.
   * @param {PointerEvent} start
   * @param {HTMLElement} item
   * @param {Crt.Scene} scene
   */
  function drag(start, item, scene) {
    if (start.button !== 0) return;
    start.preventDefault(); // no text is selected
    const from = [...host.children].indexOf(item);
    const others = /** @type {HTMLElement[]} */ ([...host.children].filter((one) => one !== item));
    const middles = others.map((one) => {
      const { top, height } = one.getBoundingClientRect();
      return top + height / 2;
    });
    const follow = new AbortController();
    let to = from;
    item.classList.add('dragged');
    const mark = () => others.forEach((one, i) => {
      one.classList.toggle('drop-before', to !== from && i === to);
      one.classList.toggle('drop-after', to !== from && to === others.length && i === to - 1);
    });
    const end = (/** @type {boolean} */ dropped) => {
      follow.abort();
      item.classList.remove('dragged');
      item.style.transform = '';
      const by = dropped ? to - from : 0;
      to = from;
      mark();
      if (by) acts.move(scene, by);
    };
    const { signal } = follow;
    document.addEventListener('pointermove', (event) => {
      item.style.transform = `translateY(${event.clientY - start.clientY}px)`;
      to = dropIndex(middles, event.clientY);
      mark();
    }, { signal });
    document.addEventListener('pointerup', () => end(true), { signal });
    document.addEventListener('pointercancel', () => end(false), { signal });
    document.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.preventDefault(); // the drawer stays open
      event.stopPropagation();
      end(false);
    }, { signal, capture: true });
  }

  return {
    /** @param {Crt.Scene[]} next */
    draw(next) {
      scenes = next;
      host.replaceChildren(...scenes.map(row));
    },
    /** @param {number} index */
    focus(index) {
      const handle = host.children[index]?.querySelector('[data-role="scene-handle"]');
      if (handle instanceof HTMLElement) handle.focus();
    },
  };
}
