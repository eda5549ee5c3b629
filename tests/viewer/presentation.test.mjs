import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { slidesOf } from '../../app/viewer/presentation/presentation.mjs';
import { MAX_SCENES, TITLE_MAX_CHARS, imageIdOf, keysOf, moved, openKept, packKept, readSceneFile, readScenes, sceneIndex, writeSceneFile, writeScenes } from '../../app/viewer/presentation/scene_file.mjs';
import { dropIndex } from '../../app/viewer/presentation/scene_list.mjs';
import { neededAnswers } from '../../app/viewer/presentation/scene_answers.mjs';
import { isWanted, wantedOf } from '../../app/viewer/presentation/scene_runs.mjs';
import { importWords, words } from '../../app/viewer/presentation/scenes.mjs';
import { KEY_LIST, adjusted, target } from '../../app/viewer/presentation/slide_keys.mjs';
import { arrange, chartColumns, largestFitting, outlineScale } from '../../app/viewer/presentation/slide_layout.mjs';
import { rowOf } from '../../app/viewer/presentation/thumbnail.mjs';
import { INITIAL } from '../../app/viewer/core/store.mjs';
import { measuredOf, stepsOf } from '../../app/viewer/presentation/tour_steps.mjs';

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

const IMAGE = 'data:image/jpeg;base64,/9j/4AAQ';
const RUN = JSON.stringify(['run', 'abc', 's', '336', 'overlap']);
const WALK = JSON.stringify(['walk', 'abc', 's', '336', 'overlap', {}]);

/** A run as it is kept: one transformer with two passes of one tile of 2 × 2 cells, and a CNN. */
function keptRun() {
  const stored = (shape, offset) => ({ shape, offset, scale: 1 });
  return {
    run: 'r', image: IMAGE, imageId: 'abc', checkpoint: { id: 'i', name: 'n', sha256: 's', modes: ['overlap'] }, chosen: { checkpoint: '', size: '336', mode: 'overlap' },
    classes: ['cat'], methods: ['crt', 'resnet'], maxLoops: 1, defaults: {}, scores: { crt: [[0.5], [0.6]], resnet: [[0.7]] }, similarity: [0, 0.5], residual: {}, timings: {},
    grid: { shape: [1, 1], stride: 32, tile: 64, patch: 16, cells: [2, 2], patchCells: [4, 4], content: [64, 64] }, input: [64, 64], source: [64, 64], tiles: 1, passes: 1, mode: 'overlap', precision: 'float32',
    records: [
      { method: 'crt', kind: 'tokens', content_size: [2, 2], cams: stored([2, 1, 1, 2, 2], 0), cls_attn: stored([1, 2, 1, 4], 16) },
      { method: 'resnet', kind: 'conv', content_size: [2, 2], cams: stored([1, 2, 2], 32) },
    ],
    bytes: Uint8Array.from({ length: 40 }, (_, i) => i).buffer,
  };
}

test('a file holds what its scenes show, to the byte', () => {
  const whole = { ...scene('A'), thumb: IMAGE, drawn: [{ label: 'cat', polygon: [[0, 0], [1, 0], [1, 0.5]] }], run: RUN, answers: [WALK] };
  const kept = new Map([[RUN, keptRun()], [WALK, { ms: 3, arrays: {}, bytes: new ArrayBuffer(2) }]]);
  const found = readSceneFile(writeSceneFile([whole], kept));
  assert.deepEqual(found.scenes, [whole]);
  assert.equal(found.problem, '');
  assert.deepEqual([...found.kept.keys()], [RUN, WALK]);
  assert.deepEqual(found.kept.get(RUN), keptRun());
  assert.deepEqual(new Uint8Array(found.kept.get(RUN).bytes), new Uint8Array(keptRun().bytes));
  assert.equal(found.kept.get(WALK).bytes.byteLength, 2);
  assert.deepEqual([...keysOf([whole, scene('B')])], [RUN, WALK]);
  assert.equal(imageIdOf(RUN), 'abc');
  assert.deepEqual([imageIdOf(undefined), imageIdOf(WALK), imageIdOf('x')], ['', '', '']);
});

test('a file of an earlier release opens as before', () => {
  const old = JSON.stringify({ version: 1, scenes: [scene('A')] });
  const found = readSceneFile(old);
  assert.deepEqual([found.scenes, found.left, found.kept.size], [[scene('A')], 0, 0]);
});

test('what cannot be shown of a scene is left out, and the scene stays', () => {
  const wrong = [
    { thumb: 'https://example.org/a.png' }, { thumb: 'data:image/svg+xml;base64,AA==' }, { thumb: 3 }, { drawn: {} }, { drawn: [{ label: 'cat', polygon: [[0, 2]] }] },
    { drawn: [{ label: 3, polygon: [] }] }, { run: 7 }, { run: 'run' }, { answers: 'x' }, { answers: [3] }, { answers: Array(200).fill(WALK) },
  ];
  for (const one of wrong) {
    const { scenes, left } = readSceneFile(JSON.stringify({ version: 1, scenes: [{ ...scene('A'), ...one }] }));
    assert.deepEqual([scenes, left], [[scene('A')], 0], JSON.stringify(one));
  }
});

test('a run that cannot be drawn is not kept', () => {
  const packed = (changes) => packKept(new Map([[RUN, { ...keptRun(), ...changes }]]));
  assert.equal(openKept(packed({})).size, 1);
  const [crt, resnet] = keptRun().records;
  const wrong = [
    { image: 'https://example.org/a.png' }, { image: null }, { imageId: 3 }, { checkpoint: null }, { checkpoint: { id: 'i' } }, { chosen: {} }, { classes: [] }, { classes: [3] }, { methods: ['tscam'] },
    { scores: {} }, { scores: { crt: [['a']], resnet: [[1]] } }, { maxLoops: 'x' }, { grid: null }, { records: [crt] }, { records: [crt, { ...resnet, cams: { ...resnet.cams, offset: 33 } }] },
    { records: [crt, { ...resnet, cams: { ...resnet.cams, shape: [1, 2, -2] } }] }, { records: [{ ...crt, cls_attn: undefined }, resnet] }, { bytes: null }, { masks: [null] }, { defaults: 'x' }, { input: [1] },
  ];
  for (const one of wrong) assert.equal(openKept(packed(one)).size, 0, JSON.stringify(one));
  for (const values of [undefined, null, 3, [], { x: keptRun() }, { [RUN]: null }, { [RUN]: { ...keptRun(), data: '%' } }]) assert.equal(openKept(values).size, 0);
});

test('a row is dropped among the others', () => {
  assert.deepEqual([0, 15, 25, 99].map((y) => dropIndex([10, 20, 30], y)), [0, 1, 2, 3]);
  assert.equal(dropIndex([], 5), 0);
  assert.deepEqual(moved(['a', 'b', 'c', 'd'], 0, 3), ['b', 'c', 'd', 'a']);
  assert.deepEqual(moved(['a', 'b', 'c', 'd'], 3, -2), ['a', 'd', 'b', 'c']);
});

test('a file that is opened says what became of its scenes', () => {
  assert.equal(importWords(2, 3, false), '2 scenes added, 3 left out.');
  assert.equal(importWords(1, 0, false), '1 scene added.');
  assert.equal(importWords(5, 0, true), '5 scenes opened in place of those before.');
});

test('the canvases of a thumbnail stand in one row', () => {
  assert.deepEqual(rowOf([[200, 100], [100, 100]], 72), { widths: [144, 72], width: 218 });
  assert.deepEqual(rowOf([[1, 5000]], 72), { widths: [1], width: 1 });
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
  const compare = { ...INITIAL.compare, view: 'difference', a: { method: 'resnet' }, b: { method: 'tscam', class: 'dog' } };
  assert.match(words({ ...state, classes: [0], compare }, run), /^cat, dog · ResNet, TS-CAM · refined/);
  assert.match(words({ ...state, compare: { ...compare, view: 'swipe', b: { method: 'resnet', loops: 1 } } }, run), /^cat \+ dog · ResNet · threshold/);
  assert.match(words({ ...state, compare: { ...compare, view: 'classes' } }, run), /^cat, dog · ResNet, TS-CAM, CRT · CRT with 2 loops/);
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

const slide = (state = {}) => ({ ...INITIAL, classes: [0], loops: 1, refined: true, ...state });
const pairRun = { run: 'r', imageId: 'i', checkpoint: { sha256: 'c', relation: 0.3, segmentation: true }, chosen: { size: '336', mode: 'overlap' }, methods: ['resnet', 'tscam', 'crt', 'crt_cnn'], classes: ['cat', 'dog'], scores: { crt: [[1, 0]] }, maxLoops: 2 };
const pairView = (run = {}) => ({ run: { ...pairRun, ...run }, prediction: { isTransformer: (method) => method === 'crt' || method === 'tscam' } });
const change = (key, state, answers = new Map(), run = {}) => adjusted(key, slide(state), pairView(run), answers);

test('keys change loops within their limits, and refinement', () => {
  assert.deepEqual(change('ArrowUp'), { changes: { loops: 2 }, text: '2 loops' });
  assert.deepEqual(change('ArrowUp', { loops: 2 }), { changes: { loops: 2 }, text: '2 loops' });
  assert.deepEqual(change('ArrowDown'), { changes: { loops: 0 }, text: '0 loops' });
  assert.deepEqual(change('ArrowDown', { loops: 0 }).changes, { loops: 0 });
  assert.deepEqual([change('r'), change('R', { refined: false })], [{ changes: { refined: false }, text: 'Not refined' }, { changes: { refined: true }, text: 'Refined' }]);
  for (const key of ['x', 'ArrowLeft', 'toString', 'Enter']) assert.equal(change(key), null);
  for (const key of ['ArrowUp', 'ArrowDown']) assert.equal(target(key, 1, 4), null, 'no step');
  const listed = KEY_LIST.map(([keys]) => keys).join(' ');
  for (const sign of ['→', '←', '↑', '↓', 'R', '?', 'Esc', 'Home', 'End']) assert.ok(listed.includes(sign), sign);
});

test('keys do nothing on a slide that does not depend on them', () => {
  const acts = (state, run = {}) => ['ArrowUp', 'ArrowDown', 'r'].map((key) => change(key, state, new Map(), run) !== null);
  const all = [true, true, true];
  const none = [false, false, false];
  const onlyLoops = [true, true, false];
  const onlyRefinement = [false, false, true];
  for (const tab of ['layers', 'results']) assert.deepEqual(acts({ tab }), none, tab);
  assert.deepEqual(['sizes', 'modes', 'curves', 'ladder'].map((show) => acts({ tab: 'ablate', ablate: { show } })), [onlyRefinement, onlyLoops, all, onlyLoops]);
  assert.deepEqual([acts({}), acts({}, { maxLoops: 0 })], [all, onlyRefinement]);
  assert.deepEqual(acts({ visible: { ...INITIAL.visible, crt: false } }), onlyRefinement);
  assert.deepEqual(acts({ visible: { resnet: true } }), none);
  const sides = (view, a, b) => ({ compare: { ...INITIAL.compare, view, a, b } });
  assert.deepEqual(acts(sides('swipe', { method: 'crt', loops: 1 }, { method: 'crt', loops: 2 })), onlyRefinement);
  assert.deepEqual(acts(sides('swipe', { method: 'crt', refined: false }, { method: 'resnet' })), onlyLoops);
  assert.deepEqual(acts(sides('classes', {}, {})), all);
});

test('on a slide of masks keys lead to those that are here, and request none', () => {
  const masks = (mask = {}) => ({ tab: 'masks', mask: { ...INITIAL.mask, method: 'crt', crf: true, walk: true, deeplab: true, ...mask } });
  const keysWith = (changes, mask = {}) => neededAnswers(slide({ ...masks(mask), ...changes }), pairRun).map(({ key }) => [key, {}]);
  assert.equal(keysWith({ loops: 2 }).length, 3);
  assert.equal(change('ArrowUp', masks()), null);
  assert.equal(change('r', masks()), null);
  assert.deepEqual(change('ArrowUp', masks(), new Map(keysWith({ loops: 2 }))).changes, { loops: 2 });
  assert.equal(change('ArrowDown', masks(), new Map(keysWith({ loops: 2 }))), null);
  assert.equal(change('ArrowUp', masks(), new Map(keysWith({ loops: 2 }).slice(0, 1))), null, 'the walk is missing');
  assert.deepEqual(change('r', masks(), new Map(keysWith({ refined: false }))).changes, { refined: false });
  assert.deepEqual(change('ArrowUp', masks({ crf: false, walk: false })).changes, { loops: 2 }, 'the seed alone');
  assert.equal(change('ArrowUp', masks({ method: 'resnet', crf: false, walk: false })), null);
  assert.equal(change('r', masks({ method: 'resnet', crf: false, walk: false })), null);
});

test('charts stand in two columns where there is room', () => {
  assert.deepEqual([1, 2, 4].map((count) => chartColumns(count, 733)), [1, 2, 2]);
  assert.equal(chartColumns(4, 286), 1);
});

test('images take the largest size that fits', () => {
  for (const limit of [24, 25, 700, 1600, 5000]) assert.equal(largestFitting(24, 1600, (size) => size <= limit), Math.min(limit, 1600));
  assert.equal(largestFitting(24, 1600, () => false), 24); // it scrolls
});

test('an outline has more than 4 px on a projector and its own width on a small screen', () => {
  assert.ok(1.4 * outlineScale({ width: 1920, height: 1080 }) >= 4);
  assert.equal(outlineScale({ width: 390, height: 844 }), 1);
  assert.ok(outlineScale({ width: 3840, height: 2160 }) > outlineScale({ width: 1920, height: 1080 }));
});

test('a run is the one of a link by image, checkpoint, size and mode', () => {
  const one = { example: 'cat', chosen: { checkpoint: 'a', size: '336', mode: 'overlap' } };
  const wanted = { pic: 'ex.cat', checkpoint: 'a', size: '336', mode: 'overlap' };
  assert.ok(isWanted(wanted, one));
  for (const change of [{ pic: 'ex.dog' }, { checkpoint: '' }, { size: '448' }, { mode: 'bilinear' }]) assert.ok(!isWanted({ ...wanted, ...change }, one));
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
  for (const { text } of stepsOf({ ...facts, iou: () => null })) assert.match(text, /^[A-Z][^.]+\. [A-Z][^.]+\.$/);
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

const readResults = (name) => JSON.parse(readFileSync(new URL(`../../results/${name}.json`, import.meta.url), 'utf8'));

test('the tour says of loops and refinement what was measured of the checkpoint on the page', () => {
  const { methods, images, protocol } = readResults('voc_val_one_scale');
  const checkpoint = { name: 'voc', sha256: protocol.checkpoint_sha256 };
  const measured = measuredOf(readResults('summary'), { checkpoint, defaults: { blocks: null, pass_reduction: 'sum' } });
  const steps = stepsOf({ ...facts, usual: 2, measured });
  const best = (loops, kind = '') => `${methods[`crt_loops_${loops}${kind}`].miou_best.toFixed(1)} %`;
  const over = `over ${images} images of val (Results tab), each at its best threshold`;
  assert.ok(steps[3].text.includes(`${over}, 3 loops take the mIoU without refinement from ${best(0, '_unrefined')} to ${best(3, '_unrefined')}; on this image`), steps[3].text);
  assert.ok(steps[4].text.includes(`${over.replace('over', 'Over')}, it takes the mIoU with 2 loops from ${best(2, '_unrefined')} to ${best(2)}; on this image`), steps[4].text);
});

test('the tour says nothing of results that are not of the checkpoint and its settings', () => {
  const summary = readResults('summary');
  const of = (sha256, defaults = {}) => measuredOf(summary, { checkpoint: { name: 'own', sha256 }, defaults: { blocks: null, pass_reduction: 'sum', ...defaults } });
  const known = summary.sections[0].weights_sha256;
  assert.ok(of(known).refined);
  assert.equal(of('0123'), null);
  assert.equal(of(known, { blocks: [7, 10] }).refined, undefined);
  assert.equal(of(known, { pass_reduction: 'mean' }).refined, undefined);
  assert.notDeepEqual(of(known, { pass_reduction: 'last' }).refined, of(known).refined);
  const steps = stepsOf({ ...facts, loops: 9, measured: of(known, { blocks: [7, 10] }) });
  for (const { text } of [...steps, ...stepsOf({ ...facts, iou: () => null })]) assert.ok(!/Results|undefined/.test(text), text);
});
