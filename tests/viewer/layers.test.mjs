import assert from 'node:assert/strict';
import { test } from 'node:test';

import { cellWords, chosenCell, isPinned, panelOf } from '../../app/viewer/attention/layer_cell.mjs';
import { lineOf, linesFor, stepInGrid } from '../../app/viewer/attention/layer_grid.mjs';
import { passWords, passesOf } from '../../app/viewer/attention/layer_maps.mjs';

test('keys lead through the matrix and stop at its edges; the header of a row is its first column', () => {
  const size = { rows: 12, columns: 5 };
  const step = (key, row, column, ctrl = false) => {
    const to = stepInGrid(key, ctrl, { row, column }, size);
    return to && [to.row, to.column];
  };
  assert.deepEqual(step('ArrowRight', 3, 1), [3, 2]);
  assert.deepEqual(step('ArrowLeft', 3, 1), [3, 0]);
  assert.deepEqual(step('ArrowLeft', 3, 0), [3, 0]);
  assert.deepEqual(step('ArrowRight', 3, 4), [3, 4]);
  assert.deepEqual(step('ArrowUp', 0, 2), [0, 2]);
  assert.deepEqual(step('ArrowDown', 11, 2), [11, 2]);
  assert.deepEqual(step('ArrowDown', 4, 2), [5, 2]);
  assert.deepEqual([step('Home', 4, 2), step('End', 4, 2)], [[4, 0], [4, 4]]);
  assert.deepEqual([step('Home', 4, 2, true), step('End', 4, 2, true)], [[0, 0], [11, 4]]);
  for (const key of ['Enter', ' ', 'Tab', 'a', 'constructor', 'Escape']) assert.equal(step(key, 4, 2), null);
});

test('every cell is reached from every other by arrow keys', () => {
  const size = { rows: 3, columns: 3 };
  const reached = new Set(['0,0']);
  const waiting = [{ row: 0, column: 0 }];
  for (const from of waiting) {
    for (const key of ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight']) {
      const to = stepInGrid(key, false, from, size);
      if (reached.has(`${to.row},${to.column}`)) continue;
      reached.add(`${to.row},${to.column}`);
      waiting.push(to);
    }
  }
  assert.equal(reached.size, 9);
});

test('each block has lines for its cells, the enlarged cell and the heads, below the titles', () => {
  const blocks = 12;
  const lines = Array.from({ length: blocks }, (_, block) => lineOf(block)).flatMap((line) => [line, line + 1, line + 2]);
  assert.deepEqual(lines, Array.from({ length: 3 * blocks }, (_, i) => i + 2));
  assert.equal(linesFor(blocks), lines.at(-1));
});

test('a cell that the network does not have is not chosen', () => {
  const prediction = { depth: () => 6, passes: (method) => (method === 'crt' ? 4 : 1) };
  const layers = { method: 'crt', head: null, scale: 'cell', block: 5, pass: 3 };
  assert.deepEqual(chosenCell(layers, prediction, 'crt'), { block: 5, pass: 3 });
  assert.equal(chosenCell(layers, prediction, 'tscam'), null);
  assert.equal(chosenCell({ ...layers, block: 6 }, prediction, 'crt'), null);
  assert.equal(chosenCell({ ...layers, block: null }, prediction, 'crt'), null);
  assert.equal(chosenCell({ ...layers, pass: null }, prediction, 'crt'), null);
  assert.deepEqual(chosenCell({ ...layers, block: 0, pass: 0 }, prediction, 'tscam'), { block: 0, pass: 0 });
});

test('a pinned cell is recognised by network, block, pass and head', () => {
  const chosen = { method: 'crt', cell: { block: 9, pass: 2 }, head: 1 };
  const panel = panelOf(chosen);
  assert.deepEqual(panel, { kind: 'attention', method: 'crt', pass: 2, block: 9, head: 1 });
  assert.equal(isPinned(panel, chosen), true);
  assert.equal(isPinned(null, chosen), false);
  assert.equal(isPinned({ kind: 'explainer', method: 'crt', name: 'gradcam' }, chosen), false);
  for (const change of [{ method: 'tscam' }, { pass: 1 }, { block: 8 }, { head: null }]) assert.equal(isPinned({ ...panel, ...change }, chosen), false);
  assert.equal(cellWords(chosen), 'block 10, pass 3, head 2');
  assert.equal(cellWords({ ...chosen, head: null }), 'block 10, pass 3, mean of all heads');
});

test('the loop count takes the first passes, and 0 loops the one of 1 loop', () => {
  assert.deepEqual([0, 1, 2, 3, 4].map((loops) => passesOf(loops, 4)), [1, 1, 2, 3, 4]);
  assert.equal(passesOf(3, 1), 1);
  const prediction = { passes: (method) => (method === 'crt' ? 4 : 1), maxLoops: (method) => (method === 'crt' ? 4 : 0) };
  const words = (loops, method = 'crt') => passWords(prediction, method, loops);
  assert.deepEqual([0, 1, 2, 3].map((loops) => words(loops)), ['4 passes, of which 0 loops take pass 1', '4 passes, of which 1 loop takes pass 1', '4 passes, of which 2 loops take passes 1 and 2', '4 passes, of which 3 loops take passes 1 to 3']);
  assert.equal(words(3, 'tscam'), '1 pass');
});
