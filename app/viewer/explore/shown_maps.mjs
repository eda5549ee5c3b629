// Which maps the Explore tab shows: the network of each, and what it fixes against the settings of the page.

import { shownMethods } from '../core/store.mjs';

const LETTERS = ['A', 'B'];

/** A side of the comparison as this run has it: its method, or the first there is, and its own settings.
 * @param {Crt.Side} wanted
 * @param {Pick<Crt.Run, 'methods'>} run
 * @returns {{ method: string, own: Omit<Crt.Side, 'method'> }}
 */
export function sideOf(wanted, run) {
  const { method, ...own } = wanted;
  if (run.methods.includes(method)) return { method, own };
  return { method: run.methods.includes('crt') ? 'crt' : run.methods[0], own };
}

/** The maps on the screen, in order; `letter` is A or B where two are compared, else empty.
 * @param {Crt.State} state
 * @param {Crt.Run} run
 * @returns {{ method: string, letter: string, own: Partial<Crt.Settings> }[]}
 */
export function shownMaps(state, run) {
  const { view, a, b } = state.compare;
  if (view === 'side') return shownMethods(state, run).map((method) => ({ method, letter: '', own: {} }));
  return [a, b].map((side, i) => ({ ...sideOf(side, run), letter: LETTERS[i] }));
}
