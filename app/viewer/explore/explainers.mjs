// One more panel: another explainer's map of one of the networks, asked of the server when it is chosen.

import { largest } from '../maths/arithmetic.mjs';
import { EXPLAINERS } from '../core/constants.mjs';
import { make } from '../core/dom.mjs';
import { METHOD_TITLES } from '../core/store.mjs';
import { openArrays, predictionBytes } from '../core/prediction.mjs';

/** What decides an explainer's maps. */
export const explainerKey = (run, { method, name }, classes) => [run, method, name, ...classes].join('/');

/** @param {Crt.Page} page */
export function mountExplainers(page) {
  const { at, store, ask, onAnswer, onDraw, onRun } = page;
  const known = new Map(); // by key: { map, ms } or { error }, or null while the server is at work

  at('added_panel').addEventListener('change', (event) => {
    const [name, method] = event.target.value.split(' ');
    store.set({ added_panel: name ? { kind: 'explainer', name, method } : null });
  });
  onRun(({ run }) => {
    known.clear();
    at('added_panel').replaceChildren(
      make('option', { value: '', text: 'Add method…' }),
      ...run.methods.map((method) => make('optgroup', { label: METHOD_TITLES[method] }, Object.entries(EXPLAINERS).map(
        ([name, { title, slow }]) => make('option', { value: `${name} ${method}`, text: `${title}${slow ? ' (slow)' : ''} of ${METHOD_TITLES[method]}` }),
      ))),
    );
  });
  onDraw(({ added_panel }) => {
    at('added_panel').value = added_panel?.kind === 'explainer' ? `${added_panel.name} ${added_panel.method}` : '';
  });
  onAnswer('explain', async (got) => {
    if (!known.has(got.key)) return;
    if (got.error) {
      known.set(got.key, { error: got.error });
      page.say(got.error);
    } else {
      const { maps } = openArrays(got.arrays, await predictionBytes(got, window.gradio_config?.root ?? ''));
      const [classes, h, w] = maps.shape;
      const data = new Float32Array(h * w);
      for (let k = 0; k < classes; k++) for (let i = 0; i < h * w; i++) data[i] = Math.max(data[i], maps.data[k * h * w + i]);
      known.set(got.key, { map: { data, h, w }, ms: got.ms });
    }
    store.set({});
  });

  page.addedPanels.explainer = (added_panel, { run, prediction }) => {
    const { method, name } = added_panel;
    const title = EXPLAINERS[name]?.title;
    if (!title || !run.methods.includes(method)) return null;
    const { classes } = store.get();
    const key = explainerKey(run.run, added_panel, classes);
    if (!known.has(key)) {
      known.set(key, null);
      ask('explain', { key, method, name, classes });
    }
    const found = known.get(key);
    const empty = { data: new Float32Array(1), h: 1, w: 1 };
    const map = found?.map ?? empty;
    return {
      title, map, span: found?.map ? prediction.contentSize(method) : [1, 1], top: largest(map.data), unit: 'explainer',
      note: found?.error ?? (found ? `of ${METHOD_TITLES[method]}, ${Math.round(found.ms)} ms` : `of ${METHOD_TITLES[method]}, at work …`),
    };
  };
}
