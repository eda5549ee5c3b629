import assert from 'node:assert/strict';
import { test } from 'node:test';

import { largerWords, noteOf, shapeOf } from '../../app/viewer/explore/input_note.mjs';

const run = (more = {}) => ({ source: [1000, 12000], grid: { content: [28, 336], patchCells: [2, 21] }, tiles: 2, coarse: null, further: null, ...more });

test('what the networks get of a flat image is said in px, patches and tiles', () => {
  const larger = { size: 'native', input: [112, 1344] };
  assert.equal(noteOf(run({ coarse: { larger } })), 'The networks get this image of 12000 × 1000 px as 336 × 28 px: 21 × 2 patches in 2 tiles.');
  assert.match(noteOf(run({ coarse: { larger: null }, tiles: 1 })), /in 1 tile\.$/);
  assert.equal(largerWords(larger), 'Use 1344 × 112 px');
});

test('pages and frames that are not used are named, and nothing is said of other images', () => {
  assert.equal(noteOf(run()), '');
  assert.equal(noteOf({ ...run(), coarse: undefined, further: undefined }), ''); // a file saved by an earlier release
  assert.equal(noteOf(run({ further: 'pages' })), 'This file holds several pages: the first one is used.');
  assert.match(noteOf(run({ further: 'frames', coarse: { larger: null } })), /^This file holds several frames.*\. The networks get/);
});

test('panels of photographs keep their layout, those of strips have their own', () => {
  for (const [width, height] of [[160, 90], [120, 120], [90, 160], [1170, 2532], [4000, 1000]]) assert.equal(shapeOf(width, height), 'plain');
  assert.deepEqual([shapeOf(12000, 1000), shapeOf(600, 100), shapeOf(1000, 12000), shapeOf(30, 100)], ['flat', 'flat', 'narrow', 'narrow']);
});
