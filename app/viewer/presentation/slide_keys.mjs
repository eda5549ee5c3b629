// The keys of a presentation.

import { loopWords } from '../core/words.mjs';
import { followsLoops } from '../explore/player.mjs';
import { shownMaps } from '../explore/shown_maps.mjs';
import { sourceMethod } from '../masks/mask_export.mjs';
import { neededAnswers } from './scene_answers.mjs';

/** @type {Record<string, number>} */
const STEPS = { ArrowRight: 1, PageDown: 1, ' ': 1, ArrowLeft: -1, PageUp: -1, Home: -Infinity, End: Infinity };
/** @type {Record<string, number>} */
const LOOPS = { ArrowUp: 1, ArrowDown: -1 };

/** What the list of keys has: [keys, what they do]. */
export const KEY_LIST = /** @type {const} */ ([
  ['→ · Page Down · Space', 'Next slide'],
  ['← · Page Up', 'Previous slide'],
  ['Home · End', 'First and last slide'],
  ['↑ ↓', 'More or fewer loops of CRT, where the slide depends on them'],
  ['R', 'Refinement on or off, where the slide depends on it'],
  ['?', 'This list'],
  ['Esc', 'End the presentation'],
]);

/** Where a key leads from slide `index` of `count`, or null if it leads nowhere.
 * @param {string} key
 * @param {number} index
 * @param {number} count
 */
export function target(key, index, count) {
  if (!Object.hasOwn(STEPS, key)) return null;
  return Math.min(count - 1, Math.max(0, index + STEPS[key]));
}

/** What a key changes of the maps, and the value in words; null if the slide does not depend on it, or shows then what only the
 *  server can compute.
 * @param {string} key
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @param {Pick<Crt.Page['answers'], 'get'>} answers
 * @returns {{ changes: Partial<Crt.State>, text: string } | null}
 */
export function adjusted(key, state, view, answers) {
  const change = changeOf(key, state, view);
  if (!change) return null;
  const known = neededAnswers(state, view.run).map((one) => one.key);
  const here = neededAnswers({ ...state, ...change.changes }, view.run).every((one) => known.includes(one.key) || answers.get(one.key));
  return here ? change : null;
}

/**
 * @param {string} key
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @returns {{ changes: Partial<Crt.State>, text: string } | null}
 */
function changeOf(key, state, view) {
  if (Object.hasOwn(LOOPS, key) && showsLoops(state, view)) {
    const loops = Math.min(view.run.maxLoops, Math.max(0, state.loops + LOOPS[key]));
    return { changes: { loops }, text: loopWords(loops) };
  }
  if (!['r', 'R'].includes(key) || !showsRefinement(state, view)) return null;
  return { changes: { refined: !state.refined }, text: state.refined ? 'Not refined' : 'Refined' };
}

/**
 * @param {Crt.State} state
 * @param {Crt.View} view
 */
function showsLoops(state, { run }) {
  if (!run.maxLoops) return false;
  if (state.tab === 'explore') return shownMaps(state, run).some(({ method, own }) => method === 'crt' && own.loops === undefined);
  return followsLoops({ ...state, mask: { ...state.mask, method: sourceMethod(state, run) } });
}

/** Among the modes both refinements stand beside each other, and the rungs of the ladder have their own.
 * @param {Crt.State} state
 * @param {Crt.View} view
 */
function showsRefinement(state, { run, prediction }) {
  const { tab, ablate } = state;
  if (tab === 'explore') return shownMaps(state, run).some(({ method, own }) => prediction.isTransformer(method) && own.refined === undefined);
  if (tab === 'masks') return prediction.isTransformer(sourceMethod(state, run));
  return tab === 'ablate' && ['sizes', 'curves'].includes(ablate.show) && run.methods.some(prediction.isTransformer);
}
