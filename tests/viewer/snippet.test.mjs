import assert from 'node:assert/strict';
import { test } from 'node:test';

import { packBits } from '../../app/viewer/export/bits.mjs';
import { bytesWords, describeView } from '../../app/viewer/export/export.mjs';
import { pythonString, snippet, wantedMaps } from '../../app/viewer/export/snippet.mjs';
import { INITIAL } from '../../app/viewer/core/store.mjs';

const tokens = (method) => ({ method, kind: 'tokens', cls_attn: { shape: [3, 6, 4, 16] } });
const run = {
  classes: ['cat', 'a "dog"', 'person'], methods: ['resnet', 'tscam', 'crt', 'crt_cnn'], mode: 'overlap', maxLoops: 4,
  input: [252, 336], source: [600, 800], chosen: { size: '336', mode: 'overlap' },
  records: [{ method: 'resnet', kind: 'conv' }, tokens('tscam'), tokens('crt'), { method: 'crt_cnn', kind: 'conv' }],
  checkpoint: { name: 'voc', source: 'checkpoints/voc' }, imageFile: 'app/examples/cat.jpg', imageId: 'p', masks: [],
};
const state = { ...INITIAL, classes: [0], loops: 3, threshold: 0.15 };
const lines = (changes = {}, other = {}) => snippet({ ...state, ...changes }, { ...run, ...other }).split('\n');

test('texts are Python literals, whatever is in them', () => {
  assert.equal(pythonString('cat'), '"cat"');
  assert.equal(pythonString('a "b" \\ \n\t'), '"a \\"b\\" \\\\ \\n\\t"');
  assert.equal(pythonString('größe 猫'), '"größe 猫"');
  assert.equal(pythonString('\u202e\u2028\u007f\u0000\ufeff'), '"\\u202e\\u2028\\u007f\\u0000\\ufeff"');
  assert.equal(pythonString('😀'), '"\\U0001f600"');
  assert.equal(pythonString('\ud83d'), '"\\ud83d"');
});

test('the arrays are called like the panels and take the settings that their networks have', () => {
  const text = lines();
  assert.ok(text.includes('resnet = prediction.cams("resnet", classes=classes)'));
  assert.ok(text.includes('tscam = prediction.cams("tscam", refined=True, blocks=None, pass_reduction="sum", classes=classes)'));
  assert.ok(text.includes('crt = prediction.cams("crt", loops=3, refined=True, blocks=None, pass_reduction="sum", classes=classes)'));
  assert.ok(!text.some((line) => line.startsWith('crt_cnn')));
  assert.ok(text.includes('predictor = Predictor(load_checkpoint("checkpoints/voc"))'));
  assert.ok(text.includes('prediction = predictor.predict("app/examples/cat.jpg", settings)'));
  assert.ok(lines({ refined: false, blocks: [1, 2], pass_reduction: 'last' }).includes('crt = prediction.cams("crt", loops=3, refined=False, classes=classes)'));
  assert.ok(lines({ blocks: [2, 40], pass_reduction: 'last' }).includes('crt = prediction.cams("crt", loops=3, refined=True, blocks=range(2, 6), pass_reduction="last", classes=classes)'));
});

test('nothing switched on gives all networks, two compared are a and b', () => {
  const none = { ...state, visible: { ...INITIAL.visible, resnet: false, tscam: false, crt: false } };
  assert.deepEqual(wantedMaps(none, run).map(({ name }) => name), run.methods);
  const compare = { ...INITIAL.compare, view: 'swipe', a: { method: 'crt', loops: 0 }, b: { method: 'crt', refined: false } };
  assert.deepEqual(wantedMaps({ ...state, compare }, run), [
    { name: 'a', method: 'crt', loops: 0, refined: true }, { name: 'b', method: 'crt', loops: 3, refined: false },
  ]);
  assert.ok(lines({ compare }).includes('b = prediction.cams("crt", loops=3, refined=False, classes=classes)'));
});

test('a side with a class of its own is made of it, and so is its mask', () => {
  const compare = { ...INITIAL.compare, view: 'difference', a: { method: 'resnet' }, b: { method: 'crt', loops: 0, class: 'person' } };
  const text = lines({ compare });
  assert.ok(text.includes('classes = [prediction.classes.index(name) for name in ["cat"]]'));
  assert.ok(text.includes('classes_b = [prediction.classes.index(name) for name in ["person"]]'));
  assert.ok(text.includes('a = prediction.cams("resnet", classes=classes)'));
  assert.ok(text.includes('b = prediction.cams("crt", loops=0, refined=True, blocks=None, pass_reduction="sum", classes=classes_b)'));
  assert.ok(text.includes('mask = cam_to_labels(seeds, classes_b, threshold=0.15)'));
  const same = { ...compare, b: { ...compare.b, class: 'cat' } };
  assert.deepEqual(lines({ compare: same }), lines({ compare: { ...compare, b: { method: 'crt', loops: 0 } } }));
});

test('a grid of classes is all of its classes by each network', () => {
  const compare = { ...INITIAL.compare, view: 'classes' };
  const scores = { crt: [[0.1, 0.2, 0.9]] };
  const text = lines({ compare, visible: { ...INITIAL.visible, tscam: false } }, { scores });
  assert.ok(text[0].endsWith('The page shows a map for each class.'));
  assert.ok(text.includes('classes = [prediction.classes.index(name) for name in ["person", "a \\"dog\\"", "cat"]]'));
  assert.deepEqual(text.filter((line) => / = prediction.cams/.test(line)).map((line) => line.split(' ')[0]), ['resnet', 'crt']);
  const described = describeView({ ...state, compare, visible: { ...INITIAL.visible, input: true, tscam: false } }, { run: { ...run, scores }, image: { naturalWidth: 400, naturalHeight: 300 } });
  assert.deepEqual(described.maps.map(({ method, letter, classes }) => [method, letter, ...classes]), [2, 1, 0].flatMap((index) => [['resnet', '', index], ['crt', '', index]]));
  assert.deepEqual([described.image, described.difference], [false, false]);
});

test('the native size is the image\'s own unless it was reduced; unknown sources are placeholders', () => {
  const settings = (other) => lines({}, other).find((line) => line.startsWith('settings'));
  assert.equal(settings({}), 'settings = InferenceConfig(size=336, mode="overlap", loops=4)');
  assert.match(settings({ chosen: { size: 'native' }, input: [600, 800] }), /size=None/);
  assert.match(settings({ chosen: { size: 'native' }, input: [1008, 1344], source: [1500, 2000] }), /size=1344/);
  assert.ok(lines({}, { precision: 'bfloat16' }).includes('predictor = Predictor(load_checkpoint("checkpoints/voc"), bfloat16=True)'));
  const own = lines({}, { checkpoint: { name: 'a"b', source: null }, imageFile: null });
  assert.ok(own.includes('predictor = Predictor(load_checkpoint("path/to/a\\"b"))'));
  assert.ok(own.includes('prediction = predictor.predict("image.jpg", settings)  # your image'));
});

test('bits are packed from the highest bit', () => {
  assert.deepEqual([...Buffer.from(packBits([1, 0, 0, 0, 0, 0, 0, 1, 1, 0]), 'base64')], [0x81, 0x80]);
  assert.equal(packBits(new Uint8Array(0)), '');
  const many = Uint8Array.from({ length: 100_000 }, (_, i) => (i * i) % 7 === 1);
  const bytes = Buffer.from(packBits(many), 'base64');
  assert.ok(many.every((flag, i) => ((bytes[i >> 3] >> (7 - (i & 7))) & 1) === flag));
});

test('the screen is described as the page shows it', () => {
  const view = { run: { ...run, masks: [{ label: 'cat', polygons: [[[-0.1, 0], [0.5, 0], [0.5, 1]]] }] }, image: { naturalWidth: 400, naturalHeight: 300 } };
  const told = describeView({ ...state, visible: { ...INITIAL.visible, input: true } }, view);
  assert.deepEqual([told.rows, told.columns, told.image, told.difference, told.added_panel], [240, 320, true, false, null]);
  assert.deepEqual(told.maps, ['resnet', 'tscam', 'crt'].map((method) => ({ method, letter: '' })));
  assert.deepEqual(told.ground_truth.polygons[0][0], [0, 0]);
  assert.equal(Buffer.from(told.ground_truth.inside, 'base64').length, 240 * 40);
  assert.equal(told.ground_truth.ignore, null);
  assert.deepEqual(told.ground_truth.cutoffs, {});
  assert.equal(describeView({ ...state, ground_truth: false }, view).ground_truth, null);
  assert.equal(describeView({ ...state, classes: [0, 2] }, view).ground_truth.inside, null);
  const addedPanel = { title: 't', note: 'n', unit: 'attention', map: { data: Float32Array.of(0.5, -1), h: 1, w: 2 }, contentSize: [1, 2] };
  const more = describeView(state, view, () => addedPanel).added_panel;
  assert.deepEqual(new Float32Array(Uint8Array.from(Buffer.from(more.values, 'base64')).buffer), Float32Array.of(0.5, 0));
  const differing = describeView({ ...state, compare: { ...INITIAL.compare, view: 'difference' } }, view, () => addedPanel);
  assert.deepEqual([differing.maps, differing.difference, differing.added_panel], [[{ method: 'resnet', letter: 'A' }, { method: 'crt', letter: 'B' }], true, null]);
});

test('sides of different classes are described with their classes and ground truth', () => {
  const ring = [[0, 0], [0.5, 0], [0.5, 1]];
  const view = { run: { ...run, masks: [{ label: 'person', polygons: [ring] }] }, image: { naturalWidth: 400, naturalHeight: 300 } };
  const compare = { ...INITIAL.compare, view: 'swipe', a: { method: 'crt' }, b: { method: 'crt', loops: 0, class: 'person' } };
  const { maps, classes, ground_truth } = describeView({ ...state, compare }, view);
  assert.deepEqual([classes, ground_truth.polygons], [[0], []]);
  assert.deepEqual(maps.map(({ method, letter, loops, classes }) => [method, letter, loops, classes]), [['crt', 'A', undefined, [0]], ['crt', 'B', 0, [2]]]);
  assert.deepEqual(maps.map((map) => [map.ground_truth.polygons.length, map.ground_truth.inside === null]), [[0, true], [1, false]]);
  assert.deepEqual(describeView({ ...state, compare, ground_truth: false }, view).maps.map((map) => map.ground_truth), [null, null]);
  const same = { ...compare, b: { method: 'crt', class: 'cat' } };
  assert.deepEqual(describeView({ ...state, compare: same }, view).maps, [{ method: 'crt', letter: 'A' }, { method: 'crt', letter: 'B' }]);
});

test('sizes of files in words', () => {
  assert.deepEqual([12, 940_000, 1_740_000].map(bytesWords), ['1 kB', '940 kB', '1.7 MB']);
});
