// The keys of a presentation.

import { loopWords } from '../core/words.mjs';

/** @type {Record<string, number>} */
const STEPS = { ArrowRight: 1, PageDown: 1, ' ': 1, ArrowLeft: -1, PageUp: -1, Home: -Infinity, End: Infinity };
/** @type {Record<string, number>} */
const LOOPS = { ArrowUp: 1, ArrowDown: -1 };

/** What the list of keys has: [keys, what they do]. */
export const KEY_LIST = /** @type {const} */ ([
  ['→ · Page Down · Space', 'Next slide'],
  ['← · Page Up', 'Previous slide'],
  ['Home · End', 'First and last slide'],
  ['↑ ↓', 'More or fewer loops of CRT'],
  ['R', 'Refinement on or off'],
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

/** What a key changes of the maps, and the value in words; null if it changes nothing.
 * @param {string} key
 * @param {Pick<Crt.State, 'loops' | 'refined'>} state
 * @param {Pick<Crt.Run, 'maxLoops'>} run
 * @returns {{ changes: Partial<Crt.State>, text: string } | null}
 */
export function adjusted(key, state, { maxLoops }) {
  if (Object.hasOwn(LOOPS, key)) {
    const loops = Math.min(maxLoops, Math.max(0, state.loops + LOOPS[key]));
    return { changes: { loops }, text: loopWords(loops) };
  }
  if (key !== 'r' && key !== 'R') return null;
  return { changes: { refined: !state.refined }, text: state.refined ? 'Not refined' : 'Refined' };
}
