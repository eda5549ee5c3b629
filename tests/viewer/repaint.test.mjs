import assert from 'node:assert/strict';
import { test } from 'node:test';

import { drawMap } from '../../app/viewer/explore/draw.mjs';
import { createMaps } from '../../app/viewer/explore/maps.mjs';
import { panelSpecsOf } from '../../app/viewer/explore/panel_specs.mjs';
import { createLast, createRepaint, numberOf, paintInputs } from '../../app/viewer/explore/repaint.mjs';
import { INITIAL } from '../../app/viewer/core/store.mjs';

const METHODS = ['resnet', 'tscam', 'crt', 'crt_cnn'];
const run = {
  run: 'r', classes: ['cat', 'dog'], methods: METHODS, maxLoops: 2, tiles: 1, input: [10, 20],
  scores: { resnet: [[0.5, 0.1]], tscam: [[0.4, 0.1]], crt: [[0.1, 0.1], [0.2, 0.1], [0.9, 0.1]], crt_cnn: [[0.5, 0.2]] },
};
const prediction = {
  isTransformer: (method) => method === 'tscam' || method === 'crt', maxLoops: (method) => (method === 'crt' ? 2 : 0), depth: () => 12, contentSize: () => [2, 3], methods: METHODS,
  map: (method, classes, { loops, refined }) => ({ data: Float32Array.from([1, 2, 3, 4, 5, 6], (value) => value * (1 + loops) * (refined ? 0.1 : 1) + classes[0] + METHODS.indexOf(method)), h: 2, w: 3 }),
};
const view = { run, prediction, image: { naturalWidth: 60, naturalHeight: 40 } };
const visible = { input: true, resnet: true, tscam: true, crt: true, crt_cnn: true };
const FIRST = { ...INITIAL, classes: [0], loops: 1, refined: false, visible };

/** Draws one state after another as panels.mjs does -> the panels that are drawn for each. */
function drawn(states, more = {}) {
  const maps = createMaps();
  const repaint = createRepaint();
  const canvases = new Map();
  return states.map((state) => panelSpecsOf(state, view, maps).filter((spec) => {
    const canvas = canvases.get(spec.key) ?? {};
    canvases.set(spec.key, canvas);
    const facts = spec.scales.map(({ shown }) => ({ iou: null, box: state.boxes && shown ? [0, 0, state.threshold, 1] : null }));
    const about = { width: 300, height: 200, pixel: 1, line: 1, bare: false, overlays: [{ draw() {}, key: ({ classes }) => [classes.join()] }], ...more };
    return repaint.changed(canvas, paintInputs(spec, facts, state, view, about));
  }).map(({ key }) => key));
}
const after = (changes, from = {}) => drawn([{ ...FIRST, ...from }, { ...FIRST, ...from, ...changes }])[1];
const ALL = ['input', ...METHODS];

test('a panel is drawn at first, and not again while nothing of it changes', () => {
  const [first, second] = drawn([FIRST, { ...FIRST }]);
  assert.deepEqual([first, second], [ALL, []]);
});

test('loops draw CRT alone, refinement the transformers, also one after another', () => {
  assert.deepEqual(after({ loops: 2 }), ['crt']);
  assert.deepEqual(after({ refined: true }), ['tscam', 'crt']);
  const scrub = drawn([0, 1, 2, 1, 0].map((loops) => ({ ...FIRST, loops })));
  assert.deepEqual(scrub.slice(1), [['crt'], ['crt'], ['crt'], ['crt']]);
  assert.deepEqual(after({ loops: 2 }, { scale: 'shared' }), METHODS, 'the largest value of all decides the colours');
});

test('the settings of the display draw all maps, and not the image', () => {
  for (const changes of [{ threshold: 0.5 }, { outline: false }, { overlay: 'heat' }, { overlay: 'mask' }, { opacity: 0.1 }, { colormap: 'gray' }, { cells: true }]) {
    assert.deepEqual(after(changes), METHODS, JSON.stringify(changes));
  }
  assert.deepEqual(after({ boxes: true }), METHODS);
  assert.deepEqual(after({ zoom: { k: 2, x: 0.5, y: 0.5 } }), ALL);
  assert.deepEqual(after({ classes: [1] }), ALL, 'the image has the ground truth of the class');
  assert.deepEqual(after({ colormap: 'gray' }, { overlay: 'mask' }), [], 'a mask has no colours');
});

test('the threshold draws nothing where nothing is drawn at it', () => {
  assert.deepEqual(after({ threshold: 0.5 }, { outline: false, overlay: 'fade' }), []);
  assert.deepEqual(after({ threshold: 0.5 }, { outline: false, overlay: 'mask' }), METHODS);
  assert.deepEqual(after({ threshold: 0.5 }, { outline: false, boxes: true }), METHODS);
});

test('what the maps are not drawn from draws nothing', () => {
  for (const changes of [{ multi_select: true }, { random_baseline: true }, { mask: { ...INITIAL.mask, walkSteps: 1 } }, { layers: { ...INITIAL.layers, head: 1 } }, { absolute: { cam: 3, product: 3 } }]) {
    assert.deepEqual(after(changes), [], JSON.stringify(changes));
  }
});

test('a difference stays while A, B and what it is drawn with stay', () => {
  const compare = { ...INITIAL.compare, view: 'difference', a: { method: 'resnet' }, b: { method: 'tscam' } };
  assert.deepEqual(after({ loops: 2 }, { compare }), [], 'neither of them has loops');
  assert.deepEqual(after({ compare: { ...compare, b: { method: 'crt' } } }, { compare }), ['compare', 'compare_b']);
  assert.deepEqual(after({ threshold: 0.5 }, { compare }), ['compare_a', 'compare_b'], 'a difference has no threshold');
  const swipe = { ...compare, view: 'swipe' };
  assert.deepEqual(after({ compare: { ...swipe, split: 0.7 } }, { compare: swipe }), ['compare']);
});

test('a canvas of another size, a hidden map and an overlay are drawn', () => {
  const [spec] = panelSpecsOf(FIRST, view, createMaps());
  const about = { width: 300, height: 200, pixel: 1, line: 1, bare: false, overlays: [{ draw() {}, key: () => [1] }] };
  const inputs = (more) => paintInputs(spec, [], FIRST, view, { ...about, ...more });
  for (const more of [{ width: 301 }, { height: 201 }, { pixel: 2 }, { line: 2 }, { overlays: [] }, { overlays: [{ draw() {}, key: () => [2] }] }]) {
    const repaint = createRepaint();
    assert.ok(repaint.changed(spec, inputs({})));
    assert.ok(repaint.changed(spec, inputs(more)), JSON.stringify(more));
    assert.ok(!repaint.changed(spec, inputs(more)));
  }
  const map = panelSpecsOf(FIRST, view, createMaps())[1];
  const repaint = createRepaint();
  repaint.changed(map, paintInputs(map, [], FIRST, view, about));
  assert.ok(repaint.changed(map, paintInputs(map, [], FIRST, view, { ...about, bare: true })));
});

test('what was made last is made once, as long as its key stays, and few are kept', () => {
  const last = createLast(2);
  let made = 0;
  const make = () => ++made;
  const [a, b, c] = [{}, {}, {}];
  assert.deepEqual([last.of(a, 'x', make), last.of(a, 'x', make), last.of(a, 'y', make), last.of(b, 'x', make), last.of(a, 'y', make)], [1, 1, 2, 3, 2]);
  last.of(c, 'x', make);
  assert.deepEqual([last.of(a, 'y', make), last.of(b, 'x', make)], [2, 5], 'the one that was not used for longest is gone');
  assert.equal(numberOf(a), numberOf(a));
  assert.notEqual(numberOf(a), numberOf(b));
  assert.equal(numberOf(null), 0);
});

test('a change of the threshold or the opacity neither interpolates nor colours a map again', () => {
  const counts = { canvases: 0, paths: 0 };
  const context = {
    canvas: { width: 60, height: 40 }, save() {}, restore() {}, translate() {}, scale() {}, drawImage() {}, stroke() {}, setTransform() {}, transform() {}, putImageData() { counts.canvases += 1; },
  };
  globalThis.OffscreenCanvas = class { getContext() { return context; } };
  globalThis.ImageData = class {};
  globalThis.Path2D = class { constructor() { counts.paths += 1; } moveTo() {} lineTo() {} closePath() {} };
  const layer = { shown: { map: { data: Float32Array.from([0, 1, 2, 3, 4, 5]), h: 2, w: 3 }, contentSize: [2, 3], max: 5, unit: 'cam' }, range: 5, signed: false };
  const paint = (changes) => {
    const before = { ...counts };
    drawMap(context, layer, { ...FIRST, ...changes }, FIRST.zoom, 1, kept);
    return counts.canvases - before.canvases;
  };
  const kept = { windows: createLast(4), colours: createLast(4), outlines: createLast(4) };
  assert.deepEqual([paint({}), paint({ threshold: 0.5 }), paint({ opacity: 0.2 }), paint({ outline: false })], [1, 0, 0, 0]);
  assert.deepEqual([paint({ colormap: 'gray' }), paint({ overlay: 'mask' }), paint({ overlay: 'mask', threshold: 0.5 })], [1, 1, 1]);
  assert.equal(counts.paths, 6, 'one for each outline');
});
