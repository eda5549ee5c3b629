// One more panel: another explainer's map of one of the networks, requested of the server when it is chosen.

import { largest } from '../maths/order.mjs';
import { EXPLAINERS } from '../core/constants.mjs';
import { make } from '../core/dom.mjs';
import { METHOD_TITLES } from '../core/store.mjs';
import { answerKey } from '../core/answers.mjs';
import { openArrays } from '../core/download.mjs';
import { isDropped, newestOf, sentenceOf } from '../core/rpc.mjs';

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
  let requested = ''; // key of what is under way, or has failed
  let failure = '';

  at('added_panel').addEventListener('change', (/** @type {Crt.InputEvent} */ event) => {
    const [name, method] = event.target.value.split(' ');
    if (name && !Object.hasOwn(EXPLAINERS, name)) return; // a file: file_panel.mjs
    store.set({ added_panel: name ? { kind: 'explainer', name, method } : null });
  });
  onRun((view) => {
    known.clear();
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
  onDraw(({ added_panel, classes }, { run }) => {
    at('added_panel').value = added_panel?.kind === 'explainer' ? `${added_panel.name} ${added_panel.method}` : '';
    const wanted = added_panel?.kind === 'explainer' && isHere(added_panel, run, classes) ? added_panel : null;
    const key = wanted ? explainerKey(run.run, wanted, classes) : '';
    if (key === requested) return;
    drop();
    if (wanted && !known.has(key)) load(key, { method: wanted.method, name: wanted.name, classes });
  });
  page.addedPanels.explainer = (added_panel, { run, prediction }) => {
    if (!isHere(added_panel, run, store.get().classes)) return null;
    const { method, name } = added_panel;
    const key = explainerKey(run.run, added_panel, store.get().classes);
    const found = known.get(key);
    const failed = key === requested && failure;
    const map = found?.map ?? { data: new Float32Array(1), h: 1, w: 1 };
    return {
      title: EXPLAINERS[name].title, map, span: found ? prediction.contentSize(method) : [1, 1], max: largest(map.data), unit: 'explainer',
      note: failed || `of ${METHOD_TITLES[method]}${found ? `, ${Math.round(found.ms)} ms` : ', computing…'}`, retry: failed ? retry : null,
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
      requested = '';
    } catch (error) {
      if (isDropped(error)) return;
      failure = sentenceOf(error);
      page.announce(failure);
    }
    store.set({});
  }

  function drop() {
    newest.cancel();
    requested = failure = '';
  }

  function retry() {
    drop();
    store.set({});
  }
}

/**
 * @param {{ method: string, name: string }} panel
 * @param {Crt.Run} run
 */
const offered = ({ name, method }, run) => Object.hasOwn(EXPLAINERS, name) && run.methods.includes(method);
