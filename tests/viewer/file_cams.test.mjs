import assert from 'node:assert/strict';
import { test } from 'node:test';

import { BadCam, UNNAMED, readWords } from '../../app/viewer/explore/cam_file.mjs';
import * as c from '../../app/viewer/explore/file_cams.mjs';
import { dropKind } from '../../app/viewer/explore/file_panel.mjs';
import { createMaps } from '../../app/viewer/explore/maps.mjs';
import { panelSpecsOf } from '../../app/viewer/explore/panel_specs.mjs';
import { describeSaved, describeView } from '../../app/viewer/export/export.mjs';
import { decode, encode } from '../../app/viewer/permalink/query.mjs';
import { INITIAL } from '../../app/viewer/core/store.mjs';

const map = (h, w, ...values) => ({ data: Float32Array.from(values.length ? values : { length: h * w }, (value, i) => values[i] ?? i), h, w });
const close = (found, wanted, tolerance = 1e-5) => [...found].forEach((value, i) => assert.ok(Math.abs(value - wanted[i]) < tolerance, `${[...found]} against ${wanted}`));
const keep = (image, name, ...maps) => c.fileOf(image, c.keepCams(image, name, c.camsForImage(new Map(maps), ['cat'], [2, 3])));

test('a map without a class belongs to those that are shown, others to their classes', () => {
  const shown = c.camsForImage(new Map([[UNNAMED, map(2, 3)]]), ['cat', 'dog'], [20, 30]);
  assert.deepEqual([...shown.keys()], ['cat', 'dog']);
  assert.deepEqual([...c.camsForImage(new Map([['dog', map(2, 3)]]), ['cat'], [20, 30]).keys()], ['dog']);
  assert.throws(() => c.camsForImage(new Map([['dog', map(4, 3)]]), ['cat'], [20, 30]), BadCam);
});

test('values below 0 are no evidence; the range of the file is kept for the words', () => {
  const { map: cam, low, high, size } = c.camsForImage(new Map([[UNNAMED, map(2, 3, -4, 0, 1, 2, 3, -0.5)]]), ['cat'], [2, 3]).get('cat');
  assert.deepEqual([[...cam.data], low, high, size], [[0, 0, 1, 2, 3, 0], -4, 3, [2, 3]]);
});

test('a large map is averaged over areas, without changing its mean', () => {
  const large = map(2, 1024);
  const small = c.atMost(large, c.SHOWN_MAX_SIDE);
  assert.deepEqual([small.h, small.w], [2, 512]);
  close(small.data.subarray(0, 3), [0.5, 2.5, 4.5]);
  assert.equal(c.atMost(small, 512), small);
  close(c.averaged(map(1, 3, 3, 6, 9), 1, 2).data, [4, 8]);
  close(c.averaged(map(3, 1, 3, 6, 9), 2, 1).data, [4, 8]);
  const noise = map(17, 23, ...Array.from({ length: 17 * 23 }, (_, i) => (i * i * 7) % 101));
  const mean = ({ data }) => data.reduce((a, b) => a + b) / data.length;
  for (const [h, w] of [[2, 2], [5, 7], [16, 22], [17, 23], [3, 23]]) assert.ok(Math.abs(mean(c.averaged(noise, h, w)) - mean(noise)) < 1e-4, `${h} × ${w}`);
});

test('a file given again replaces the former and keeps its number', () => {
  const first = keep('one', 'a', ['cat', map(2, 3)]);
  const other = keep('one', 'b', ['dog', map(2, 3)]);
  const again = keep('one', 'a', ['dog', map(2, 3)]);
  assert.equal(again.id, first.id);
  assert.deepEqual(c.filesOf('one').map(({ id, name }) => [id, name]), [[first.id, 'a'], [other.id, 'b']]);
  assert.deepEqual([...again.cams.keys()], ['dog']);
  assert.equal(c.fileOf('another image', first.id), null);
  c.rename(other, '  Grad-CAM of mine ');
  assert.equal(other.name, 'Grad-CAM of mine');
  c.rename(other, '  ');
  assert.equal(other.name, 'Grad-CAM of mine');
  c.rename(other, 'x'.repeat(100));
  assert.equal(other.name.length, c.NAME_MAX_CHARS);
  assert.deepEqual(['gradcam.NPY', '.npz', 'a.b.png'].map(c.firstName), ['gradcam', 'Map from file', 'a.b']);
});

test('the panel follows the class, with a reason where it has no map', () => {
  const file = keep('panel', 'mine', ['cat', map(2, 3, 0, 1, 2, 3, 4, 5)], ['dog', map(2, 3, 5, 4, 3, 2, 1, -1)]);
  const cat = c.panelOf(file, ['cat']);
  assert.deepEqual([cat.title, cat.note, cat.max, cat.contentSize, cat.unit, cat.empty], ['mine', '0 to 5 on 3 × 2', 5, [2, 3], 'explainer', '']);
  const both = c.panelOf(file, ['cat', 'dog']);
  assert.deepEqual([[...both.map.data], both.note], [[5, 4, 3, 3, 4, 5], '−1 to 5 on 3 × 2']);
  assert.equal(c.panelOf(file, ['cat', 'dog']).map, both.map, 'kept, so that it is interpolated once');
  const some = c.panelOf(file, ['cat', 'bird']);
  assert.deepEqual([some.map, some.note], [cat.map, '0 to 5 on 3 × 2; no map for bird']);
  const none = c.panelOf(file, ['bird']);
  assert.deepEqual([none.title, none.empty, none.map.data.length], ['mine', 'No map for this class', 1]);
  assert.equal(c.panelOf(file, ['bird', 'cow']).empty, 'No map for these classes');
  assert.deepEqual([c.panelOf(null, ['cat']).title, c.panelOf(null, ['cat']).empty], ['Map from file', 'Choose the file again']);
  assert.equal(c.panelOf(keep('panel', 'dark', ['cat', map(2, 3, -1, -2, -3, -1, -1, -1)]), ['cat']).empty, 'No value above 0');
});

test('maps of several classes on other cells are resampled to those of the first', () => {
  const file = keep('cells', 'mine', ['cat', map(2, 3, 0, 0, 0, 0, 0, 9)], ['dog', map(4, 6, ...Array(24).fill(2))]);
  close(c.panelOf(file, ['cat', 'dog']).map.data, [2, 2, 2, 2, 2, 9]);
});

test('the maps come back from an interactive page, many of them smaller', () => {
  const file = keep('saved', 'mine', ['cat', map(2, 3, 0, 1, 2, 3, 4, -5)], ['gone', map(2, 3)], ['dog', map(2, 3, 0, 0, 0, 0, 0, 0)]);
  const saved = JSON.parse(JSON.stringify(c.toSave(file, ['cat', 'dog'])));
  assert.deepEqual(saved.cams.map(({ label }) => label), ['cat', 'dog']);
  const back = c.fileOf('opened', c.keepSaved('opened', saved));
  assert.equal(back.name, 'mine');
  close(back.cams.get('cat').map.data, [0, 1, 2, 3, 4, 0], 4 / 65535);
  assert.deepEqual([c.panelOf(back, ['cat']).note, [...back.cams.get('dog').map.data]], [c.panelOf(file, ['cat']).note, [0, 0, 0, 0, 0, 0]]);
  const many = new Map(Array.from({ length: 200 }, (_, i) => [`class ${i}`, { map: map(300, 400), low: 0, high: 1, size: [300, 400] }]));
  const values = c.toSave({ id: 1, imageId: 'x', name: 'many', cams: many }, [...many.keys()]).cams.reduce((sum, { h, w }) => sum + h * w, 0);
  assert.ok(values > 2 ** 19 && values <= 2 ** 20, String(values));
  assert.equal(c.toSave(file, ['cow']), null);
});

const run = {
  run: 'r', imageId: 'view', classes: ['cat', 'dog'], methods: ['resnet', 'crt'], maxLoops: 2, tiles: 1, input: [20, 30], source: [20, 30],
  scores: { resnet: [[0.5, 0.1]], crt: [[0.1, 0.1], [0.2, 0.1], [0.9, 0.1]] }, chosen: { checkpoint: '', size: '336', mode: 'overlap' }, checkpoint: { modes: ['overlap'] },
};
const prediction = {
  isTransformer: (method) => method === 'crt', maxLoops: (method) => (method === 'crt' ? 2 : 0), depth: () => 12, contentSize: () => [2, 3],
  map: () => map(2, 3, 1, 0, 0, 0, 0, 0),
};
const view = { run, prediction, image: { naturalWidth: 30, naturalHeight: 20 } };
const mine = keep('view', 'Mine', ['cat', map(2, 3, 0, 0, 0, 0, 0, 4)]);
const added_panel = { kind: 'file', id: mine.id };
const state = { ...INITIAL, classes: [0], loops: 2, refined: false, added_panel };
const makeMaps = () => createMaps((now, classes) => now.added_panel && c.panelOf(mine, classes.map((index) => run.classes[index])));
const comparing = (kind, a, b, more = {}) => ({ ...state, ...more, compare: { ...INITIAL.compare, view: kind, a, b } });

test('side by side it is the last panel, with its own range and words', () => {
  const specs = panelSpecsOf(state, view, makeMaps(), c.panelOf(mine, ['cat']));
  const last = specs.at(-1);
  assert.deepEqual([last.key, last.title, last.note, last.empty, last.scales[0].range], ['added_panel', 'Mine', '0 to 4 on 3 × 2', '', 4]);
  assert.match(last.ariaLabel, /Mine map of cat, largest value 4 arbitrary units/);
  assert.equal(panelSpecsOf({ ...state, classes: [1] }, view, makeMaps(), c.panelOf(mine, ['dog'])).at(-1).empty, 'No map for this class');
});

test('an export has it, with its letter where it is compared', () => {
  const panel = c.panelOf(mine, ['cat']);
  const side = describeView(state, view, () => panel);
  assert.deepEqual([side.added_panel.title, side.added_panel.letters, side.added_panel.h, side.added_panel.w], ['Mine', '', 2, 3]);
  const now = comparing('difference', { method: 'crt' }, { method: 'added_panel' });
  const described = describeView(now, view, () => panel);
  assert.deepEqual([described.maps, described.added_panel.letters, described.difference], [[{ method: 'crt', letter: 'A' }], 'B', true]);
});

test('a link is without it; an interactive page has it as the first of its files', () => {
  const now = comparing('difference', { method: 'added_panel' }, { method: 'resnet' }, { added_panel: { kind: 'file', id: 7 } });
  const linked = decode(encode(now, null)).settings;
  assert.deepEqual([linked.added_panel, linked.compare.a, linked.compare.b], [null, INITIAL.compare.a, { method: 'resnet' }]);
  const { settings, problems } = decode(encode(now, null, true));
  assert.deepEqual([settings.added_panel, settings.compare.a, problems], [{ kind: 'file', id: 1 }, { method: 'added_panel' }, []]);
  const explainer = { kind: 'explainer', method: 'crt', name: 'gradcam' };
  const other = decode(encode({ ...now, added_panel: explainer }, null)).settings;
  assert.deepEqual([other.added_panel, other.compare.a], [explainer, { method: 'added_panel' }]);
  for (const wrong of ['file', 'file.0', 'file.a', 'file.1.2', 'toString']) assert.equal(decode(`v=1&x=${wrong}`).problems.length, 1, wrong);
});

test('an interactive page holds the maps of the file that is shown', () => {
  const page = (now) => /** @type {any} */ ({ store: { get: () => now }, scenes: { list: () => [] }, link: { query: (saved) => `v=1&saved=${saved}` }, current: () => ({ run }) });
  const saved = describeSaved(page(state));
  assert.deepEqual([saved.query, saved.file.name, saved.file.cams.map(({ label }) => label)], ['v=1&saved=true', 'Mine', ['cat']]);
  assert.ok(!('file' in describeSaved(page({ ...state, added_panel: null }))));
  assert.ok(!('file' in describeSaved(page({ ...state, added_panel: { kind: 'file', id: 999 } }))));
});

test('what was read in words, and what a dropped file is', () => {
  assert.equal(readWords('a.npy', new Map([[UNNAMED, map(2, 2)]]), ['cat', 'dog']), 'a.npy was read as the map of cat and dog.');
  assert.equal(readWords('a.npz', new Map([['cat', map(2, 2)]]), ['dog']), 'a.npz was read, with maps of cat.');
  const many = new Map('abcdef'.split('').map((name) => [name, map(2, 2)]));
  assert.equal(readWords('a.npz', many, ['dog']), 'a.npz was read, with maps of a, b, c, d and 2 more.');
  assert.deepEqual([dropKind('a.npy', true), dropKind('a.NPZ', true), dropKind('a.png', true), dropKind('a.jpg', true)], ['cam', 'cam', 'png', 'mask']);
  assert.deepEqual([dropKind('a.png', false), dropKind('a.jpg', false)], ['cam', 'cam']);
});

test('the files given first are let go where all are too large', () => {
  const cam = { map: { data: { length: 2 ** 25 }, h: 2 ** 12, w: 2 ** 13 }, low: 0, high: 0, size: [2, 3] };
  for (const name of ['a', 'b', 'c']) c.keepCams('large', name, new Map([['cat', { ...cam, map: { ...cam.map } }]]));
  assert.deepEqual(c.filesOf('large').map(({ name }) => name), ['b', 'c']);
  assert.deepEqual(c.filesOf('one'), []);
});
