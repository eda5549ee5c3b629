import assert from 'node:assert/strict';
import { test } from 'node:test';

import { arrange, slidesOf, target, wantedOf } from '../../app/viewer/presentation/presentation.mjs';
import { MAX_SCENES, TITLE_MAX_CHARS, moved, sceneIndex, readScenes, words, writeScenes } from '../../app/viewer/presentation/scenes.mjs';
import { INITIAL } from '../../app/viewer/core/store.mjs';
import { measuredWords, stepsOf } from '../../app/viewer/presentation/tour.mjs';

const scene = (title, query = 'v=1&pic=ex.cat&l=2') => ({ title, query });

test('scenes come back from their file', () => {
  const scenes = [scene('A'), scene('"quoted" <b>', 'v=1&l=1')];
  assert.deepEqual(readScenes(writeScenes(scenes)), { scenes, left: 0, problem: '' });
});

test('what is no scene is left out and counted', () => {
  const bad = [null, 3, 'v=1', {}, scene(3), scene('x', 7), scene('x', 'l=2'), scene('x', 'v=9&l=2'), scene('x', 'javascript:alert(1)'), scene('x', `v=1&c=${'a'.repeat(1600)}`)];
  const found = readScenes(JSON.stringify({ version: 1, scenes: [...bad, scene(` ${'t'.repeat(300)}`)] }));
  assert.equal(found.left, bad.length);
  assert.deepEqual(found.scenes.map(({ title }) => title), ['t'.repeat(TITLE_MAX_CHARS)]);
  assert.equal(readScenes(JSON.stringify({ version: 1, scenes: Array(200).fill(scene('a')) })).scenes.length, MAX_SCENES);
  for (const text of ['', 'no', '[]', '3', 'null', '{"version":2,"scenes":[]}', '{"version":1,"scenes":{}}']) {
    assert.match(readScenes(text).problem, /no file of scenes/);
  }
});

test('a scene moves by one and not over the ends', () => {
  assert.deepEqual(moved(['a', 'b', 'c'], 2, -1), ['a', 'c', 'b']);
  assert.deepEqual(moved(['a', 'b', 'c'], 0, 1), ['b', 'a', 'c']);
  assert.deepEqual(moved(['a', 'b', 'c'], 0, -1), ['a', 'b', 'c']);
  assert.deepEqual(moved(['a', 'b', 'c'], 2, 1), ['a', 'b', 'c']);
});

test('a scene that another tab has deleted moves nowhere', () => {
  const [a, b] = [scene('a'), scene('b')];
  assert.deepEqual([sceneIndex([a, b], { ...b }), sceneIndex([a], b), sceneIndex([a, b], scene('b', 'v=1&l=1'))], [1, -1, -1]);
  assert.deepEqual(moved([a], sceneIndex([a], b), 1), [a]);
});

test('a slide without a mode is of the first one that its checkpoint has', () => {
  const chosen = { checkpoint: 'learned', size: '336', mode: 'deconvolution' };
  const shown = { example: 'cat', chosen, checkpoint: { modes: ['deconvolution'] } };
  const link = { image: null, checkpoint: 'learned', size: '336', mode: null };
  assert.deepEqual(Object.values(wantedOf(link, shown)), ['ex.cat', 'learned', '336', 'deconvolution']);
  assert.equal(wantedOf({ ...link, checkpoint: null }, shown).mode, ''); // the server knows the other's
  assert.equal(wantedOf({ ...link, checkpoint: null, mode: 'overlap' }, shown).mode, 'overlap');
});

const run = {
  classes: ['cat', 'dog'], methods: ['resnet', 'tscam', 'crt', 'crt_cnn'], input: [223, 336], tiles: 2, mode: 'overlap', maxLoops: 4,
  similarity: [0.01, 0.273, 0.946, 0.994, 0.999], grid: { tile: 224, cells: [14, 21] },
};

test('settings in words', () => {
  const state = { ...INITIAL, classes: [0, 1], loops: 2, blocks: [2, 5], pass_reduction: 'mean' };
  assert.equal(
    words(state, run),
    'cat + dog · ResNet, TS-CAM, CRT · CRT with 2 loops · refined by the attention of blocks 3 to 6, averaged over the passes · threshold 15 % · input 336 × 223 px, 2 tiles, overlap',
  );
  const refinement = (changes) => words({ ...state, blocks: null, ...changes }, run).split(' · ')[3];
  assert.equal(refinement({ pass_reduction: 'first' }), 'refined by the attention of the first pass');
  assert.equal(refinement({ pass_reduction: 'sum' }), 'refined by the attention summed over the passes');
  for (const pass_reduction of ['sum', 'first']) assert.equal(refinement({ pass_reduction, loops: 1 }), 'refined'); // one pass is its sum
  assert.equal(refinement({ pass_reduction: 'tile_normalized', loops: 0 }), 'refined by the attention of the first pass, per-tile normalized');
  assert.equal(refinement({ pass_reduction: 'first', refined: false }), 'not refined');
  const cnn = { ...state, visible: { ...INITIAL.visible, tscam: false, crt: false } };
  assert.equal(words(cnn, { ...run, tiles: 1 }), 'cat + dog · ResNet · threshold 15 % · input 336 × 223 px, 1 tile, overlap');
});

test('panels are as large as the screen allows, and none is cut off', () => {
  for (const count of [1, 2, 3, 4, 5]) {
    for (const aspect of [0.5, 1, 1.6]) {
      for (const box of [{ width: 1360, height: 620 }, { width: 360, height: 560 }, { width: 800, height: 800 }]) {
        const { columns, width } = arrange(count, aspect, box, 90);
        const rows = Math.ceil(count / columns);
        assert.ok(columns * width + (columns - 1) * 16 <= box.width, 'too wide');
        if (width > 1) assert.ok(rows * (width / aspect + 90) + (rows - 1) * 16 <= box.height + rows, 'too high');
      }
    }
  }
  assert.equal(arrange(3, 1.5, { width: 1360, height: 620 }, 90).columns, 3);
  assert.equal(arrange(2, 1.5, { width: 360, height: 700 }, 90).columns, 1);
  assert.deepEqual(arrange(2, 1, { width: 300, height: 50 }, 90), { columns: 1, width: 300 }); // no room: it scrolls
});

test('keys lead to slides and stop at the ends', () => {
  assert.deepEqual(['ArrowRight', 'PageDown', ' ', 'ArrowLeft', 'PageUp', 'Home', 'End'].map((key) => target(key, 1, 4)), [2, 2, 2, 0, 0, 0, 3]);
  assert.equal(target('ArrowRight', 3, 4), 3);
  assert.equal(target('ArrowLeft', 0, 4), 0);
  for (const key of ['a', 'Enter', 'toString', '__proto__']) assert.equal(target(key, 1, 4), null);
});

test('saved scenes are presented, without any the examples', () => {
  const cards = [{ id: 'cat', title: 'A cat', claim: 'It is.', view: 'l=4&r=0' }, { id: 'voc-1', title: 'Other' }];
  const [cat, other] = slidesOf([], cards);
  assert.deepEqual([cat.title, cat.claim, cat.link.image, cat.link.settings.loops, cat.link.settings.refined], ['A cat', 'It is.', 'ex.cat', 4, false]);
  assert.equal(other.link.image, 'ex.voc-1');
  assert.deepEqual(slidesOf([scene('A')], cards).map(({ title, link }) => [title, link.settings.loops]), [['A', 2]]);
});

const facts = {
  run, names: 'cat', threshold: 0.15, loops: 3, usual: 0, p: () => 0.9,
  iou: (method, { loops = 0, refined = false } = {}) => 0.3 + 0.1 * loops + (refined ? 0.2 : 0),
};

test('the tour has five steps of two sentences, with the numbers of the image', () => {
  const steps = stepsOf(facts);
  assert.deepEqual(steps.map(({ point }) => point), ['resnet', 'tscam', 'crt', 'loops', 'refined']);
  for (const { text } of steps) assert.match(text, /^[A-Z][^.]+\. [A-Z][^.]+\.$/);
  assert.match(steps[1].text, /IoU is 50 %, the CNN's 30 %/);
  assert.match(steps[2].text, /cut into 2 tiles.* 21 × 14 cells/);
  assert.match(steps[3].text, /27 %, 95 %, 99 %.*from 30 % to 60 %/);
  assert.deepEqual(steps[3].settings, { refined: false, loops: 3 });
  assert.match(steps[4].text, /from 30 % to 50 %/);
});

test('without a mask, tiles or networks the tour says what it can', () => {
  const bare = stepsOf({ ...facts, iou: () => null, run: { ...run, tiles: 1 } });
  for (const { text } of bare) assert.ok(!/IoU|null|NaN|undefined/.test(text), text);
  assert.match(bare[2].text, /fits into one tile/);
  assert.match(stepsOf({ ...facts, run: { ...run, mode: 'bilinear' } })[2].text, /whole image as one tile/);
  assert.deepEqual(stepsOf({ ...facts, run: { ...run, methods: ['crt_cnn', 'crt'] } }).map(({ point }) => point), ['crt_cnn', 'crt', 'loops', 'refined']);
});

test('the tour says of which networks the results are', () => {
  const checkpoint = { name: 'voc', sha256: 'abcdef1234' };
  assert.match(measuredWords('abcdef1234', checkpoint), /measured with this checkpoint, voc$/);
  assert.match(measuredWords('0123456789', checkpoint), /other weights \(01234567\) than this checkpoint, voc$/);
  assert.equal(measuredWords(null, checkpoint), 'Over the images we measured');
});
