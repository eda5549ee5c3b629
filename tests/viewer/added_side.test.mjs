import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createMaps, nameOf, titleOf } from '../../app/viewer/explore/maps.mjs';
import { panelSpecsOf } from '../../app/viewer/explore/panel_specs.mjs';
import { shownMaps, sideOf } from '../../app/viewer/explore/shown_maps.mjs';
import { describeView } from '../../app/viewer/export/export.mjs';
import { wantedMaps } from '../../app/viewer/export/snippet.mjs';
import { decode, encode } from '../../app/viewer/permalink/query.mjs';
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
const panel = { title: 'Grad-CAM', note: 'of CRT, 30 ms', map: map(2, 3, 0, 0, 0, 0, 0, 4), span: [2, 3], unit: 'explainer' };
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

test('a side without an added panel is CRT, and a class of its own is left to networks', () => {
  assert.deepEqual(sideOf({ ...ADDED, class: 'dog', loops: 1 }, run, added_panel), { method: 'added_panel', own: {} });
  assert.equal(sideOf(ADDED, run).method, 'crt');
  const closed = comparing('difference', ADDED, { method: 'resnet' }, { added_panel: null });
  assert.deepEqual(shownMaps(closed, run).map(({ method }) => method), ['crt', 'resnet']);
});

test('its map has its title, and a reason where there is none', () => {
  const shown = createMaps(() => panel).shown(state, view, 'added_panel');
  assert.deepEqual([shown.max, shown.classes, nameOf(shown), titleOf(shown, false)], [4, [0], 'Grad-CAM', 'Grad-CAM']);
  assert.equal(createMaps().shown(state, view, 'added_panel').empty, 'There is no map');
});

test('an export has it with its letters; a program has the networks alone', () => {
  const now = comparing('difference', { method: 'crt' }, ADDED);
  const described = describeView(now, view, panel);
  assert.deepEqual([described.maps, described.added_panel.letters, described.difference], [[{ method: 'crt', letter: 'A' }], 'B', true]);
  assert.equal(describeView(comparing('difference', ADDED, ADDED), view, panel).added_panel.letters, 'AB');
  assert.equal(describeView(comparing('difference', { method: 'crt' }, { method: 'crt' }), view, panel).added_panel, null);
  assert.equal(describeView(state, view, panel).added_panel.letters, '');
  assert.deepEqual(wantedMaps(now, run).map(({ name, method }) => [name, method]), [['a', 'crt']]);
  assert.deepEqual(wantedMaps(comparing('swipe', ADDED, ADDED), run).map(({ method }) => method), ['resnet', 'crt']);
});

test('a link holds it as a side', () => {
  const { settings, problems } = decode(encode(comparing('swipe', ADDED, { method: 'crt' }), null));
  assert.deepEqual([settings.added_panel, settings.compare.a, problems], [added_panel, ADDED, []]);
});
