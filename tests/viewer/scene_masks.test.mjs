import assert from 'node:assert/strict';
import test from 'node:test';

import { INITIAL } from '../../app/viewer/core/store.mjs';
import { dropFile, groundTruthOf, keepFile, keepSoftFile } from '../../app/viewer/ground_truth/ground_truth.mjs';
import { keysOf, openKept, packKept, readScenes, writeScenes } from '../../app/viewer/presentation/scene_file.mjs';
import { areMasks, givenMasks, keepMasks, shownMasks } from '../../app/viewer/presentation/scene_masks.mjs';

const [H, W] = [30, 40];
const viewOf = (imageId) => ({ run: { imageId, classes: ['cat', 'dog'] }, image: { naturalWidth: W, naturalHeight: H } });
const truth = (imageId, index) => groundTruthOf({ ...INITIAL, classes: [index] }, viewOf(imageId));
const labels = Uint8Array.from({ length: H * W }, (_, i) => (i % W < 10 ? 1 : i % W > 35 ? 255 : i % 7 === 0 ? 2 : 0));

test('masks from files come back as they were, with what does not count', () => {
  keepFile('a', { h: H, w: W, labels }, { cat: 1, dog: 2 });
  const masks = givenMasks({ ...INITIAL, classes: [0] }, viewOf('a'));
  assert.deepEqual(masks.map(({ label }) => label), ['cat', 'dog']);
  assert.ok(areMasks(masks));
  keepMasks('b', masks);
  const [{ h, w }] = masks;
  for (const index of [0, 1]) {
    for (const what of ['raster', 'ignore']) assert.deepEqual(truth('b', index)[what](h, w), truth('a', index)[what](h, w));
    assert.ok(truth('b', index).polygons.length > 0);
  }
  assert.deepEqual(givenMasks(INITIAL, viewOf('b')), masks);
});

test('a mask that is there already stays, another gives way', () => {
  keepSoftFile('c', { h: H, w: W, labels }, 'cat', 0.5);
  const masks = givenMasks(INITIAL, viewOf('c'));
  keepMasks('c', masks);
  assert.deepEqual(truth('c', 0).cutoffs, { cat: 0.5 });
  keepFile('c', { h: H, w: W, labels: new Uint8Array(H * W).fill(1) }, { cat: 1 });
  assert.notDeepEqual(givenMasks(INITIAL, viewOf('c')), masks);
  keepMasks('c', masks);
  assert.deepEqual(givenMasks(INITIAL, viewOf('c')), masks);
});

test('a scene names its masks, which go into a file of scenes and come out of it', () => {
  keepFile('d', { h: H, w: W, labels }, { cat: 1 });
  const [key, value] = shownMasks(INITIAL, viewOf('d'));
  const scene = { title: 'A', query: 'v=1&l=2', run: '["run","d"]', masks: key };
  assert.deepEqual(readScenes(writeScenes([scene])).scenes, [scene]);
  assert.ok(keysOf([scene]).has(key));
  const opened = openKept(JSON.parse(JSON.stringify(packKept(new Map([[key, value]])))));
  assert.deepEqual(opened.get(key)?.masks, value.masks);
  assert.deepEqual(readScenes(writeScenes([{ ...scene, masks: '["cams","d"]' }])).scenes, [{ title: 'A', query: 'v=1&l=2', run: '["run","d"]' }]);
  dropFile('d', ['cat']);
  assert.equal(shownMasks(INITIAL, viewOf('d')), null);
  const drawn = { ...INITIAL, drawn: { a: [{ label: 'cat', polygon: [[0, 0], [1, 0], [1, 1]] }] } };
  assert.deepEqual(givenMasks(drawn, viewOf('a')).map(({ label }) => label), ['dog'], 'shapes come first');
});

test('what is no mask is left out', () => {
  const one = { label: 'cat', h: 2, w: 5, inside: 'gAA=', ignore: null };
  assert.ok(areMasks([one]) && areMasks([{ ...one, ignore: 'AAA=' }]));
  const bad = [null, {}, { ...one, label: 3 }, { ...one, h: 0 }, { ...one, h: 2.5 }, { ...one, w: 5000 }, { ...one, inside: 'gAAA' }, { ...one, inside: 'gA==' }, { ...one, inside: null }, { ...one, ignore: 'x' }, { ...one, ignore: undefined }];
  for (const found of [null, [], 'x', ...bad.map((each) => [each])]) assert.equal(areMasks(found), false, JSON.stringify(found));
});
