// Which maps the Explore tab shows: the network of each, and what it fixes against the settings of the page.

import { chosenNames } from './maps.mjs';
import { probableClasses, shownMethods } from '../core/store.mjs';

const LETTERS = ['A', 'B'];
export const MAX_GRID_CLASSES = 4; // rows of the grid of classes

/** In the place of a network: the map of the added panel. */
export const ADDED_PANEL = 'added_panel';

/** Whether an added panel has a map for each class: a file and an explainer of a network of the run have, attention has none.
 * @param {Crt.State['added_panel']} added
 * @param {Pick<Crt.Run, 'methods'>} run
 */
export const hasClasses = (added, run) => added?.kind === 'file' || (added?.kind === 'explainer' && run.methods.includes(added.method));

/** `letter`: A or B where two are compared, else empty; `subject`: the names of the map's classes where the maps on the screen are not all of
 *  the classes chosen, else empty.
 * @typedef {{ method: string, letter: string, own: Crt.OwnSettings, subject: string }} ShownMap
 */

/** A side of the comparison as this run has it: its method, or the first there is, and its own settings, as far as the run has them.
 *  `added`: the panel that the user has added, which may be a side too, with a class of its own where it has classes.
 * @param {Crt.Side} wanted
 * @param {Pick<Crt.Run, 'methods' | 'classes'>} run
 * @param {Crt.State['added_panel']} [added]
 * @returns {{ method: string, own: Crt.OwnSettings }}
 */
export function sideOf(wanted, run, added = null) {
  const { method, class: name, ...rest } = wanted;
  const index = name === undefined ? -1 : run.classes.indexOf(name);
  /** @type {Crt.OwnSettings} */
  const own = index < 0 ? rest : { ...rest, classes: [index] };
  if (run.methods.includes(method)) return { method, own };
  if (method === ADDED_PANEL && added) return { method, own: own.classes && hasClasses(added, run) ? { classes: own.classes } : {} };
  return { method: run.methods.includes('crt') ? 'crt' : run.methods[0], own };
}

/** The maps on the screen, in order.
 * @param {Crt.State} state
 * @param {Crt.Run} run
 * @returns {ShownMap[]}
 */
export function shownMaps(state, run) {
  const { view, a, b } = state.compare;
  if (view === 'side') return shownMethods(state, run).map((method) => ({ method, letter: '', own: {}, subject: '' }));
  if (view === 'classes') {
    const methods = gridMethods(state, run);
    return gridClasses(state, run).flatMap((index) => methods.map((method) => ({ method, letter: '', own: { classes: [index] }, subject: run.classes[index] })));
  }
  const sides = [a, b].map((side) => sideOf(side, run, state.added_panel));
  const named = sides.some(({ own }) => own.classes && own.classes.join() !== state.classes.join());
  return sides.map(({ method, own }, i) => ({ method, letter: LETTERS[i], own, subject: named ? chosenNames({ classes: own.classes ?? state.classes }, run) : '' }));
}

/** The classes of the grid, a row each: those chosen if they are several, else the most probable ones and the one chosen, which is the last
 *  where it is none of them. Their order stays while loops change.
 * @param {Pick<Crt.State, 'classes'>} state
 * @param {Crt.Run} run
 */
export function gridClasses({ classes }, run) {
  if (classes.length > 1) return classes.slice(0, MAX_GRID_CLASSES);
  const first = probableClasses(run).slice(0, MAX_GRID_CLASSES);
  return classes.every((index) => first.includes(index)) ? first : [...first.slice(0, -1), ...classes];
}

/** The columns of the grid: the networks switched on, and the added panel where it has a map for each class; all networks where
 *  there is neither.
 * @param {Crt.State} state
 * @param {Crt.Run} run
 */
export function gridMethods(state, run) {
  const methods = [...shownMethods(state, run), ...(hasClasses(state.added_panel, run) ? [ADDED_PANEL] : [])];
  return methods.length ? methods : run.methods;
}

/** The classes of each map of the added panel on the screen, those of several maps once.
 * @param {Crt.State} state
 * @param {Crt.Run} run
 * @returns {number[][]}
 */
export function addedClasses(state, run) {
  if (!state.added_panel) return [];
  if (state.compare.view === 'side') return [state.classes];
  const found = shownMaps(state, run).filter(({ method }) => method === ADDED_PANEL).map(({ own }) => own.classes ?? state.classes);
  return found.filter((classes, i) => found.findIndex((other) => other.join() === classes.join()) === i);
}

/** The classes of the maps on the screen in words: with + between those that one map shows, with commas between those of several maps.
 * @param {Crt.State} state
 * @param {Crt.Run} run
 */
export function shownNames(state, run) {
  const names = shownMaps(state, run).map(({ own, subject }) => subject || chosenNames({ classes: own.classes ?? state.classes }, run));
  return names.length ? [...new Set(names)].join(', ') : chosenNames(state, run);
}

/** The classes of the maps on the screen, each once, or those chosen where there is none.
 * @param {Crt.State} state
 * @param {Crt.Run} run
 */
export function shownClasses(state, run) {
  const classes = shownMaps(state, run).flatMap(({ own }) => own.classes ?? state.classes);
  return classes.length ? [...new Set(classes)] : state.classes;
}
