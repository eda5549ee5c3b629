// The Layers tab: the class token's attention of every block and pass, what each pass changes, and which blocks refine.

import { figure } from '../maths/numbers.mjs';
import { largest } from '../maths/order.mjs';
import { exported } from '../core/settings.mjs';
import { make } from '../core/dom.mjs';
import { countWords } from '../core/words.mjs';
import { METHOD_TITLES } from '../core/store.mjs';
import { attentionMap, passWords, thumbnail, toggleBlock } from './layer_maps.mjs';
import { answerKey } from '../core/answers.mjs';
import { openArrays } from '../core/download.mjs';
import { isDropped, newestOf, sentenceOf } from '../core/rpc.mjs';

/** Every head's attention and the rollout of a method.
 * @typedef {{ run: string, method: string, heads: Crt.Opened, rollout: Crt.Opened }} Heads
 */

/** @param {Crt.Page} page */
export function mountLayers(page) {
  const { at, store, view, current, request, onDraw, onRun } = page;
  const newest = newestOf(request);
  const set = (/** @type {Partial<Crt.State['layers']>} */ changes) => store.set({ layers: { ...store.get().layers, ...changes } });
  /** @type {Heads | null} */
  let deep = null; // every head and the rollout, once requested: { run, method, heads, rollout }
  let waiting = ''; // the method whose heads are under way
  let failure = '';
  let drawn = ''; // what the grid shows, so that it is only drawn anew when that changes

  at('layers-method').addEventListener('change', (/** @type {Crt.InputEvent} */ event) => {
    failure = '';
    set({ method: event.target.value, head: null });
  });
  at('layers-head').addEventListener('change', (/** @type {Crt.InputEvent} */ event) => set({ head: event.target.value === '' ? null : Number(event.target.value) }));
  at('layers-scale').addEventListener('change', (/** @type {Crt.InputEvent} */ event) => set({ scale: event.target.value }));
  at('layers-all').addEventListener('click', () => store.set({ blocks: null }));
  at('layers-deepen').addEventListener('click', () => load(methodOf(store.get(), current())));
  for (const [role, end] of /** @type {[string, number][]} */ ([['layers-first', 0], ['layers-last', 1]])) {
    at(role).addEventListener('input', (/** @type {Crt.InputEvent} */ event) => {
      const { prediction } = current();
      const depth = prediction.depth(methodOf(store.get(), current()));
      const range = /** @type {Crt.Size} */ ([...(store.get().blocks ?? [0, depth - 1])]);
      range[end] = Number(event.target.value) - 1;
      if (range[0] > range[1]) range[1 - end] = range[end];
      store.set({ blocks: range[0] === 0 && range[1] === depth - 1 ? null : range });
    });
  }
  onRun(() => {
    newest.cancel();
    deep = null;
    waiting = failure = '';
    drawn = '';
  });
  onDraw(show);
  onDraw((state, now) => { // heads that are here already, as those of a scene, are shown without being requested
    const { tab, added_panel } = state;
    const method = tab === 'layers' ? methodOf(state, now) : added_panel?.kind === 'attention' && added_panel.head !== null ? added_panel.method : '';
    const known = method && deep?.method !== method && waiting !== method && !failure && page.answers.get(answerKey('load_heads', { method }, now.run));
    if (known) load(method);
  });
  page.exports.layers = (state, now) => {
    const method = methodOf(state, now);
    const mine = deep?.method === method;
    return {
      maps: [], image: false, difference: false, ground_truth: null, added_panel: null,
      layers: { ...exported(state, 'layers'), ...(mine ? {} : { head: null }), method, deep: mine },
    };
  };
  page.addedPanels.attention = (wanted, now) => attentionPanel(wanted, now);

  /** @param {string} method */
  async function load(method) {
    const { run } = current().run;
    waiting = method;
    failure = '';
    show(store.get(), current());
    try {
      const got = await newest.request('load_heads', { method });
      const { heads, rollout: flow } = openArrays(got.arrays, got.bytes);
      deep = { run, method, heads, rollout: flow };
    } catch (error) {
      if (isDropped(error)) return;
      failure = sentenceOf(error);
    }
    waiting = '';
    show(store.get(), view());
    page.panelGrid.draw();
  }

  /**
   * @param {Crt.State} state
   * @param {Crt.View} view
   */
  function methodOf(state, { run, prediction }) {
    const able = run.methods.filter((method) => prediction.isTransformer(method));
    return able.includes(state.layers.method) ? state.layers.method : able[0];
  }

  /**
   * @param {Crt.State} state
   * @param {Crt.View | null} now
   */
  function show(state, now) {
    if (state.tab !== 'layers' || !now) return;
    const { run, prediction } = now;
    const method = methodOf(state, now);
    const able = run.methods.filter((name) => prediction.isTransformer(name));
    fill(at('layers-method'), able.map((name) => /** @type {[string, string]} */ ([name, METHOD_TITLES[name]])), method);
    const mine = deep?.method === method ? deep : null;
    const heads = mine ? mine.heads.shape[2] : 0;
    fill(at('layers-head'), [['', 'mean of all heads'], ...Array.from({ length: heads }, (_, i) => /** @type {[string, string]} */ ([String(i), `head ${i + 1}`]))], state.layers.head ?? '');
    at('layers-scale').value = state.layers.scale;
    at('layers-deepen').hidden = Boolean(mine);
    at('layers-deepen').disabled = waiting === method;
    at('layers-note').textContent = waiting === method ? 'Computing single heads…' : failure || `${METHOD_TITLES[method]}: ${countWords(prediction.depth(method), 'block')}, ${passWords(prediction, method)}. Choose one to put it beside the maps.`;
    const key = JSON.stringify([run.run, method, state.layers, state.colormap, Boolean(mine)]);
    if (key !== drawn) {
      drawn = key;
      grid(state, now, method, mine);
      rollout(now, method, mine, state);
    }
    blocks(state, prediction, method);
    table(run, method);
  }

  /**
   * @param {Crt.State} state
   * @param {Crt.View} now
   * @param {string} method
   * @param {Heads | null} mine
   */
  function grid(state, now, method, mine) {
    const { prediction } = now;
    const head = mine ? state.layers.head : null;
    /** @type {{ block: number, pass: number, map: Crt.Values }[]} */
    const maps = [];
    for (let block = 0; block < prediction.depth(method); block++) {
      for (let pass = 0; pass < prediction.passes(method); pass++) maps.push({ block, pass, map: attentionMap(prediction, method, { pass, block, head }, mine?.heads) });
    }
    const max = Math.max(...maps.map(({ map }) => largest(map.data)));
    const columns = Array.from({ length: prediction.depth(method) }, (_, block) => {
      const cells = maps.filter((one) => one.block === block).map((one) => cell(one, now, method, head, state, max));
      return make('div', { class: 'layers-block', 'data-block': block }, [
        make('button', {
          type: 'button', class: 'layers-name', text: `Block ${block + 1}`, title: 'Refine with this block; another extends the range',
          on: { click: () => store.set({ blocks: toggleBlock(store.get().blocks, block, prediction.depth(method)) }) },
        }),
        ...cells,
      ]);
    });
    at('layers-grid').style.setProperty('--columns', Math.min(12, prediction.depth(method)));
    at('layers-grid').replaceChildren(...columns);
  }

  /**
   * @param {{ block: number, pass: number, map: Crt.Values }} one
   * @param {Crt.View} view
   * @param {string} method
   * @param {number | null} head
   * @param {Crt.State} state
   * @param {number} max
   */
  function cell({ block, pass, map }, { prediction, image }, method, head, state, max) {
    const own = largest(map.data);
    const canvas = thumbnail(map, prediction.grid, image, state.layers.scale === 'all' ? max : own, state.colormap);
    const of = head === null ? 'mean of all heads' : `head ${head + 1}`;
    const words = `block ${block + 1}, pass ${pass + 1}, ${of}: largest share ${figure(own)}`;
    return make('button', {
      type: 'button', class: 'layers-cell', title: words,
      on: { click: () => store.set({ added_panel: { kind: 'attention', method, pass, block, head }, tab: 'explore' }) },
    }, [canvas, make('span', { class: 'visually-hidden', text: `Block ${block + 1}, ` }), make('span', {}, [make('span', { text: `pass ${pass + 1}` }), make('span', { text: own.toPrecision(2) })]), make('span', { class: 'visually-hidden', text: `, largest share, ${of}. Put it beside the maps` })]);
  }

  /**
   * @param {Crt.View} view
   * @param {string} method
   * @param {Heads | null} mine
   * @param {Crt.State} state
   */
  function rollout({ prediction, image }, method, mine, state) {
    const box = at('layers-rollout');
    box.hidden = !mine;
    if (!mine) return box.replaceChildren();
    const [passes, n, patches] = mine.rollout.shape;
    const cells = Array.from({ length: passes }, (_, pass) => {
      const rows = mine.rollout.data.subarray(pass * n * patches, (pass + 1) * n * patches);
      const map = prediction.merge(rows, Math.round(Math.sqrt(patches)), prediction.grid.patchCells);
      const words = `Rollout of pass ${pass + 1}: largest share ${figure(largest(map.data))}`;
      const canvas = thumbnail(map, prediction.grid, image, largest(map.data), state.colormap);
      canvas.setAttribute('role', 'img');
      canvas.setAttribute('aria-label', words);
      return make('figure', { class: 'layers-cell', title: words }, [canvas, make('span', { text: `pass ${pass + 1}` })]);
    });
    return box.replaceChildren(make('h3', { text: 'Attention rollout of the class token (Abnar and Zuidema, 2020)' }), ...cells);
  }

  /**
   * @param {Crt.State} state
   * @param {Crt.Prediction} prediction
   * @param {string} method
   */
  function blocks(state, prediction, method) {
    const depth = prediction.depth(method);
    const [first, last] = state.blocks ? state.blocks.map((block) => Math.min(block, depth - 1)) : [0, depth - 1];
    for (const [role, value] of /** @type {[string, number][]} */ ([['layers-first', first], ['layers-last', last]])) {
      at(role).max = depth;
      at(role).value = value + 1;
      at(`${role}-value`).textContent = String(value + 1);
    }
    at('layers-used').textContent = state.blocks ? `Blocks ${first + 1} to ${last + 1} of ${depth}` : `All ${depth} blocks`;
    at('layers-all').disabled = !state.blocks;
    for (const column of at('layers-grid').children) {
      const block = Number(column.dataset.block);
      const used = state.refined && block >= first && block <= last;
      column.dataset.used = used ? 'yes' : 'no';
      column.firstChild.setAttribute('aria-pressed', used ? 'true' : 'false');
    }
  }

  /**
   * @param {Crt.Run} run
   * @param {string} method
   */
  function table(run, method) {
    const sizes = run.residual[method] ?? [];
    const likeness = method === 'crt' ? run.similarity : [];
    at('layers-passes').replaceChildren(make('th', { scope: 'col', text: 'Pass' }), ...sizes.map((_, k) => make('th', { scope: 'col', text: String(k + 1) })));
    const row = (/** @type {string} */ title, /** @type {number[]} */ values) => make('tr', {}, [make('th', { scope: 'row', text: title }), ...values.map((value) => make('td', { text: figure(value) }))]);
    at('layers-rows').replaceChildren(
      row('Relative size of the residual, ‖F(x)‖ / ‖x‖', sizes),
      ...(likeness.length ? [row('Cosine of the tokens before and after the loop', sizes.map((_, k) => likeness[k + 1] ?? NaN))] : []),
    );
  }

  /**
   * @param {Crt.AttentionPanel} wanted
   * @param {Crt.View} view
   * @returns {Crt.AddedPanel | null}
   */
  function attentionPanel({ method, pass, block, head }, { run, prediction }) {
    const mine = deep?.run === run.run && deep.method === method ? deep : null;
    if (!prediction.isTransformer(method) || pass >= prediction.passes(method) || block >= prediction.depth(method)) return null;
    const one = mine ? head : null;
    const map = attentionMap(prediction, method, { pass, block, head: one }, mine?.heads);
    const { content, patch } = prediction.grid;
    return {
      title: `${METHOD_TITLES[method]} attention`, note: `block ${block + 1}, pass ${pass + 1}${one === null ? '' : `, head ${one + 1}`}`,
      map, span: [content[0] / patch, content[1] / patch], max: largest(map.data), unit: 'attention',
    };
  }
}

/**
 * @param {HTMLSelectElement} select
 * @param {[string, string][]} options
 * @param {string | number} value
 */
function fill(select, options, value) {
  const key = JSON.stringify(options);
  if (select.dataset.options !== key) {
    select.dataset.options = key;
    select.replaceChildren(...options.map(([id, text]) => make('option', { value: id, text })));
  }
  select.value = String(value);
}
