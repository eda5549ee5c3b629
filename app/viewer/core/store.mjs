// One store for all that the user can change, and the questions that only depend on it.

import { largest, sortedClasses } from '../maths/order.mjs';
import { METHOD_TITLES as NETWORK_TITLES } from './constants.mjs';
import { defaults, settingAt } from './settings.mjs';
import { countWords, loopWords } from './words.mjs';

/** @type {Record<string, string>} */
export const METHOD_TITLES = { input: 'Image', ...NETWORK_TITLES };
/** @type {Record<string, string>} */
export const METHOD_NOTES = {
  input: 'network input',
  resnet: 'CNN alone',
  tscam: 'transformer, no loop',
  crt: 'transformer trained with the CNN',
  crt_cnn: 'CNN trained with the transformer',
};

export const TABS = settingAt('tab').names ?? [];

/** All that a user can choose, as it is at first: core/schema.mjs.
 * @type {Readonly<Crt.State>}
 */
export const INITIAL = Object.freeze(defaults());

/** A store: get(), set(changes), subscribe(callback). Callbacks run once per animation frame at most.
 * @param {Crt.State} initial
 * @param {(run: () => void) => unknown} [schedule]
 * @returns {Crt.Store}
 */
export function createStore(initial, schedule = (run) => requestAnimationFrame(run)) {
  let state = { ...initial };
  let waiting = false;
  /** @type {((state: Crt.State) => void)[]} */
  const listeners = [];
  return {
    get: () => state,
    set(changes) {
      state = { ...state, ...changes };
      if (waiting) return;
      waiting = true;
      schedule(() => {
        waiting = false;
        for (const listener of listeners) {
          try {
            listener(state);
          } catch (error) {
            reportError(error); // others still draw
          }
        }
      });
    },
    subscribe: (listener) => listeners.push(listener),
  };
}

/** Whether two runs are of the same networks, also where the server has loaded them anew since.
 * @param {Crt.Run} a
 * @param {Crt.Run} b
 */
export const sameNetworks = (a, b) => a.checkpoint?.sha256 === b.checkpoint?.sha256 && a.checkpoint?.name === b.checkpoint?.name;

/** Whether two runs are of the same image by the same networks at the same size and mode.
 * @param {Crt.Run} a
 * @param {Crt.Run} b
 */
export const isSameRun = (a, b) => a.imageId === b.imageId && a.checkpoint.id === b.checkpoint.id
  && a.chosen.size === b.chosen.size && a.chosen.mode === b.chosen.mode;

/** Settings that a checkpoint's defaults decide until the user does.
 * @type {(keyof Crt.Run['defaults'])[]}
 */
const STARTS = ['loops', 'refined', 'pass_reduction', 'blocks', 'threshold'];

/** What of the state a new run changes: class and added panel of another image, the defaults of its checkpoint, limits.
 * @param {Crt.State} state
 * @param {Crt.Run} run
 * @param {Crt.Run | null} before the last run, also if its image has been removed since
 * @returns {Partial<Crt.State>}
 */
export function adopt(state, run, before) {
  /** @type {Partial<Crt.State> & { loops: number }} */
  const changes = { loops: Math.min(state.loops, run.maxLoops) };
  if (!before) {
    Object.assign(changes, pick(run.defaults, STARTS));
    // Without a CNN trained alone, the pair's own CNN stands beside CRT.
    if (!networksOf(run).includes('resnet')) changes.visible = { ...state.visible, crt_cnn: true };
  }
  if (before && !sameNetworks(before, run)) {
    const untouched = STARTS.filter((name) => String(state[name]) === String(before.defaults?.[name] ?? null));
    Object.assign(changes, pick(run.defaults, untouched)); // what the user has set stays
  }
  const relation = run.checkpoint?.relation;
  if (relation && !(before && sameNetworks(before, run))) changes.mask = { ...state.mask, walkThreshold: relation };
  changes.loops = Math.min(changes.loops, run.maxLoops);
  const sameImage = before && before.imageId === run.imageId && sameList(before.classes, run.classes);
  if (before && before.imageId !== run.imageId) changes.added_panel = null; // it was added for that image
  const chosenByPart = before?.pending && sameList(state.classes, [topClass(before, state.loops)]);
  if (!sameImage || !state.classes.length || chosenByPart) changes.classes = [topClass(run, changes.loops)];
  const [a, b] = [state.compare.a, state.compare.b].map((side) => withKnownClass(side, run.classes));
  if (a !== state.compare.a || b !== state.compare.b) changes.compare = { ...state.compare, a, b };
  return changes;
}

/** A side of the comparison, without a class of its own that the checkpoint lacks.
 * @param {Crt.Side} side
 * @param {string[]} known names of the checkpoint's classes
 * @returns {Crt.Side}
 */
export function withKnownClass(side, known) {
  if (side.class === undefined || known.includes(side.class)) return side;
  const { class: _, ...rest } = side;
  return rest;
}

/** The class that CRT (or the first method there is) finds most probable.
 * @param {Crt.Run} run
 * @param {number} loops
 */
export function topClass(run, loops) {
  const method = run.scores.crt ? 'crt' : run.methods[0];
  return sortedClasses(scoreRow(run, method, loops))[0];
}

/** Indices of all classes, those first that CRT, or the first method there is, finds most probable after all its loops.
 * @param {Crt.Run} run
 */
export const probableClasses = (run) => sortedClasses(scoreRow(run, run.scores.crt ? 'crt' : run.methods[0], run.maxLoops));

/** Probabilities of all classes by a method; the loop count only matters to CRT.
 * @param {Crt.Run} run
 * @param {string} method
 * @param {number} loops
 */
export function scoreRow(run, method, loops) {
  const rows = run.scores[method];
  return rows[Math.min(loops, rows.length - 1)];
}

/** A click on a class: alone it replaces the choice, with `several` it joins or leaves it, but one always stays.
 * @param {number[]} chosen
 * @param {number} index
 * @param {boolean} several
 */
export function toggleClass(chosen, index, several) {
  if (!several) return [index];
  if (!chosen.includes(index)) return [...chosen, index];
  return chosen.length > 1 ? chosen.filter((other) => other !== index) : chosen;
}

const METHODS = ['resnet', 'tscam', 'crt', 'crt_cnn'];

/** The networks of a run in the order of the page, also those that are still to come.
 * @param {Pick<Crt.Run, 'methods' | 'pending'>} run
 */
export const networksOf = (run) => METHODS.filter((method) => run.methods.includes(method) || run.pending?.includes(method));

/** Methods of the run whose panel is switched on, in the order of the page.
 * @param {Crt.State} state
 * @param {Crt.Run} run
 */
export function shownMethods(state, run) {
  return METHODS.filter((method) => run.methods.includes(method) && state.visible[method]);
}

/** The map of one method with the settings of the state: { method, classes, map, max, unit, loops, refined, contentSize }.
 *  `own` may fix classes, loops, refined, blocks and pass_reduction against the state's.
 * @param {Crt.State} state
 * @param {Crt.Prediction} prediction
 * @param {string} method
 * @param {Crt.OwnSettings} [own]
 * @returns {Crt.Shown}
 */
export function currentMap(state, prediction, method, own = {}) {
  const wanted = { ...pick(state, ['classes', 'loops', 'refined', 'blocks', 'pass_reduction']), ...own };
  const { classes } = wanted;
  const refined = wanted.refined && prediction.isTransformer(method);
  const loops = Math.min(wanted.loops, prediction.maxLoops(method));
  const blocks = wanted.blocks && prediction.isTransformer(method) ? /** @type {Crt.Size} */ (wanted.blocks.map((b) => Math.min(b, prediction.depth(method) - 1))) : null;
  const map = prediction.map(method, classes, { loops, refined, blocks, pass_reduction: wanted.pass_reduction });
  return { method, classes, map, loops, refined, max: largest(map.data), unit: refined ? 'product' : 'cam', contentSize: prediction.contentSize(method) };
}

/** The line under the controls: what the run was and what it cost.
 * @param {Crt.Run} run
 */
export function statusLine(run) {
  const [height, width] = run.input;
  /** @type {Record<string, string>} */
  const names = { ...METHOD_TITLES, read: 'reading', resize: 'resizing' };
  const stages = Object.entries(run.timings).map(([stage, ms]) => `${names[stage] ?? stage} ${Math.round(ms)} ms`);
  const total = Object.values(run.timings).reduce((sum, ms) => sum + ms, 0);
  const tiles = countWords(run.tiles, 'tile');
  const loops = run.maxLoops ? `0 to ${loopWords(run.maxLoops)}` : 'no loops';
  const from = run.stored ? ' (stored)' : '';
  return {
    text: `Input ${width} × ${height} px${run.capped ? ' (native, reduced)' : ''} · ${tiles}, ${run.mode} · ${loops} · ${Math.round(total)} ms${run.precision === 'bfloat16' ? ' in bfloat16' : ''}${from}`,
    stages: stages.join(' · '),
  };
}

/**
 * @template {object} T
 * @template {keyof T} K
 * @param {T} values
 * @param {K[]} names
 * @returns {Pick<T, K>}
 */
export function pick(values, names) {
  const found = names.filter((name) => values && name in /** @type {object} */ (values)).map((name) => [name, values[name]]);
  return /** @type {Pick<T, K>} */ (Object.fromEntries(found));
}

/**
 * @param {unknown[]} a
 * @param {unknown[]} b
 */
function sameList(a, b) {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
