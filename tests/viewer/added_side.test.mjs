import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createMaps, nameOf, titleOf } from '../../app/viewer/explore/maps.mjs';
import { panelSpecsOf } from '../../app/viewer/explore/panel_specs.mjs';
import { addedClasses, gridMethods, hasClasses, shownMaps, sideOf } from '../../app/viewer/explore/shown_maps.mjs';
import { describeView } from '../../app/viewer/export/export.mjs';
import { wantedMaps } from '../../app/viewer/export/snippet.mjs';
import { decode, encode } from '../../app/viewer/permalink/query.mjs';
import { words } from '../../app/viewer/presentation/scenes.mjs';
import { INITIAL } from '../../app/viewer/core/store.mjs';

const map = (h, w, ...values) => ({ data: Float32Array.from(values), h, w });
const run = {
  run: 'r', imageId: 'p', classes: ['cat', 'dog'], methods: ['resnet', 'crt'], maxLoops: 2, tiles: 1, input: [20, 30], source: [20, 30],
  scores: { resnet: [[0.5, 0.1]], crt: [[0.1, 0.1], [0.2, 0.1], [0.9, 0.1]] },
};
const prediction = {
  isTransformer: (method) => method === 'crt', maxLoops: (method) => (method === 'crt' ? 2 : 0), depth: () => 12, contentSize: () => [2, 3],
  map: () => map(2, 3, 1, 0, 0, 0, 0, 0),
};
const view = { run, prediction, image: { naturalWidth: 30, naturalHeight: 20 } };
const added_panel = { kind: 'explainer', method: 'crt', name: 'gradcam' };
const panel = { title: 'Grad-CAM', note: 'of CRT, 30 ms', map: map(2, 3, 0, 0, 0, 0, 0, 4), contentSize: [2, 3], unit: 'explainer' };
const nothing = { ...panel, map: map(1, 1, 0), note: 'of CRT, computing…' };
const state = { ...INITIAL, classes: [0], loops: 2, refined: false, added_panel };
const comparing = (kind, a, b, more = {}) => ({ ...state, ...more, compare: { ...INITIAL.compare, view: kind, a, b } });
const specs = (now, added = panel) => panelSpecsOf(now, view, createMaps(() => added));
const ADDED = { method: 'added_panel' };

test('the added panel is A or B of a difference: shares of the maxima, without a probability', () => {
  const [difference, a, b] = specs(comparing('difference', ADDED, { method: 'crt' }));
  assert.equal(difference.title, 'Grad-CAM − CRT, share of own maximum');
  assert.deepEqual(difference.scales[0].ends, ['more CRT', 'more Grad-CAM']);
  assert.deepEqual([...difference.scales[0].shown.map.data], [-1, 0, 0, 0, 0, 1]);
  assert.deepEqual([a.title, a.note, a.score, b.score], ['A: Grad-CAM', 'of CRT, 30 ms', '', 'p 90 %']);
  assert.equal(specs(comparing('difference', ADDED, ADDED))[0].empty, 'No difference');
});

test('it blinks and is swiped with a network', () => {
  const [blink] = specs(comparing('blink', ADDED, { method: 'crt' }));
  assert.deepEqual([blink.title, blink.score], ['A: Grad-CAM', '']);
  const [swipe] = specs(comparing('swipe', { method: 'resnet' }, ADDED));
  assert.deepEqual([swipe.title, swipe.scales.map(({ range }) => range)], ['ResNet | Grad-CAM', [1, 4]]);
  assert.equal(specs(comparing('swipe', { method: 'resnet' }, ADDED), nothing)[0].empty, 'B: of CRT, computing…');
  assert.equal(specs(comparing('swipe', { method: 'resnet' }, ADDED), { ...nothing, empty: 'No map for this class' })[0].empty, 'B: No map for this class');
});

test('a side without an added panel is CRT', () => {
  assert.equal(sideOf(ADDED, run).method, 'crt');
  const closed = comparing('difference', ADDED, { method: 'resnet' }, { added_panel: null });
  assert.deepEqual(shownMaps(closed, run).map(({ method }) => method), ['crt', 'resnet']);
});

const DOG = { ...ADDED, class: 'dog' };
const ofClasses = { cat: panel, dog: { ...panel, map: map(2, 3, 8, 0, 0, 0, 0, 0) } };
const byClass = (classes) => ofClasses[run.classes[classes[0]]];

test('a side has a class of its own where the panel has classes: an explainer and a file, not attention', () => {
  assert.deepEqual(sideOf({ ...DOG, loops: 1 }, run, added_panel), { method: 'added_panel', own: { classes: [1] } });
  assert.deepEqual(sideOf(DOG, run, { kind: 'file', id: 1 }).own, { classes: [1] });
  assert.deepEqual(sideOf({ ...ADDED, class: 'gone' }, run, added_panel).own, {});
  const attention = { kind: 'attention', method: 'crt', pass: 0, block: 1, head: null };
  assert.deepEqual([sideOf(DOG, run, attention).own, hasClasses(attention, run), hasClasses(null, run)], [{}, false, false]);
  assert.equal(hasClasses({ ...added_panel, method: 'tscam' }, run), false, 'the run has no such network');
});

test('the maps of the sides are those of their classes, and the titles name them', () => {
  const maps = createMaps((_, classes) => byClass(classes));
  const [difference, a, b] = panelSpecsOf(comparing('difference', ADDED, DOG), view, maps);
  assert.equal(difference.title, 'Grad-CAM: cat − dog, share of own maximum');
  assert.deepEqual([a.title, b.title, b.scales[0].range], ['A: cat by Grad-CAM', 'B: dog by Grad-CAM', 8]);
  const [swipe] = panelSpecsOf(comparing('swipe', { method: 'crt' }, DOG), view, maps);
  assert.equal(swipe.title, 'cat by CRT | dog by Grad-CAM');
  assert.deepEqual(swipe.scales.map(({ classes }) => classes), [[0], [1]]);
});

test('a grid of classes has a column of it, unless it has no classes', () => {
  const grid = comparing('classes', ADDED, ADDED, { visible: { crt: true } });
  assert.deepEqual(gridMethods(grid, run), ['crt', 'added_panel']);
  assert.deepEqual(gridMethods({ ...grid, added_panel: { kind: 'attention' } }, run), ['crt']);
  assert.deepEqual(gridMethods({ ...grid, visible: {} }, run), ['added_panel']);
  const specs = panelSpecsOf(grid, view, createMaps((_, classes) => byClass(classes)));
  assert.deepEqual(specs.map(({ title }) => title), ['cat by CRT', 'cat by Grad-CAM', 'dog by CRT', 'dog by Grad-CAM']);
  assert.deepEqual(specs[3].choice, { method: 'added_panel', classes: [1] });
  assert.deepEqual(wantedMaps(grid, run).map(({ method }) => method), ['crt']);
  assert.deepEqual(wantedMaps({ ...grid, visible: {} }, run).map(({ method }) => method), ['resnet', 'crt']);
});

test('the classes for which it is needed are those on the screen, each once', () => {
  assert.deepEqual(addedClasses(state, run), [[0]]);
  assert.deepEqual(addedClasses(comparing('difference', ADDED, DOG), run), [[0], [1]]);
  assert.deepEqual(addedClasses(comparing('swipe', DOG, DOG), run), [[1]]);
  assert.deepEqual(addedClasses(comparing('swipe', { method: 'crt' }, { method: 'resnet' }), run), []);
  assert.deepEqual(addedClasses(comparing('classes', ADDED, ADDED, { visible: {} }), run), [[0], [1]]);
  assert.deepEqual(addedClasses({ ...state, added_panel: null }, run), []);
});

test('an export has a map of it for each class, with the ground truth of that class', () => {
  const sides = describeView(comparing('difference', ADDED, DOG), view, byClass).added_panel;
  assert.deepEqual(sides.map(({ letters, classes, title, ground_truth: truth }) => [letters, classes, title, truth?.inside]), [['A', [0], 'Grad-CAM', null], ['B', [1], 'Grad-CAM', null]]);
  assert.notEqual(sides[0].values, sides[1].values);
  const gap = (classes) => (classes[0] === 1 ? nothing : panel);
  const grid = describeView(comparing('classes', ADDED, ADDED, { visible: {} }), view, gap).added_panel;
  assert.deepEqual(grid.map(({ classes, h, w }) => [classes, h, w]), [[[0], 2, 3], [[1], 1, 1]], 'a class without a map keeps its place');
  assert.deepEqual(describeView(comparing('swipe', ADDED, DOG), view, gap).added_panel.map(({ letters }) => letters), ['A']);
});

test('the words of a slide name it', () => {
  const of = (now) => words(now, run, 'Grad-CAM').split(' · ').slice(0, 2);
  assert.deepEqual(of(comparing('swipe', { method: 'crt' }, DOG)), ['cat, dog', 'CRT, Grad-CAM']);
  assert.deepEqual(of(state), ['cat', 'ResNet, CRT, Grad-CAM']);
});

test('its map has its title, and a reason where there is none', () => {
  const shown = createMaps(() => panel).shown(state, view, 'added_panel');
  assert.deepEqual([shown.max, shown.classes, nameOf(shown), titleOf(shown, false)], [4, [0], 'Grad-CAM', 'Grad-CAM']);
  assert.equal(createMaps().shown(state, view, 'added_panel').empty, 'There is no map');
});

test('an export has it with its letters; a program has the networks alone', () => {
  const now = comparing('difference', { method: 'crt' }, ADDED);
  const described = describeView(now, view, () => panel);
  assert.deepEqual([described.maps, described.added_panel.letters, described.difference], [[{ method: 'crt', letter: 'A' }], 'B', true]);
  assert.equal(describeView(comparing('difference', ADDED, ADDED), view, () => panel).added_panel.letters, 'AB');
  assert.equal(describeView(comparing('difference', { method: 'crt' }, { method: 'crt' }), view, () => panel).added_panel, null);
  assert.equal(describeView(state, view, () => panel).added_panel.letters, '');
  assert.deepEqual(wantedMaps(now, run).map(({ name, method }) => [name, method]), [['a', 'crt']]);
  assert.deepEqual(wantedMaps(comparing('swipe', ADDED, ADDED), run).map(({ method }) => method), ['resnet', 'crt']);
});

test('a link holds it as a side', () => {
  const { settings, problems } = decode(encode(comparing('swipe', ADDED, { method: 'crt' }), null));
  assert.deepEqual([settings.added_panel, settings.compare.a, problems], [added_panel, ADDED, []]);
  assert.deepEqual(decode(encode(comparing('swipe', DOG, ADDED), null)).settings.compare.a, DOG);
  const file = { kind: 'file', id: 1 };
  assert.deepEqual(decode(encode(comparing('swipe', DOG, ADDED, { added_panel: file }), null)).settings.compare.a, { ...INITIAL.compare.a, class: 'dog' }, 'without the file its class stays');
  assert.deepEqual(decode(encode(comparing('swipe', DOG, ADDED, { added_panel: file }), null, true)).settings.compare.a, DOG);
});
