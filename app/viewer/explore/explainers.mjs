// One more panel: another explainer's map of one of the networks, requested of the server when it is chosen, for the classes of
// each place where it is shown, one after another.

import { largest } from '../maths/order.mjs';
import { EXPLAINERS } from '../core/constants.mjs';
import { make } from '../core/dom.mjs';
import { METHOD_TITLES } from '../core/store.mjs';
import { answerKey } from '../core/answers.mjs';
import { openArrays } from '../core/download.mjs';
import { isDropped, mayPass, newestOf, sentenceOf } from '../core/rpc.mjs';
import { addedClasses } from './shown_maps.mjs';

/** What decides an explainer's maps.
 * @param {string} run
 * @param {{ method: string, name: string }} panel
 * @param {number[]} classes
 */
export const explainerKey = (run, { method, name }, classes) => [run, method, name, ...classes].join('/');

/** @param {Crt.Page} page */
export function mountExplainers(page) {
  const { at, store, onDraw, onRun } = page;
  const newest = newestOf(page.request);
  /** @type {Map<string, { map: Crt.Values, ms: number }>} */
  const known = new Map(); // { map, ms } by key
  /** @type {Map<string, { failed: string, passes: boolean }>} */
  const failures = new Map(); // by key the sentence why there is no map, and whether trying again may help
  let requested = ''; // key of what is under way

  at('added_panel').addEventListener('change', (/** @type {Crt.InputEvent} */ event) => {
    const [name, method] = event.target.value.split(' ');
    if (name && !Object.hasOwn(EXPLAINERS, name)) return; // a file: file_panel.mjs
    store.set({ added_panel: name ? { kind: 'explainer', name, method } : null });
  });
  onRun((view) => {
    known.clear();
    failures.clear();
    drop();
    if (!view) return;
    const { run } = view;
    at('added_panel').replaceChildren(
      make('option', { value: '', text: 'Add method…' }),
      ...run.methods.map((method) => make('optgroup', { label: METHOD_TITLES[method] }, Object.entries(EXPLAINERS).map(
        ([name, { title, slow }]) => make('option', { value: `${name} ${method}`, text: `${title}${slow ? ' (slow)' : ''} of ${METHOD_TITLES[method]}` }),
      ))),
    );
  });
  onDraw((state, { run }) => {
    const panel = state.added_panel?.kind === 'explainer' ? state.added_panel : null;
    at('added_panel').value = panel ? `${panel.name} ${panel.method}` : '';
    const wanted = new Map(panel ? addedClasses(state, run).filter((classes) => isHere(panel, run, classes)).map((classes) => [explainerKey(run.run, panel, classes), classes]) : []);
    if (requested && !wanted.has(requested)) drop();
    for (const key of failures.keys()) if (!wanted.has(key)) failures.delete(key); // it is tried again when it is shown again
    const next = requested ? undefined : [...wanted].find(([key]) => !known.has(key) && !failures.has(key));
    if (panel && next) load(next[0], { method: panel.method, name: panel.name, classes: next[1] });
  });
  page.addedPanels.explainer = (added_panel, { run, prediction }, classes = store.get().classes) => {
    if (!isHere(added_panel, run, classes)) return null;
    const { method, name } = added_panel;
    const key = explainerKey(run.run, added_panel, classes);
    const found = known.get(key);
    const { failed, passes } = failures.get(key) ?? { failed: '', passes: false };
    const map = found?.map ?? { data: new Float32Array(1), h: 1, w: 1 };
    return {
      title: EXPLAINERS[name].title, map, contentSize: found ? prediction.contentSize(method) : [1, 1], max: largest(map.data), unit: 'explainer',
      note: failed || `of ${METHOD_TITLES[method]}${found ? `, ${Math.round(found.ms)} ms` : ', computing…'}`, retry: passes ? retry : null,
    };
  };

  /** Whether the run has the network, and in a file of its own whether the file has the map: the server makes all others.
   * @param {Crt.ExplainerPanel} panel
   * @param {Crt.Run} run
   * @param {number[]} classes
   */
  function isHere(panel, run, classes) {
    const { method, name } = panel;
    return offered(panel, run) && (!page.saved || Boolean(page.answers.get(answerKey('explain', { method, name, classes }, run))));
  }

  /** @param {string} key @param {{ method: string, name: string, classes: number[] }} details */
  async function load(key, details) {
    requested = key;
    try {
      const got = await newest.request('explain', details);
      const { maps } = openArrays(got.arrays, got.bytes);
      const [classes, h, w] = maps.shape;
      const data = new Float32Array(h * w);
      for (let k = 0; k < classes; k++) for (let i = 0; i < h * w; i++) data[i] = Math.max(data[i], maps.data[k * h * w + i]);
      known.set(key, { map: { data, h, w }, ms: got.ms });
    } catch (error) {
      if (isDropped(error)) return;
      const failure = sentenceOf(error);
      failures.set(key, { failed: failure, passes: mayPass(error) });
      page.announce(failure);
    }
    requested = '';
    store.set({});
  }

  function drop() {
    newest.cancel();
    requested = '';
  }

  function retry() {
    failures.clear();
    store.set({});
  }
}

/**
 * @param {{ method: string, name: string }} panel
 * @param {Crt.Run} run
 */
const offered = ({ name, method }, run) => Object.hasOwn(EXPLAINERS, name) && run.methods.includes(method);
