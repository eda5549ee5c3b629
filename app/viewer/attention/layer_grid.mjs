// The matrix of the Layers tab: a row for each block with its header, a column for each pass, and cells to choose. For the
// keyboard it is one stop, inside which the arrow keys lead from one button to the next (the grid pattern of ARIA).

import { make } from '../core/dom.mjs';

const LINES = 3; // lines of the CSS grid for each block: its cells, the enlarged cell, and the heads where they are below it
const HEAD_LINE = 1;

/** A block and a pass, from 0.
 * @typedef {{ block: number, pass: number }} Cell
 */
/** A button of the matrix: rows from 0, column 0 for the header of the row, k for pass k.
 * @typedef {{ row: number, column: number }} Place
 */
/** What a cell shows: its thumbnail, its value as it is read, and what that is a value of.
 * @typedef {{ canvas: HTMLCanvasElement, value: string, meaning: string }} CellContent
 */

/** Where a key leads in the matrix, null for a key that has no meaning there. Home and End lead to the ends of the row,
 *  with Ctrl to those of the matrix.
 * @param {string} key
 * @param {boolean} ctrl
 * @param {Place} from
 * @param {{ rows: number, columns: number }} size
 * @returns {Place | null}
 */
export function stepInGrid(key, ctrl, { row, column }, { rows, columns }) {
  const within = (/** @type {number} */ value, /** @type {number} */ count) => Math.min(count - 1, Math.max(0, value));
  const to = (/** @type {number} */ nextRow, /** @type {number} */ nextColumn) => ({ row: within(nextRow, rows), column: within(nextColumn, columns) });
  switch (key) {
    case 'ArrowUp': return to(row - 1, column);
    case 'ArrowDown': return to(row + 1, column);
    case 'ArrowLeft': return to(row, column - 1);
    case 'ArrowRight': return to(row, column + 1);
    case 'Home': return to(ctrl ? 0 : row, 0);
    case 'End': return to(ctrl ? rows - 1 : row, columns - 1);
    default: return null;
  }
}

/** The line of the CSS grid on which the cells of a block lie; the enlarged cell is on the next, and its heads after that.
 * @param {number} block
 */
export const lineOf = (block) => HEAD_LINE + 1 + LINES * block;

/** Lines of the CSS grid for so many blocks.
 * @param {number} blocks
 */
export const linesFor = (blocks) => HEAD_LINE + LINES * blocks;

/**
 * @param {HTMLElement} host has the role grid
 * @param {{ choose(cell: Cell): void, refine(block: number): void, close(): void }} on
 */
export function createLayerGrid(host, { choose, refine, close }) {
  /** @type {Place} */
  let here = { row: 0, column: 1 };
  let size = { rows: 0, columns: 0 };
  const buttonAt = (/** @type {Place} */ { row, column }) => /** @type {HTMLButtonElement | null} */ (host.querySelector(`button[data-row="${row}"][data-column="${column}"]`));
  const placeOf = (/** @type {EventTarget | null} */ target) => {
    const { row, column } = /** @type {HTMLElement} */ (target).dataset;
    return row === undefined || column === undefined ? null : { row: Number(row), column: Number(column) };
  };

  host.addEventListener('focusin', (event) => {
    const place = placeOf(event.target);
    if (place) stopAt(place);
  });
  host.addEventListener('keydown', (event) => {
    const place = placeOf(event.target);
    if (!place || event.altKey || event.metaKey || event.shiftKey) return;
    if (event.key === 'Escape') return close();
    const next = stepInGrid(event.key, event.ctrlKey, place, size);
    if (!next) return;
    event.preventDefault();
    buttonAt(next)?.focus();
  });

  /** Make a button the one that the tabulator reaches.
   * @param {Place} place
   */
  function stopAt(place) {
    const before = buttonAt(here);
    if (before) before.tabIndex = -1;
    here = place;
    const now = buttonAt(here);
    if (now) now.tabIndex = 0;
  }

  /** A button of the matrix with its place.
   * @param {Place} place
   * @param {Record<string, any>} attributes
   * @param {(Node | string)[]} children
   */
  const button = ({ row, column }, attributes, children) => make('button', { type: 'button', tabindex: -1, 'data-row': row, 'data-column': column, ...attributes }, children);
  const hiddenText = (/** @type {string} */ text) => make('span', { class: 'visually-hidden', text });

  /** Where a node lies in the CSS grid, for the style sheet: its line, and its place across and down where the blocks are
   *  side by side, as in Present.
   * @param {HTMLElement} node
   * @param {{ block?: number, pass?: number }} at
   */
  function placed(node, { block = -1, pass = -1 }) {
    node.style.setProperty('--grid-line', String(block < 0 ? HEAD_LINE : lineOf(block)));
    node.style.setProperty('--across', String(HEAD_LINE + 1 + block));
    node.style.setProperty('--down', String(HEAD_LINE + 1 + pass));
    return node;
  }

  /** Mark the title or a cell of a pass by whether the loop count takes it.
   * @param {Element} node
   * @param {boolean} used
   */
  function takes(node, used) {
    node.setAttribute('data-used', used ? 'yes' : 'no');
    node.setAttribute('aria-description', used ? '' : 'not taken by the loops that are set');
  }

  /** @param {number} passes */
  function headRow(passes) {
    const title = (/** @type {string} */ text, /** @type {number} */ pass) => placed(make('div', { role: 'columnheader', class: 'layers-title', text }), { pass });
    return make('div', { role: 'row', class: 'layers-row' }, [title('Block', -1), ...Array.from({ length: passes }, (_, pass) => title(`Pass ${pass + 1}`, pass))]);
  }

  /**
   * @param {CellContent[]} cells
   * @param {number} block
   */
  function blockRow(cells, block) {
    const name = button({ row: block, column: 0 }, {
      class: 'layers-name', title: 'Refine with this block; another extends the range', on: { click: () => refine(block) },
    }, [hiddenText('Block '), String(block + 1)]);
    return make('div', { role: 'row', class: 'layers-row layers-block', 'data-block': block }, [
      placed(make('div', { role: 'rowheader', class: 'layers-header' }, [name]), { block }),
      ...cells.map(({ canvas, value, meaning }, pass) => placed(make('div', { role: 'gridcell', class: 'layers-place' }, [
        button({ row: block, column: pass + 1 }, { class: 'layers-cell', title: `Block ${block + 1}, pass ${pass + 1}: ${value}, ${meaning}`, on: { click: () => choose({ block, pass }) } }, [
          canvas, hiddenText(`Block ${block + 1}, pass ${pass + 1}: `), make('span', { class: 'layers-value', text: value }), hiddenText(`, ${meaning}`),
        ]),
      ]), { block, pass })),
    ]);
  }

  return {
    /** Show the cells of each block, one for each pass. The focus stays where it is.
     * @param {CellContent[][]} blocks
     */
    draw(blocks) {
      const passes = blocks[0]?.length ?? 0;
      const focused = host.contains(document.activeElement);
      size = { rows: blocks.length, columns: passes + 1 };
      host.replaceChildren(headRow(passes), ...blocks.map(blockRow));
      stopAt({ row: Math.min(here.row, size.rows - 1), column: Math.min(here.column, passes) });
      if (focused) buttonAt(here)?.focus();
    },
    /** Mark the chosen cell, the blocks that refine, and the first passes, which the loop count takes.
     * @param {Cell | null} chosen
     * @param {(block: number) => boolean} isUsed
     * @param {number} passes
     */
    mark(chosen, isUsed, passes) {
      host.querySelectorAll('.layers-title').forEach((title, column) => column && takes(title, column - 1 < passes));
      for (const row of /** @type {NodeListOf<HTMLElement>} */ (host.querySelectorAll('.layers-block'))) {
        const block = Number(row.dataset.block);
        const used = isUsed(block);
        row.dataset.used = used ? 'yes' : 'no';
        buttonAt({ row: block, column: 0 })?.setAttribute('aria-pressed', String(used));
        row.querySelectorAll('.layers-place').forEach((place, pass) => {
          const open = String(chosen?.block === block && chosen.pass === pass);
          takes(place, pass < passes);
          place.setAttribute('aria-selected', open);
          place.firstElementChild?.setAttribute('aria-expanded', open);
        });
      }
    },
    /** The button of a cell.
     * @param {Cell} cell
     */
    cell: ({ block, pass }) => buttonAt({ row: block, column: pass + 1 }),
  };
}
