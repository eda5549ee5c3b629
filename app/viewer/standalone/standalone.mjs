// The viewer in a file of its own: the same page, with a part of Gradio that answers each request by one sentence.
// app/viewer/saved_page.py makes the file, and boot.js opens it.

import { mount } from '../main.mjs';
import { takePlotlyFrom } from '../charts/plotly.mjs';
import { NEEDS_APP } from '../core/words.mjs';
import { followTheme } from './theme.mjs';

const INSPECT_WORDS = /; click a patch of a transformer to inspect it| and to inspect the patch/;

/** What `mount` takes from Gradio: events, properties, and who is called when a property changes.
 * @param {Record<string, any>} props
 */
export function createHost(props) {
  /** @type {Map<string, (() => void)[]>} */
  const watchers = new Map();
  let count = 0;
  return {
    props,
    /** @param {string} name @param {() => void} listener */
    watch(name, listener) {
      watchers.set(name, [...(watchers.get(name) ?? []), listener]);
    },
    /** @param {string} event @param {{ request?: string }} details */
    trigger(event, { request }) {
      const channel = `${event}_answer`;
      queueMicrotask(() => {
        props[channel] = { id: String(++count), request, error: NEEDS_APP };
        for (const listener of watchers.get(channel) ?? []) listener();
      });
    },
  };
}

/** Open the record of the file in an element that holds the template.
 * @param {HTMLElement} element
 * @param {{ value: Crt.Run, results: Crt.Results, saved: Omit<Crt.Saved, 'id' | 'drawn'> & { drawn: Crt.Shape[] } }} record
 * @param {() => Promise<string>} plotly gives the address of plotly.js
 */
export function openFile(element, { value, results, saved }, plotly) {
  takePlotlyFrom(plotly);
  followTheme();
  for (const hint of element.querySelectorAll('.readout .hint')) hint.textContent = (hint.textContent ?? '').replace(INSPECT_WORDS, '');
  const drawn = saved.drawn.length ? { [value.imageId]: saved.drawn } : {};
  const host = createHost({ value, cards: '[]', results: JSON.stringify(results), saved: { ...saved, id: value.run, drawn } });
  mount(element, host.trigger, host.props, host.watch);
}
