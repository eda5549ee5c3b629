// The two grids of the Ablate tab as tables of small maps: sizes × loop counts (Fig. 5), and modes × refinement.

import { ranges } from '../maths/color_scale.mjs';
import { countWords, loopWords } from '../core/words.mjs';
import { make, percent } from '../core/dom.mjs';
import { gridReading } from './readings.mjs';
import { scoreRow } from '../core/store.mjs';
import { iouAt } from '../maths/iou.mjs';

/** @typedef {{ at: Crt.SizeMode, title: string }} Line */
/** @typedef {{ title: string, own: Crt.CellSettings }} Head */
/** @typedef {{ corner: string, heads: Head[], lines: Line[] }} Plan */

/** Rows and columns of a grid: `lines` [{ at: { size, mode }, title }], `heads` [{ title, own: { loops, refined } }].
 * @param {{ sizes: string[], run: Crt.Run, state: Crt.State, loops: number }} of
 * @returns {Plan}
 */
export function sizesPlan({ sizes, run, state, loops }) {
  const { mode } = run.chosen;
  return {
    corner: 'input size', heads: Array.from({ length: loops + 1 }, (_, count) => ({ title: loopWords(count), own: { loops: count, refined: state.refined } })),
    lines: sizes.map((size) => ({ at: { size, mode }, title: sizeWords(size) })),
  };
}

/**
 * @param {{ modes: string[], run: Crt.Run, state: Crt.State }} of
 * @returns {Plan}
 */
export function modesPlan({ modes, run, state }) {
  const { size } = run.chosen;
  return {
    corner: 'mode', heads: [false, true].map((refined) => ({ title: refined ? 'refined' : 'not refined', own: { loops: state.loops, refined } })),
    lines: modes.map((mode) => ({ at: { size, mode }, title: mode })),
  };
}

/** @param {string} size */
export const sizeWords = (size) => (size === 'native' ? 'native' : `${size} px`);

/** Index of the highest of the numbers, null for those not known; -1 unless there are two to compare.
 * @param {(number | null)[]} numbers
 */
export function bestOf(numbers) {
  const known = /** @type {number[]} */ (numbers.filter((value) => value !== null));
  return known.length < 2 ? -1 : numbers.indexOf(Math.max(...known));
}

/** A grid on the page. `pick(at, own, method)` opens a cell in Explore.
 * @param {HTMLTableElement} table
 * @param {HTMLElement} reading
 * @param {Crt.PickCell} pick
 */
export function createGrid(table, reading, pick) {
  /** @typedef {{ canvas: HTMLCanvasElement, numbers: HTMLElement, tags: HTMLElement, name: HTMLElement, button: HTMLButtonElement, open: () => void }} Cell */
  /** @type {Map<string, Cell>} */
  const cells = new Map();
  let built = '';
  /** @type {Crt.DescribedRow[]} */
  let described = []; // what is shown, for an export

  /**
   * @param {string} key
   * @returns {Cell}
   */
  function cell(key) {
    const known = cells.get(key);
    if (known) return known;
    const made = /** @type {Cell} */ ({ canvas: make('canvas', { 'aria-hidden': 'true' }), numbers: make('span', { class: 'numbers' }), tags: make('span', { class: 'tags' }), name: make('span', { class: 'visually-hidden' }), open: () => {} });
    made.button = make('button', { type: 'button', class: 'ablate-cell', on: { click: () => made.open() } }, [made.canvas, made.name, made.numbers, made.tags, make('span', { class: 'visually-hidden', text: '. Open in Explore' })]);
    cells.set(key, made);
    return made;
  }

  /** The table anew, when other rows or columns are there. The cells themselves stay, and with them the focus.
   * @param {Plan} plan
   * @param {Crt.AblationColumn[]} columns
   */
  function build({ corner, heads, lines }, columns) {
    const shape = JSON.stringify([corner, heads.map(({ title }) => title), lines.map(({ at, title }, i) => [at, title, stateOf(columns[i])])]);
    if (shape === built) return;
    built = shape;
    const focused = document.activeElement;
    const head = make('tr', {}, [make('th', { scope: 'col', text: corner }), ...heads.map(({ title }) => make('th', { scope: 'col', text: title }))]);
    const rows = lines.map(({ title }, i) => {
      const about = make('th', { scope: 'row' }, [make('span', { text: title }), make('small', { text: cost(columns[i]) })]);
      if (columns[i].prediction) return make('tr', {}, [about, ...heads.map((_, j) => make('td', {}, [cell(`${i}/${j}`).button]))]);
      const trouble = make('p', { class: columns[i].error ? 'failed' : '', text: wordsOf(columns[i]) });
      return make('tr', { class: columns[i].cannot ? 'cannot' : '' }, [about, make('td', { colspan: heads.length }, [trouble])]);
    });
    table.replaceChildren(...(table.caption ? [table.caption] : []), make('thead', {}, [head]), make('tbody', {}, rows));
    if (focused instanceof HTMLElement && table.contains(focused)) focused.focus();
  }

  /**
   * @param {Plan} plan
   * @param {Crt.AblationScene} scene
   */
  function draw(plan, scene) {
    const { state, run, paint, method, columnOf, measure } = scene;
    const columns = plan.lines.map(({ at }) => columnOf(at));
    build(plan, columns);
    const seen = plan.lines.flatMap(({ at, title }, i) => (isMade(columns[i]) ? plan.heads.map((head, j) => {
      const column = /** @type {Crt.MadeColumn} */ (columns[i]);
      const shown = measure(column, method, head.own);
      const row = scoreRow(column.run, method, shown.loops);
      return {
        ...cell(`${i}/${j}`), made: cell(`${i}/${j}`), row: i, head: head.title, at, own: head.own, shown, name: `${title}, ${head.title}`,
        iou: shown.curve ? iouAt(shown.curve, state.threshold) : null, p: Math.max(...state.classes.map((index) => row[index])),
        here: at.size === run.chosen.size && at.mode === run.chosen.mode && shown.loops === Math.min(state.loops, run.maxLoops) && shown.refined === state.refined,
      };
    }) : []));
    const best = bestOf(seen.map(({ iou }) => iou));
    const vmaxes = ranges(seen.map(({ shown }) => shown), state.scale, state.absolute);
    described = plan.lines.map(({ at, title }, i) => ({ title, ...at, trouble: columns[i].prediction ? '' : wordsOf(columns[i]), cells: [] }));
    seen.forEach((one, k) => {
      paint(one.canvas, one.shown, vmaxes[k], state);
      one.made.open = () => pick(one.at, one.own, method);
      const tags = [...(k === best ? ['best'] : []), ...(one.here ? ['set now'] : [])];
      one.tags.replaceChildren(...tags.map((text) => make('span', { text, class: text === 'best' ? 'best' : '' })));
      one.button.classList.toggle('is-best', k === best);
      described[one.row].cells.push({ title: one.head, note: tags.join(', '), method, loops: one.shown.loops, refined: one.shown.refined });
      const numbers = [...(one.iou === null ? [] : [`IoU ${percent(one.iou)}`]), `p ${percent(one.p)}`];
      one.numbers.replaceChildren(...numbers.map((text) => make('span', { text })));
      one.made.name.textContent = `${one.name}, `;
    });
    reading.textContent = gridReading(seen, state.threshold);
  }

  return { draw, shown: () => ({ rows: described, reading: reading.textContent }) };
}

/** @param {Crt.AblationColumn} column */
/** Whether a column has its maps.
 * @param {Crt.AblationColumn} column
 * @returns {column is Crt.MadeColumn}
 */
export const isMade = (column) => Boolean(column.prediction && column.run);

/** @param {Crt.AblationColumn} column */
const stateOf = (column) => (column.prediction ? ['maps', cost(column)] : wordsOf(column));
/** @param {Crt.AblationColumn} column */
const wordsOf = ({ cannot, error, waits }) => cannot ?? error ?? (waits ? 'Computing…' : 'Not run yet');

/** @param {Crt.AblationColumn} column */
function cost({ run }) {
  return run ? countWords(run.tiles, 'tile') : '';
}
