// Ties the controls of the Explore tab to the store, both ways.

import { figure } from '../maths/numbers.mjs';
import { COLORMAPS } from '../maths/colormaps.mjs';
import { make, setText } from '../core/dom.mjs';
import { PASS_REDUCTIONS } from '../core/constants.mjs';
import { setRange } from '../core/settings.mjs';
import { setColors } from './panel.mjs';
import { METHOD_TITLES, networksOf } from '../core/store.mjs';
import { labelsOf } from '../ground_truth/ground_truth.mjs';

const SCALED_UNITS = /** @type {const} */ (['cam', 'product']);
const SWITCHES = /** @type {const} */ (['refined', 'outline', 'boxes', 'cells', 'multi_select', 'ground_truth']);
const SELECTS = /** @type {const} */ (['overlay', 'colormap', 'scale', 'pass_reduction']);
const ENDS = ['blocks-first', 'blocks-last'];

/** Blocks of the deepest transformer.
 * @param {Crt.Prediction} prediction
 */
export const depthOf = (prediction) => Math.max(0, ...prediction.methods.map((method) => prediction.depth(method)));

/** A range of blocks [first, last] from 0, null for all, with one end (0 first, 1 last) moved; the other gives way.
 * @param {Crt.Blocks} range
 * @param {number} end
 * @param {number} block
 * @param {number} depth
 * @returns {Crt.Blocks}
 */
export function withEnd(range, end, block, depth) {
  const next = /** @type {Crt.Size} */ ([...(range ?? [0, depth - 1])]);
  next[end] = block;
  if (next[0] > next[1]) next[1 - end] = block;
  return next[0] <= 0 && next[1] >= depth - 1 ? null : next;
}

/** @param {Crt.Page} page */
export function mountControls({ at, store, current, onDraw }) {
  at('colormap').replaceChildren(...COLORMAPS.map(({ id, label }) => make('option', { value: id, text: label })));
  at('pass_reduction').replaceChildren(...Object.entries(PASS_REDUCTIONS).map(([value, { label }]) => make('option', { value, text: label })));
  const number = (/** @type {string} */ role, /** @type {string} */ name) => at(role).addEventListener('input', (/** @type {Crt.InputEvent} */ e) => store.set({ [name]: Number(e.target.value) }));
  for (const name of ['threshold', 'opacity']) setRange(at(name), name);
  number('loops', 'loops');
  number('threshold', 'threshold');
  number('opacity', 'opacity');
  for (const name of SWITCHES) at(name).addEventListener('change', (/** @type {Crt.InputEvent} */ e) => store.set({ [name]: e.target.checked }));
  for (const name of SELECTS) at(name).addEventListener('change', (/** @type {Crt.InputEvent} */ e) => store.set({ [name]: e.target.value }));
  for (const end of [0, 1]) {
    at(ENDS[end]).addEventListener('input', (/** @type {Crt.InputEvent} */ event) => {
      store.set({ blocks: withEnd(store.get().blocks, end, Number(event.target.value) - 1, depthOf(current().prediction)) });
    });
  }
  at('blocks-all').addEventListener('click', () => store.set({ blocks: null }));
  for (const unit of SCALED_UNITS) {
    at(`absolute-${unit}`).addEventListener('change', (/** @type {Crt.InputEvent} */ event) => {
      const value = Number(event.target.value);
      if (value > 0) store.set({ absolute: { ...store.get().absolute, [unit]: value } });
    });
  }
  onDraw((state, { run, prediction }) => {
    at('loops').max = run.maxLoops;
    at('loops').value = state.loops;
    setText(at('loops-value'), `${state.loops}`);
    at('threshold').value = state.threshold;
    setText(at('threshold-value'), `${Math.round(100 * state.threshold)} % of max`);
    at('opacity').value = state.opacity;
    setText(at('opacity-value'), `${Math.round(100 * state.opacity)} %`);
    for (const name of SWITCHES) at(name).checked = state[name];
    for (const name of SELECTS) at(name).value = state[name];
    setColors(at('colorbar'), state.colormap);
    at('absolute').hidden = state.scale !== 'absolute';
    for (const unit of SCALED_UNITS) {
      if (state.absolute[unit] && document.activeElement !== at(`absolute-${unit}`)) {
        at(`absolute-${unit}`).value = figure(state.absolute[unit]);
      }
    }
    at('ground-truth-field').hidden = at('legend-truth').hidden = !labelsOf(state, run).size;
    showBlocks(at, state, prediction);
    showToggles(at('panels-shown'), store, state, run);
  });
}

/** Which blocks' attention refines; without refinement, or a transformer, nothing can be chosen and a line gives the reason.
 * @param {Crt.Page['at']} at
 * @param {Crt.State} state
 * @param {Crt.Prediction} prediction
 */
function showBlocks(at, { blocks, refined, pass_reduction, loops }, prediction) {
  const depth = depthOf(prediction);
  const [first, last] = (blocks ?? [0, depth - 1]).map((block) => Math.min(block, depth - 1));
  const off = !depth ? 'This checkpoint has no transformer.' : refined ? '' : 'Refinement is off, so no attention is used: switch it on above.';
  at('attention').disabled = Boolean(off);
  const { description, tile_normalized } = PASS_REDUCTIONS[pass_reduction];
  const passes = loops > 1 || tile_normalized ? `, ${description}` : '';
  setText(at('attention-note'), off || `CAMs are multiplied by the attention averaged over blocks ${first + 1}–${last + 1} of ${depth}${passes}.`);
  [first, last].forEach((block, end) => {
    at(ENDS[end]).max = Math.max(1, depth);
    at(ENDS[end]).value = block + 1;
    setText(at(`${ENDS[end]}-value`), String(block + 1));
  });
  at('blocks-all').disabled = Boolean(off) || !blocks;
}

/**
 * @param {HTMLElement} box
 * @param {Crt.Store} store
 * @param {Crt.State} state
 * @param {Crt.Run} run
 */
function showToggles(box, store, state, run) {
  const names = ['input', ...networksOf(run)];
  if (box.dataset.names !== names.join()) {
    box.dataset.names = names.join();
    box.replaceChildren(
      ...names.map((name) => {
        const flip = () => {
          const { visible } = store.get();
          store.set({ visible: { ...visible, [name]: !visible[name] } });
        };
        return make('button', { type: 'button', class: `chip ${name}`, 'data-name': name, text: METHOD_TITLES[name], on: { click: flip } });
      }),
    );
  }
  for (const chip of /** @type {Iterable<HTMLElement>} */ (box.children)) chip.setAttribute('aria-pressed', state.visible[chip.dataset.name ?? ''] ? 'true' : 'false');
}
