// The Layers tab: the class token's attention of every block and pass, what each pass changes, and which blocks refine.

import { largest } from '../maths/order.mjs';
import { exported } from '../core/settings.mjs';
import { make } from '../core/dom.mjs';
import { NEEDS_APP, countWords } from '../core/words.mjs';
import { METHOD_TITLES } from '../core/store.mjs';
import { attentionPanel, cellWords, chosenCell, createLayerCell, headWords, isPinned, panelOf } from './layer_cell.mjs';
import { createLayerGrid, linesFor } from './layer_grid.mjs';
import { drawChanges, drawRollout } from './layer_passes.mjs';
import { answerKey } from '../core/answers.mjs';
import { attentionMap, passWords, passesOf, thumbnail, toggleBlock } from './layer_maps.mjs';
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
  let drawn = ''; // what the matrix shows, so that it is only drawn anew when that changes
  let drawnRollout = '';
  let max = 0; // the largest value of the matrix
  /** @type {{ key: string, heads: Crt.Opened | null, panel: Crt.AddedPanel | null } | null} */
  let panelMade = null; // the panel of Explore, made anew when what it shows changes
  const grid = createLayerGrid(at('layers-grid'), { choose, refine, close: () => choose(null) });
  const detail = createLayerCell(at, { chooseHead: (head) => set({ head }) });

  at('layers-method').addEventListener('change', (/** @type {Crt.InputEvent} */ event) => {
    failure = '';
    set({ method: event.target.value, head: null });
  });
  at('layers-head').addEventListener('change', (/** @type {Crt.InputEvent} */ event) => set({ head: event.target.value === '' ? null : Number(event.target.value) }));
  at('layers-scale').addEventListener('change', (/** @type {Crt.InputEvent} */ event) => set({ scale: event.target.value }));
  at('layers-heads-load').addEventListener('click', () => at('layers-deepen').click());
  at('layers-pin').addEventListener('click', pin);
  at('layers-large-close').addEventListener('click', () => {
    const cell = chosenOf(store.get(), current())?.cell;
    choose(null);
    if (cell) grid.cell(cell)?.focus();
  });
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
    deep = panelMade = null;
    waiting = failure = '';
    drawn = drawnRollout = '';
    detail.clear();
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
    const head = headOf(state, mine ? deep : null);
    const cell = chosenCell(state.layers, now.prediction, method) ?? { block: null, pass: null };
    return {
      maps: [], image: false, difference: false, ground_truth: null, added_panel: null,
      layers: { ...exported(state, 'layers'), ...cell, head, method, deep: mine },
    };
  };
  page.addedPanels.attention = (wanted, { run, prediction }) => {
    const heads = deep?.run === run.run && deep.method === wanted.method ? deep.heads : null;
    const key = JSON.stringify([run.run, wanted]);
    if (panelMade?.key !== key || panelMade.heads !== heads) panelMade = { key, heads, panel: attentionPanel(wanted, prediction, heads) };
    return panelMade.panel;
  };

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
    store.set({}); // a panel of Explore and the layout of a slide depend on the heads, too
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
    at('layers-note').parentElement.classList.toggle('empty', !able.length);
    if (!able.length) {
      at('layers-note').textContent = 'This checkpoint has no transformer.';
      return;
    }
    fill(at('layers-method'), able.map((name) => /** @type {[string, string]} */ ([name, METHOD_TITLES[name]])), method);
    const mine = deep?.method === method ? deep : null;
    const heads = mine ? mine.heads.shape[2] : 0;
    const head = headOf(state, mine);
    fill(at('layers-head'), [['', 'mean of all heads'], ...Array.from({ length: heads }, (_, i) => /** @type {[string, string]} */ ([String(i), `head ${i + 1}`]))], head ?? '');
    at('layers-scale').value = state.layers.scale;
    at('layers-deepen').hidden = Boolean(mine);
    at('layers-deepen').disabled = waiting === method;
    at('layers-note').textContent = waiting === method ? 'Computing single heads…' : failure || `${METHOD_TITLES[method]}: ${countWords(prediction.depth(method), 'block')}, ${passWords(prediction, method, state.loops)}. Under each cell is the largest share of the class token's attention that one patch has. Choose a cell to enlarge it.`;
    const key = JSON.stringify([run.run, method, head, state.layers.scale, state.colormap]);
    if (key !== drawn) {
      drawn = key;
      drawMatrix(state, now, method, mine);
    }
    const rolloutKey = JSON.stringify([run.run, method, Boolean(mine), state.colormap]);
    if (rolloutKey !== drawnRollout) {
      drawnRollout = rolloutKey;
      drawRollout(at('layers-rollout'), now, mine?.rollout ?? null, state.colormap);
    }
    drawCell(state, now, method);
    blocks(state, prediction, method);
    drawChanges(at, run, method);
  }

  /** What is chosen, null without a cell.
   * @param {Crt.State} state
   * @param {Crt.View} now
   * @returns {import('./layer_cell.mjs').Chosen | null}
   */
  function chosenOf(state, now) {
    const method = methodOf(state, now);
    const place = chosenCell(state.layers, now.prediction, method);
    const mine = deep?.method === method ? deep : null;
    return place && { method, cell: place, head: headOf(state, mine), heads: mine?.heads ?? null };
  }

  /** Enlarge a cell in its place, or the one that is enlarged no longer. What is above changes its height: the page is
   *  scrolled so that the cell stays where it is, or as far as the enlarged one needs to be in view.
   * @param {import('./layer_grid.mjs').Cell | null} wanted
   */
  function choose(wanted) {
    const now = current();
    const before = chosenOf(store.get(), now)?.cell ?? null;
    const same = wanted && before && wanted.block === before.block && wanted.pass === before.pass;
    const next = same ? null : wanted;
    const anchor = wanted ?? before;
    const topOf = () => (anchor && grid.cell(anchor)?.getBoundingClientRect().top) ?? 0;
    const top = topOf();
    set(next ? { ...next } : { block: null, pass: null });
    show(store.get(), now);
    window.scrollBy(0, topOf() - top);
    const still = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    if (next) at('layers-large').scrollIntoView({ block: 'nearest', behavior: still ? 'auto' : 'smooth' });
  }

  /** @param {number} block */
  function refine(block) {
    const { prediction } = current();
    store.set({ blocks: toggleBlock(store.get().blocks, block, prediction.depth(methodOf(store.get(), current()))) });
  }

  /** Make the chosen cell a panel of Explore, or take that panel away. */
  function pin() {
    const state = store.get();
    const chosen = chosenOf(state, current());
    if (!chosen) return;
    const pinned = isPinned(state.added_panel, chosen);
    store.set({ added_panel: pinned ? null : panelOf(chosen) });
    page.announce(`${METHOD_TITLES[chosen.method]}, ${cellWords(chosen)}: ${pinned ? 'no longer a panel of Explore.' : 'pinned to Explore as a panel.'}`);
  }

  /**
   * @param {Crt.State} state
   * @param {Crt.View} now
   * @param {string} method
   * @param {Heads | null} mine
   */
  function drawMatrix(state, { prediction, image }, method, mine) {
    const head = headOf(state, mine);
    const maps = Array.from({ length: prediction.depth(method) }, (_, block) => Array.from({ length: prediction.passes(method) }, (__, pass) => attentionMap(prediction, method, { pass, block, head }, mine?.heads)));
    max = Math.max(...maps.flat().map(({ data }) => largest(data)));
    grid.draw(maps.map((row) => row.map((map) => {
      const own = largest(map.data);
      const canvas = thumbnail(map, prediction.grid, image, state.layers.scale === 'all' ? max : own, state.colormap);
      return { canvas, value: own.toPrecision(2), meaning: `largest share, ${headWords(head)}` };
    })));
    const [depth, passes] = [prediction.depth(method), prediction.passes(method)];
    for (const [name, value] of Object.entries({ passes, blocks: depth, lines: linesFor(depth), below: passes + 2, half: Math.ceil(depth / 2) + 2 })) {
      at('layers-stage').style.setProperty(`--${name}`, String(value));
    }
  }

  /** The chosen cell and its heads.
   * @param {Crt.State} state
   * @param {Crt.View} now
   * @param {string} method
   */
  function drawCell(state, now, method) {
    const chosen = chosenOf(state, now);
    const computing = waiting === method;
    const missing = Boolean(chosen && !chosen.heads && !computing);
    const note = !chosen ? 'Choose a cell: its single heads are shown here.' : computing ? 'Computing single heads…' : chosen.heads ? '' : page.saved ? NEEDS_APP : failure || 'Single heads need one more run of the network.';
    detail.draw(chosen, state, now, { max, note, computing: Boolean(chosen && computing), loadable: missing && !page.saved });
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
    grid.mark(chosenCell(state.layers, prediction, method), (block) => state.refined && block >= first && block <= last, passesOf(state.loops, prediction.passes(method)));
  }
}

/** The head whose attention is shown: null for the mean of all, which is also shown until all heads are here.
 * @param {Crt.State} state
 * @param {Heads | null} mine
 */
const headOf = ({ layers: { head } }, mine) => (mine && head !== null && head < mine.heads.shape[2] ? head : null);

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
