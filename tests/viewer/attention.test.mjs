import assert from 'node:assert/strict';
import { test } from 'node:test';

import { patchAt, placeTile, tokenAttention } from '../../app/viewer/attention/inspect.mjs';
import { headRows, toggleBlock } from '../../app/viewer/attention/layer_maps.mjs';

test('a token\'s attention: one block and head, or means over them', () => {
  const array = { shape: [2, 2, 2, 3], data: Float32Array.from({ length: 24 }, (_, i) => i) };
  assert.deepEqual([...tokenAttention(array, { pass: 1, block: 0, head: 1 })], [15, 16, 17]);
  assert.deepEqual([...tokenAttention(array, { pass: 0, block: 1, head: null })], [7.5, 8.5, 9.5]);
  assert.deepEqual([...tokenAttention(array, { pass: 0, block: null, head: null })], [4.5, 5.5, 6.5]);
});

test('a tile is put at its position and cut at the border of the image', () => {
  const grid = { patchCells: [3, 5], shape: [1, 2], stride: 32, patch: 16 }; // tiles of 4 × 4 patches, 2 apart
  const { data, inside } = placeTile(Float32Array.from({ length: 16 }, (_, i) => i + 1), 1, grid);
  assert.deepEqual([...data], [0, 0, 1, 2, 3, 0, 0, 5, 6, 7, 0, 0, 9, 10, 11]);
  assert.deepEqual([...inside], [0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1]);
});

test('rows of one head', () => {
  const array = { shape: [1, 2, 2, 2, 2], data: Float32Array.from({ length: 16 }, (_, i) => i) };
  assert.deepEqual([...headRows(array, 0, 1, 1)], [12, 13, 14, 15]);
});

test('a range of blocks grows towards the block chosen, and all blocks are no range', () => {
  assert.deepEqual(toggleBlock(null, 3, 12), [3, 3]);
  assert.deepEqual(toggleBlock([3, 3], 7, 12), [3, 7]);
  assert.deepEqual(toggleBlock([3, 7], 1, 12), [1, 7]);
  assert.deepEqual(toggleBlock([3, 7], 5, 12), [5, 5]);
  assert.equal(toggleBlock([5, 5], 5, 12), null);
  assert.equal(toggleBlock([1, 11], 0, 12), null);
});

test('the patch at a point is the one that the point lies in, at the edges the last', () => {
  const grid = { content: [28, 336], patch: 16, patchCells: [2, 21] };
  assert.deepEqual(patchAt({ x: 0, y: 0 }, grid), [0, 0]);
  assert.deepEqual(patchAt({ x: 0.5, y: 0.6 }, grid), [1, 10]); // the second row is cut off by the image's edge
  assert.deepEqual(patchAt({ x: 1, y: 1 }, grid), [1, 20]);
});
