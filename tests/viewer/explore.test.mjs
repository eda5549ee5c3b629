import assert from 'node:assert/strict';
import { test } from 'node:test';

import { largestBox } from '../../app/viewer/maths/components.mjs';
import { FIELDS } from '../../app/viewer/permalink/fields.mjs';
import { BLINK_RATES, blinkPause, withMethod, withOwn } from '../../app/viewer/explore/compare.mjs';
import { listedClasses } from '../../app/viewer/explore/class_list.mjs';
import { depthOf, withEnd } from '../../app/viewer/explore/controls.mjs';
import { keySplit } from '../../app/viewer/explore/divider.mjs';
import { subjectOf } from '../../app/viewer/explore/examples.mjs';
import { isTiled, strongest, tileBoxes, tileWords } from '../../app/viewer/explore/hover.mjs';
import { panelSpecsOf } from '../../app/viewer/explore/panel_specs.mjs';
import { createMaps } from '../../app/viewer/explore/maps.mjs';
import { boxWords, measure } from '../../app/viewer/explore/panel.mjs';
import { curveWords, pointsOf, thresholdAt } from '../../app/viewer/explore/threshold_curve.mjs';
import { best, followsLoops, nextLoop, similarityWords } from '../../app/viewer/explore/player.mjs';
import { MAX_GRID_CLASSES, gridClasses, gridMethods, shownClasses, shownMaps, shownNames, sideOf } from '../../app/viewer/explore/shown_maps.mjs';
import { STEPS, sweep } from '../../app/viewer/maths/iou.mjs';
import { INITIAL, probableClasses, withKnownClass } from '../../app/viewer/core/store.mjs';

const run = {
  run: 'r', classes: ['cat', 'dog'], methods: ['resnet', 'tscam', 'crt'], maxLoops: 2, tiles: 1, input: [10, 20],
  scores: { resnet: [[0.5, 0.1]], tscam: [[0.4, 0.1]], crt: [[0.1, 0.1], [0.2, 0.1], [0.9, 0.1]] },
};
const VALUES = { resnet: [4, 0], tscam: [0, 0], crt: [2, 1] };
const prediction = {
  isTransformer: (method) => method !== 'resnet', maxLoops: (method) => (method === 'crt' ? 2 : 0), depth: () => 12, contentSize: () => [1, 2],
  methods: run.methods,
  map: (method, classes, { loops, refined }) => ({ data: Float32Array.from(VALUES[method], (value) => value * (1 + loops) * (refined ? 0.1 : 1)), h: 1, w: 2 }),
};
const view = { run, prediction, image: { naturalWidth: 200, naturalHeight: 100 } };
const state = { ...INITIAL, classes: [0], loops: 2, refined: false };
const specs = (changes, ...more) => panelSpecsOf({ ...state, ...changes }, view, createMaps(), ...more);
const comparing = (kind, a, b, more = {}) => specs({ compare: { ...INITIAL.compare, view: kind, a, b }, ...more });

test('side by side: one spec for each map, with its scale; no evidence is said', () => {
  const [image, resnet, tscam, crt] = specs({ visible: { ...INITIAL.visible, input: true } });
  assert.deepEqual([image.key, resnet.key, tscam.key, crt.key], ['input', 'resnet', 'tscam', 'crt']);
  assert.deepEqual(image.scales, []);
  assert.deepEqual([resnet, tscam, crt].map((spec) => spec.scales[0].range), [4, 0, 6]);
  assert.equal(tscam.empty, 'No evidence for this class');
  assert.match(tscam.ariaLabel, /no evidence/);
  assert.match(crt.ariaLabel, /CRT map of cat, largest value 6 raw CAM/);
  assert.deepEqual([crt.note, crt.score, resnet.score], ['2 loops, not refined', 'p 90 %', 'p 50 %']);
  assert.deepEqual(specs({ scale: 'shared' }).map((spec) => spec.scales[0].range), [6, 6, 6]);
  assert.deepEqual(specs({ scale: 'absolute', absolute: { cam: 10, product: 1 } }).map((spec) => spec.scales[0].range), [10, 10, 10]);
});

test('a network that is still to come has the place of its map, and so has a comparison with it', () => {
  const part = { ...view, run: { ...run, methods: ['resnet'], pending: ['tscam', 'crt', 'crt_cnn'] } };
  const of = (changes) => panelSpecsOf({ ...state, ...changes }, part, createMaps());
  assert.deepEqual(of({}).map(({ key, empty, scales }) => [key, empty, scales.length]), [['resnet', '', 1], ['tscam', 'Computing…', 0], ['crt', 'Computing…', 0]]);
  assert.equal(of({ visible: { ...INITIAL.visible, crt_cnn: true } }).length, 4);
  const [spec, ...others] = of({ compare: { ...INITIAL.compare, view: 'swipe', a: { method: 'resnet' }, b: { method: 'crt' } } });
  assert.deepEqual([spec.key, spec.title, spec.empty, others.length], ['compare', 'CRT', 'Computing…', 0]);
});

test('one more panel joins, and says nothing about classes while it waits', () => {
  const addedPanel = { title: 'Grad-CAM', note: 'at work', map: { data: new Float32Array(1), h: 1, w: 1 }, contentSize: [1, 1], max: 0, unit: 'explainer' };
  const all = specs({}, addedPanel);
  assert.equal(all.at(-1).key, 'added_panel');
  assert.equal(all.at(-1).empty, '');
});

test('swipe: A at the left of the divider, B at its right, each on its own scale', () => {
  const [spec] = comparing('swipe', { method: 'crt', loops: 0 }, { method: 'crt' });
  assert.deepEqual(spec.layers.map(({ from, to }) => [from, to]), [[0, 0.5], [0.5, 1]]);
  assert.deepEqual(spec.scales.map(({ range }) => range), [2, 6]);
  assert.equal(spec.layerAt({ x: 0.4, y: 0.5 }, state).letter, 'A');
  assert.equal(spec.layerAt({ x: 0.4, y: 0.5 }, { ...state, zoom: { k: 4, x: 0.3, y: 0.5 } }).letter, 'B');
});

test('blink: A or B', () => {
  const compare = { ...INITIAL.compare, view: 'blink' };
  assert.match(specs({ compare })[0].title, /^A: ResNet/);
  assert.match(specs({ compare }, null, true)[0].title, /^B: CRT/);
});

test('difference: signed, symmetric, of two settings of one method too', () => {
  const sides = [{ method: 'crt', loops: 2 }, { method: 'crt', loops: 0 }];
  const [shares] = comparing('difference', ...sides);
  assert.deepEqual([shares.scales[0].shown.unit, shares.title], ['share', 'CRT: A − B, share of own maximum']);
  const compare = { ...INITIAL.compare, view: 'difference', a: sides[0], b: sides[1], unit: 'raw' };
  const [spec, a, b] = comparing('difference', ...sides, { compare });
  assert.equal(spec.title, 'CRT: A − B, raw CAM');
  const [{ shown, range, signed, ends }] = spec.scales;
  assert.deepEqual([...shown.map.data], [4, 2]);
  assert.deepEqual([range, signed, shown.unit, ends], [4, true, 'cam', ['more B', 'more A']]);
  assert.deepEqual([a.key, b.key, a.note], ['compare_a', 'compare_b', '2 loops, not refined']);
  const same = comparing('difference', { method: 'crt' }, { method: 'crt' })[0];
  assert.equal(same.empty, 'No difference');
});

test('difference of different units: each as a share of its own maximum', () => {
  const [{ scales: [{ shown }] }] = comparing('difference', { method: 'resnet' }, { method: 'crt', refined: true });
  assert.equal(shown.unit, 'share');
  assert.deepEqual([...shown.map.data].map((value) => Number(value.toFixed(5))), [0, -0.5]);
  const [{ scales: [none] }] = comparing('difference', { method: 'tscam', refined: true }, { method: 'resnet' });
  assert.ok([...none.shown.map.data].every(Number.isFinite));
  assert.equal(comparing('difference', { method: 'tscam' }, { method: 'tscam' })[0].empty, 'No evidence for this class');
  const wide = comparing('difference', { method: 'resnet' }, { method: 'crt', refined: true }, { scale: 'absolute' });
  assert.equal(wide[0].scales[0].range, 1);
});

/** Maps of the dog are those of the cat turned round, half as large. */
const ofClasses = {
  ...prediction,
  map: (method, [index], options) => {
    const map = prediction.map(method, [index], options);
    return index ? { ...map, data: map.data.toReversed().map((value) => value / 2) } : map;
  },
};
const classed = (kind, a, b, more = {}) => panelSpecsOf({ ...state, compare: { ...INITIAL.compare, view: kind, a, b, ...more } }, { ...view, prediction: ofClasses }, createMaps());

test('a side may have a class of its own, which titles, labels, values and scores give', () => {
  const sides = [{ method: 'crt' }, { method: 'crt', class: 'dog' }];
  const [swipe] = classed('swipe', ...sides);
  assert.equal(swipe.title, 'cat by CRT | dog by CRT');
  assert.deepEqual(swipe.scales.map(({ title }) => title), ['cat by CRT, 2 loops, not refined', 'dog by CRT, 2 loops, not refined']);
  assert.deepEqual(swipe.scales.map(({ name }) => name), ['A cat by CRT, 2 loops, not refined', 'B dog by CRT, 2 loops, not refined']);
  assert.deepEqual(swipe.scales.map(({ shown }) => [...shown.map.data]), [[6, 3], [1.5, 3]]);
  assert.deepEqual(swipe.layers.map(({ classes }) => classes), [[0], [1]]);
  assert.equal(swipe.ariaLabel, 'A CRT, 2 loops, not refined map of cat, largest value 6 raw CAM. B CRT, 2 loops, not refined map of dog, largest value 3 raw CAM');
  const [a, b] = [false, true].map((other) => panelSpecsOf({ ...state, compare: { ...INITIAL.compare, view: 'blink', a: sides[0], b: sides[1] } }, { ...view, prediction: ofClasses }, createMaps(), null, other)[0]);
  assert.deepEqual([a.title, a.score, b.title, b.score], ['A: cat by CRT', 'p 90 %', 'B: dog by CRT', 'p 10 %']);
});

test('a difference of two classes names both and the unit', () => {
  const sides = [{ method: 'crt' }, { method: 'crt', class: 'dog' }];
  const [spec, a, b] = classed('difference', ...sides, { unit: 'raw' });
  assert.equal(spec.title, 'CRT: cat − dog, raw CAM');
  assert.deepEqual(spec.scales[0].ends, ['more dog', 'more cat']);
  assert.deepEqual([...spec.scales[0].shown.map.data], [4.5, 0]);
  assert.deepEqual(spec.layers[0].classes, [0, 1]);
  assert.equal(spec.note, 'A cat by CRT, 2 loops, not refined; B dog by CRT, 2 loops, not refined');
  assert.deepEqual([a.title, b.title, b.ariaLabel], ['A: cat by CRT', 'B: dog by CRT', 'CRT map of dog, largest value 3 raw CAM']);
  assert.equal(classed('difference', ...sides)[0].title, 'CRT: cat − dog, share of own maximum');
  const [other] = classed('difference', { method: 'resnet' }, { method: 'crt', class: 'dog' });
  assert.deepEqual([other.title, other.scales[0].ends], ['cat by ResNet − dog by CRT, share of own maximum', ['more dog', 'more cat']]);
  const both = [{ method: 'resnet', class: 'dog' }, { method: 'crt', class: 'dog' }];
  assert.deepEqual(classed('difference', ...both).map(({ title }) => title), ['dog: ResNet − CRT, share of own maximum', 'A: dog by ResNet', 'B: dog by CRT']);
  const [loops] = classed('difference', { method: 'crt', class: 'dog' }, { method: 'crt', class: 'dog', loops: 0 });
  assert.deepEqual([loops.title, loops.scales[0].ends], ['dog by CRT: A − B, share of own maximum', ['more B', 'more A']]);
  assert.equal(classed('difference', { method: 'tscam' }, { method: 'tscam', class: 'dog' })[0].empty, 'No evidence for cat or dog');
  assert.equal(classed('swipe', { method: 'tscam' }, { method: 'crt', class: 'dog' })[0].empty, 'A: No evidence for cat');
});

test('a class of its own that is the chosen one changes no word', () => {
  for (const kind of ['swipe', 'blink', 'difference']) {
    const [plain, own] = [{ method: 'crt' }, { method: 'crt', class: 'cat' }].map((b) => classed(kind, { method: 'resnet' }, b));
    assert.deepEqual(own.map(({ title, ariaLabel }) => [title, ariaLabel]), plain.map(({ title, ariaLabel }) => [title, ariaLabel]));
  }
  assert.deepEqual(shownMaps({ ...state, compare: { ...INITIAL.compare, view: 'swipe' } }, run).map(({ letter, subject }) => [letter, subject]), [['A', ''], ['B', '']]);
});

test('the classes on the screen are those of its maps', () => {
  const shown = (view, b = { method: 'crt', class: 'dog' }) => shownClasses({ ...state, compare: { ...INITIAL.compare, view, b } }, run);
  assert.deepEqual([shown('side'), shown('swipe'), shown('difference', { method: 'crt', class: 'cat' })], [[0], [0, 1], [0]]);
  const names = (view, classes) => shownNames({ ...state, classes, compare: { ...INITIAL.compare, view, b: { method: 'crt', class: 'dog' } } }, run);
  assert.deepEqual([names('side', [0, 1]), names('swipe', [0]), names('swipe', [0, 1]), names('classes', [0]), names('swipe', [1])], ['cat + dog', 'cat, dog', 'cat + dog, dog', 'cat, dog', 'dog']);
  assert.deepEqual(shownClasses({ ...state, visible: { ...INITIAL.visible, resnet: false, tscam: false, crt: false } }, run), [0]);
});

test('a grid of classes: a row for each, a column for each network, on one scale if it is shared', () => {
  const grid = (changes = {}) => panelSpecsOf({ ...state, compare: { ...INITIAL.compare, view: 'classes' }, ...changes }, { ...view, prediction: ofClasses }, createMaps());
  const all = grid();
  assert.deepEqual(all.map(({ key }) => key), ['class_0_resnet', 'class_0_tscam', 'class_0_crt', 'class_1_resnet', 'class_1_tscam', 'class_1_crt']);
  assert.deepEqual(all.map(({ title }) => title).filter((_, i) => i % 3 !== 1), ['cat by ResNet', 'cat by CRT', 'dog by ResNet', 'dog by CRT']);
  assert.deepEqual([all[2].score, all[5].score, all[2].note, all[4].empty], ['p 90 %', 'p 10 %', '2 loops, not refined', 'No evidence for dog']);
  assert.equal(all[5].ariaLabel, 'CRT map of dog, largest value 3 raw CAM');
  assert.deepEqual(all[5].choice, { method: 'crt', classes: [1] });
  assert.deepEqual(all[5].layers[0].classes, [1]);
  assert.deepEqual(all.map(({ scales }) => scales[0].range), [4, 0, 6, 2, 0, 3]);
  assert.deepEqual(grid({ scale: 'shared' }).map(({ scales }) => scales[0].range), Array(6).fill(6));
  assert.equal(grid({ visible: { ...INITIAL.visible, input: true, tscam: false } }).length, 4); // without the image
});

test('the rows of the grid are the chosen classes, or the most probable with the chosen one', () => {
  const many = { ...run, classes: [...'abcdef'], scores: { crt: [[0, 0, 0, 0, 0, 1], [0.6, 0.5, 0.4, 0.3, 0.2, 0.1]] }, maxLoops: 1 };
  const rows = (...classes) => gridClasses({ classes }, many);
  assert.deepEqual([rows(1), rows(), rows(5), rows(5, 1), rows(0, 1, 2, 3, 4)], [[0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 5], [5, 1], [0, 1, 2, 3]]);
  assert.equal(rows(0, 1, 2, 3, 4).length, MAX_GRID_CLASSES);
  assert.deepEqual(gridClasses({ classes: [0] }, run), [0, 1]);
});

test('the columns of the grid are the networks switched on, or all', () => {
  assert.deepEqual(gridMethods({ ...state, visible: { ...INITIAL.visible, tscam: false } }, run), ['resnet', 'crt']);
  assert.deepEqual(gridMethods({ ...state, visible: {} }, run), run.methods);
});

test('a class that the checkpoint lacks is the chosen one', () => {
  assert.deepEqual(sideOf({ method: 'crt', class: 'dog' }, run), { method: 'crt', own: { classes: [1] } });
  assert.deepEqual(sideOf({ method: 'crt', loops: 0, class: 'zebra' }, run), { method: 'crt', own: { loops: 0 } });
  assert.deepEqual(withKnownClass({ method: 'crt', loops: 0, class: 'zebra' }, run.classes), { method: 'crt', loops: 0 });
  const known = { method: 'crt', class: 'dog' };
  assert.equal(withKnownClass(known, run.classes), known);
});

test('the classes to choose from begin with the most probable', () => {
  const scores = { resnet: [[0.9, 0.1, 0.5]], crt: [[0.9, 0.1, 0.5], [0.1, 0.7, 0.2]] };
  assert.deepEqual(probableClasses({ ...run, maxLoops: 1, scores }), [1, 2, 0]);
  assert.deepEqual(probableClasses({ ...run, methods: ['resnet'], scores: { resnet: scores.resnet } }), [0, 2, 1]);
});

test('a side that the checkpoint lacks is CRT', () => {
  assert.deepEqual(sideOf({ method: 'crt_cnn', loops: 1 }, run), { method: 'crt', own: { loops: 1 } });
  assert.deepEqual(sideOf({ method: 'crt_cnn' }, { methods: ['resnet'] }), { method: 'resnet', own: {} });
});

test('another method keeps the settings that it has', () => {
  const side = { method: 'crt', loops: 2, refined: true };
  assert.deepEqual(withMethod(side, 'tscam', prediction), { method: 'tscam', refined: true });
  assert.deepEqual(withMethod(side, 'resnet', prediction), { method: 'resnet' });
  assert.deepEqual(withOwn(side, 'loops', undefined), { method: 'crt', refined: true });
  assert.deepEqual(withOwn({ method: 'crt' }, 'refined', false), { method: 'crt', refined: false });
  assert.deepEqual(withMethod({ method: 'crt', loops: 2, class: 'dog' }, 'resnet', prediction), { method: 'resnet', class: 'dog' });
  assert.deepEqual(withOwn(withOwn(side, 'class', 'dog'), 'class', undefined), side);
});

test('the blink never changes more than three times a second', () => {
  for (const rate of [0.5, 1, 3, 50, Infinity, NaN, -4, 'x']) assert.ok(blinkPause(rate) >= 1000 / 3 - 1e-9 && blinkPause(rate) <= 4000);
  const [, kind] = FIELDS.get('wr');
  for (const [rate] of BLINK_RATES) assert.equal(kind.read(String(rate)), rate);
});

test('the divider moves by keys and stays inside', () => {
  assert.ok(Math.abs(keySplit(0.5, 'ArrowLeft') - 0.48) < 1e-9);
  assert.deepEqual([keySplit(0.99, 'PageUp'), keySplit(0.3, 'Home'), keySplit(0.3, 'End'), keySplit(0.3, 'a'), keySplit(0.3, 'toString')], [1, 0, 1, null, null]);
});

test('the strongest classes, without those that have no evidence', () => {
  assert.deepEqual(strongest([0, 3, -1, 5, 3], 3), [[3, 5], [1, 3], [4, 3]]);
  assert.deepEqual(strongest([0, -2], 3), []);
});

test('tiles in words and as boxes on the image', () => {
  const grid = { content: [300, 400], stride: 112, tile: 224 };
  assert.deepEqual(tileBoxes([{ row: 1, col: 2 }], grid), [[224 / 400, 112 / 300, 1, 1]]);
  assert.equal(tileWords([{ index: 0 }, { index: 1 }, { index: 3 }], 4), 'tiles 1, 2 and 4 of 4');
  assert.equal(tileWords([{ index: 3 }], 4), 'tile 4 of 4');
  assert.equal(tileWords([{ index: 0 }], 1), 'the only tile');
});

test('loops are played on the tabs whose maps follow them', () => {
  const plays = (tab, more = {}) => followsLoops({ ...INITIAL, tab, ...more });
  assert.deepEqual(['explore', 'layers', 'masks', 'results'].map((tab) => plays(tab)), [true, false, true, false]);
  assert.deepEqual(['sizes', 'modes', 'curves', 'ladder'].map((show) => plays('ablate', { ablate: { show } })), [false, true, true, true]);
  assert.equal(plays('masks', { mask: { ...INITIAL.mask, method: 'resnet' } }), false);
});

test('loops are played from the first to the last and again', () => {
  assert.deepEqual([0, 1, 2, 3].map((loops) => nextLoop(loops, 3)), [1, 2, 3, 0]);
  assert.equal(best([0.2, 0.5, 0.5]), 1);
  assert.equal(best([]), -1);
  assert.equal(similarityWords([0.4, 0.9, 0.99312], 2), 'cosine to previous pass 0.993');
  assert.equal(similarityWords([0.4, 0.9], 0), '');
  assert.equal(similarityWords([], 3), '');
});

test('an end of the block range takes the other along, and the whole range is all blocks', () => {
  assert.deepEqual(withEnd(null, 0, 4, 12), [4, 11]);
  assert.deepEqual(withEnd([4, 6], 0, 9, 12), [9, 9]);
  assert.deepEqual(withEnd([4, 6], 1, 2, 12), [2, 2]);
  assert.equal(withEnd([4, 11], 0, 0, 12), null);
  assert.equal(depthOf(prediction), 12);
});

test('the box of the largest part: what encloses most, corners connect', () => {
  const grid = (text) => {
    const rows = text.trim().split(/\s+/);
    return { h: rows.length, w: rows[0].length, data: Float32Array.from(rows.join(''), Number) };
  };
  assert.deepEqual(largestBox(grid('1111110 0000000 0011000 0011000'), 0), [2, 2, 4, 4]); // a line encloses nothing
  assert.deepEqual(largestBox(grid('100 010 001'), 0), [0, 0, 3, 3]);
  assert.deepEqual(largestBox(grid('11111 10001 10001 11111'), 0), [0, 0, 5, 4]); // around its hole
  assert.deepEqual(largestBox(grid('0000 0010'), 0), [2, 1, 3, 2]);
  assert.equal(largestBox(grid('000 000'), 0), null);
  assert.equal(largestBox(grid('111 111'), 1), null); // a tie is background
});

test('what is measured of a map: IoU without the points that do not count, and the box', () => {
  const upsampled = { h: 1, w: 4, data: Float32Array.from([1, 1, 0, 0]) };
  const truth = { complete: true, raster: () => Uint8Array.from([1, 0, 0, 0]), ignore: () => Uint8Array.from([0, 1, 0, 0]) };
  assert.deepEqual(measure(upsampled, 0.5, truth, true), { iou: 1, box: [0, 0, 0.5, 1] });
  assert.deepEqual(measure(upsampled, 0, truth, true), { iou: null, box: null });
  assert.equal(boxWords([0, 0, 0.5, 1], [10, 20]), 'Box: x 0 to 10, y 0 to 10 px (10 × 10)');
});

test('maps are kept while their settings stay', () => {
  const maps = createMaps();
  const first = maps.shown(state, view, 'crt');
  assert.equal(maps.shown({ ...state, threshold: 0.9, opacity: 0 }, view, 'crt'), first);
  assert.notEqual(maps.shown({ ...state, loops: 1 }, view, 'crt'), first);
  assert.equal(maps.shown({ ...state, loops: 0 }, view, 'crt', { loops: 2 }), first);
  assert.equal(maps.shown({ ...state, classes: [1] }, view, 'crt', { classes: [0] }), first);
  assert.notEqual(maps.shown(state, view, 'crt', { classes: [1] }), first);
  assert.equal(maps.upsampled(first, [2, 4]), maps.upsampled(first, [2, 4]));
  assert.notEqual(maps.upsampled(first, [2, 4]), maps.upsampled(first, [3, 4]));
});

test('borders of tiles are drawn where there are tiles', () => {
  const prediction = { isTransformer: (method) => ['crt', 'tscam'].includes(method) };
  assert.deepEqual(['input', 'crt', 'tscam', 'resnet', 'crt_cnn', undefined].map((method) => isTiled(method, prediction)), [true, true, true, false, false, false]);
});

test('a claim is about the maps: their settings, not how they are drawn', () => {
  const same = (changes) => subjectOf({ ...INITIAL, ...changes }) === subjectOf(INITIAL);
  assert.deepEqual([{ colormap: 'magma' }, { zoom: { k: 2, x: 0.5, y: 0.5 } }, { tab: 'layers' }].map(same), [true, true, true]);
  const other = [{ loops: 1 }, { refined: !INITIAL.refined }, { classes: [3] }, { threshold: 0.4 }, { visible: { ...INITIAL.visible, crt: false } }, { compare: { ...INITIAL.compare, view: 'swipe' } }];
  assert.deepEqual(other.map(same), other.map(() => false));
});

test('the classes of the list keep their order while loops change', () => {
  const scores = { crt: [[0.9, 0.1, 0.4], [0.1, 0.9, 0.4]] };
  const orders = [0, 1].map((loops) => listedClasses({ ...INITIAL, classes: [0], loops }, { ...run, classes: ['cat', 'dog', 'cow'], scores, maxLoops: 1 }, false));
  assert.deepEqual(orders, [[1, 2, 0], [1, 2, 0]]);
});

test('the curve below the threshold has a corner for each percent, and is named by the best threshold and IoU of each network', () => {
  const curve = sweep(Float32Array.from([0.2, 0.6, 1, 0]), 1, Uint8Array.from([0, 1, 1, 0]));
  const corners = pointsOf(curve, 1).split(' ').map((corner) => corner.split(',').map(Number));
  assert.equal(corners.length, STEPS + 1);
  assert.deepEqual([corners[10], corners[30], corners[70], corners[100]], [[10, 0.333], [30, 0], [70, 0.5], [100, 1]]);
  assert.equal(pointsOf(curve, 0.5).split(' ')[70], '70,0.000');
  assert.ok(!/NaN/.test(pointsOf({ iou: new Float64Array(2) }, 0)));
  const words = curveWords([{ method: 'resnet', letter: '', curve }, { method: 'crt', letter: 'B', curve }]);
  assert.match(words, /^IoU against the threshold, at best: ResNet 100 % at 20 %, B CRT 100 % at 20 %$/);
});

test('a place on the curve is a threshold in whole percent, within its ends', () => {
  assert.deepEqual([0, 100, 151.3, 300, 400].map((x) => thresholdAt(x, { left: 100, width: 200 })), [0, 0, 0.26, 1, 1]);
});
