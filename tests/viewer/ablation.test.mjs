import assert from 'node:assert/strict';
import { test } from 'node:test';

import { gridMethod, runWords } from '../../app/viewer/ablation/ablation.mjs';
import { SIZES, wantedBy } from '../../app/viewer/ablation/plan.mjs';
import { bestOf, modesPlan, sizesPlan } from '../../app/viewer/ablation/grids.mjs';
import { ladderLoops, ladderNumbers, rungs, settingsWords } from '../../app/viewer/ablation/ladder.mjs';
import { createMeasure } from '../../app/viewer/ablation/thumbnails.mjs';
import { distanceSpec, loopsSpec, similaritySpec, thresholdSpec, timeSpec } from '../../app/viewer/ablation/ablation_charts.mjs';
import * as r from '../../app/viewer/ablation/readings.mjs';
import { createAblationJob, keyOf } from '../../app/viewer/ablation/ablation_job.mjs';
import { STEPS, iouAt, overlap, sweep } from '../../app/viewer/maths/iou.mjs';

/** Numbers from 0 to 1, the same in every run. */
function random(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test('the sweep is the overlap at every threshold', () => {
  const next = random(7);
  for (const max of [1, 0.37, 12.5]) {
    const data = Float32Array.from({ length: 900 }, () => Math.max(0, (next() - 0.2) * max * 1.25));
    const mask = Uint8Array.from(data, (value) => (value + next() * max > 0.9 * max ? 1 : 0));
    for (const ignore of [null, Uint8Array.from(data, () => (next() < 0.2 ? 1 : 0))]) {
      const { iou, best } = sweep(data, max, mask, ignore);
      for (let step = 0; step <= STEPS; step++) {
        assert.equal(iou[step], overlap(data, (step / STEPS) * max, mask, ignore), `${step} %`);
      }
      assert.equal(best.iou, Math.max(...iou.slice(1)));
      assert.equal(iouAt({ iou }, best.threshold), best.iou);
    }
  }
});

test('the sweep of an empty map and of a truth that fills the image', () => {
  assert.deepEqual(sweep(new Float32Array(4), 0, [1, 1, 0, 0]).best, { threshold: 0.01, iou: 0 });
  const { iou, best } = sweep(Float32Array.from([1, 1, 0.5, 0.5]), 1, [1, 1, 1, 1]);
  assert.deepEqual([iou[0], iou[49], iou[50], iou[99], iou[100], best.threshold], [1, 1, 0.5, 0.5, 0, 0.01]); // a tie is background
});

function job() {
  const asked = [];
  let changes = 0;
  const made = createAblationJob((question) => asked.push(question.key), () => { changes++; });
  return { asked, made, changes: () => changes };
}
const questions = ['a', 'b', 'c'].map((key) => ({ key, size: key, mode: 'overlap' }));
const maps = { run: {}, prediction: {} };

test('columns are asked for one at a time, each when the one before is there', () => {
  const { asked, made, changes } = job();
  made.start(questions);
  assert.deepEqual(asked, ['a']);
  assert.deepEqual([made.waits('a'), made.waits('b')], [true, false]);
  made.take('a', maps);
  assert.deepEqual(asked, ['a', 'b']);
  assert.deepEqual(made.progress(), { running: true, done: 1, total: 3 });
  made.take('b', { cannot: 'no.' });
  made.take('c', maps);
  assert.deepEqual(asked, ['a', 'b', 'c']);
  assert.deepEqual(made.progress(), { running: false, done: 3, total: 3 });
  assert.deepEqual(made.missing(questions), []); // what a checkpoint cannot do is not asked again
  assert.equal(changes(), 4);
});

test('after a cancel nothing is asked, a late answer is kept, and the next round takes up the rest', () => {
  const { asked, made } = job();
  made.start(questions);
  made.take('a', maps);
  made.stop();
  made.take('b', maps);
  assert.deepEqual(asked, ['a', 'b']);
  assert.deepEqual(made.progress(), { running: false, done: 2, total: 3 });
  made.start(questions);
  assert.deepEqual(asked, ['a', 'b', 'c']);
  assert.equal(made.progress().done, 2);
});

test('a cancelled question that is asked again moves on once, whichever of its two answers comes', () => {
  const { asked, made } = job();
  made.start(questions);
  made.stop();
  made.start(questions);
  made.take('a', maps);
  made.take('a', maps);
  assert.deepEqual(asked, ['a', 'a', 'b']);
});

test('a column that failed is told, does not stop the others, and is asked again in the next round', () => {
  const { asked, made } = job();
  made.start(questions);
  made.take('a', { error: 'busy.' });
  made.take('b', maps);
  made.take('c', maps);
  assert.deepEqual(made.progress(), { running: false, done: 3, total: 3 });
  assert.deepEqual(made.missing(questions).map(({ key }) => key), ['a']);
  made.start(questions);
  made.take('a', maps);
  made.take('a', { error: 'late.' });
  assert.deepEqual([asked.at(-1), made.get('a')], ['a', maps]);
  made.clear();
  assert.deepEqual([made.get('a'), made.progress().total], [undefined, 0]);
});

test('each part asks for what it shows', () => {
  const chosen = { size: '448', mode: 'non-overlap' };
  assert.deepEqual(SIZES, ['224', '336', '448', '560', '672']);
  assert.deepEqual(wantedBy('sizes', chosen).map(({ size, mode }) => `${size} ${mode}`), SIZES.map((size) => `${size} non-overlap`));
  assert.deepEqual(wantedBy('curves', chosen), wantedBy('sizes', chosen));
  assert.deepEqual(wantedBy('modes', chosen).map(({ size, mode }) => `${size} ${mode}`), ['448 overlap', '448 non-overlap', '448 bilinear', '448 deconvolution']);
  assert.deepEqual(wantedBy('ladder', chosen), [{ size: '224', mode: 'bilinear' }, { size: '448', mode: 'overlap' }]);
  assert.deepEqual([5, 2, 1, 0].map((missing) => runWords('sizes', missing, 5)), ['Run 5 sizes', 'Run the 2 missing sizes', 'Run the 1 missing size', 'All 5 sizes are here']);
  assert.equal(keyOf('p.c', { size: '224', mode: 'overlap' }), 'p.c/224/overlap');
});

test('the grids show CRT, or the transformer there is', () => {
  const prediction = { isTransformer: (method) => method !== 'resnet' };
  assert.equal(gridMethod({ methods: ['tscam', 'crt'] }, prediction), 'crt');
  assert.equal(gridMethod({ methods: ['resnet', 'tscam'] }, prediction), 'tscam');
  assert.equal(gridMethod({ methods: ['resnet'] }, prediction), 'resnet');
});

const run = { chosen: { size: '336', mode: 'bilinear' }, defaults: { loops: 2 }, maxLoops: 4 };

test('the plans of the grids', () => {
  const state = { loops: 1, refined: true };
  const sizes = sizesPlan({ sizes: SIZES, run, state, loops: 4 });
  assert.deepEqual(sizes.heads.map(({ title, own }) => [title, own.loops, own.refined]).slice(0, 2), [['0 loops', 0, true], ['1 loop', 1, true]]);
  assert.equal(sizes.heads.length * sizes.lines.length, 25);
  const modes = modesPlan({ modes: ['overlap', 'bilinear'], run, state });
  assert.deepEqual(modes.heads.map(({ own }) => own), [{ loops: 1, refined: false }, { loops: 1, refined: true }]);
  assert.deepEqual(modes.lines.map(({ at }) => at), [{ size: '336', mode: 'overlap' }, { size: '336', mode: 'bilinear' }]);
});

test('the best cell is the first of the highest, if there are two to compare', () => {
  assert.deepEqual([bestOf([0.2, null, 0.7, 0.7]), bestOf([null, 0.7]), bestOf([])], [2, -1, -1]);
});

test('one thing changes from rung to rung', () => {
  const steps = rungs(run, 3);
  assert.deepEqual(steps.map(({ name }) => name), ['ResNet', 'TS-CAM', '+ cut-merge', '+ CAM consistency', '+ loops', '+ refinement']);
  const about = ({ method, at, loops, refined }) => [method, `${at.size} ${at.mode}`, loops, refined];
  assert.deepEqual(steps.slice(1).map(about), [
    ['tscam', '224 bilinear', 0, false], ['tscam', '336 overlap', 0, false], ['crt', '336 overlap', 0, false], ['crt', '336 overlap', 3, false], ['crt', '336 overlap', 3, true],
  ]);
  for (let i = 2; i < steps.length; i++) {
    const [before, after] = [about(steps[i - 1]), about(steps[i])];
    assert.equal(after.filter((value, k) => value !== before[k]).length, 1, steps[i].name);
  }
});

test('the loop count of the ladder is the one set, else the default, else that of the paper', () => {
  assert.equal(ladderLoops(9, run).loops, 4);
  assert.deepEqual([ladderLoops(0, run).loops, ladderLoops(0, { ...run, defaults: { loops: 0 } }).loops, ladderLoops(0, { defaults: { loops: 0 }, maxLoops: 1 }).loops], [2, 3, 1]);
  const words = new Set([ladderLoops(1, run).why, ladderLoops(0, run).why, ladderLoops(0, { ...run, defaults: { loops: 0 } }).why]);
  assert.equal(words.size, 3);
});

test('settings of a rung are said exactly', () => {
  const column = { input: [227, 336], tiles: 4, mode: 'overlap', grid: { tile: 224 } };
  const [cnn, single, tiles, , loops, refined] = rungs(run, 3);
  assert.equal(settingsWords(cnn, column), 'ResNet network · input 336 × 227 px');
  assert.equal(settingsWords(single, { ...column, input: [151, 224], tiles: 1 }), 'TS-CAM network · input 224 × 151 px · one 224 px tile · not refined');
  assert.equal(settingsWords(tiles, column), 'TS-CAM network · input 336 × 227 px · 4 tiles of 224 px, overlap · not refined');
  assert.match(settingsWords(tiles, { ...column, tiles: 1 }), /nothing to merge/);
  assert.match(settingsWords(loops, column), /3 loops \(as set above\) · not refined$/);
  const said = (pass_reduction, blocks = null) => settingsWords(refined, column, { pass_reduction, blocks });
  assert.match(said('sum'), /3 loops · refined by the attention summed over the passes$/);
  assert.match(said('first'), /3 loops · refined by the attention of the first pass$/);
  assert.match(said('first', [2, 5]), /refined by the attention of blocks 3 to 6, of the first pass$/);
});

const curve = (...iou) => {
  const all = Float64Array.from({ length: STEPS + 1 }, (_, i) => iou[Math.min(iou.length - 1, Math.floor(i / 10))]);
  const best = all.indexOf(Math.max(...all.slice(1)), 1);
  return { iou: all, best: { threshold: best / STEPS, iou: all[best] } };
};

test('differences of the ladder are to the rung before, if it is there', () => {
  const numbers = ladderNumbers([curve(0.5, 0.2), curve(0.3, 0.6), null, curve(0.7)], 0.15);
  assert.deepEqual(numbers.map(({ now }) => now), [0.2, 0.6, null, 0.7]);
  assert.deepEqual(numbers.map(({ gain }) => gain && Number(gain.toFixed(3))), [null, 0.1, null, null]);
  assert.deepEqual(numbers.map(({ gainNow }) => gainNow && Number(gainNow.toFixed(3))), [null, 0.4, null, null]);
  assert.equal(numbers[1].best.threshold, 0.1);
});

test('which count stops helping, to half a point', () => {
  assert.deepEqual([[0.5, 0.6, 0.603, 0.6], [0.7, 0.6, 0.5], [0.1, 0.2, 0.3]].map(r.lastUseful), [1, 0, 2]);
  const about = { threshold: 0.15, title: 'CRT', refined: true };
  const read = (best, now) => r.loopsReading({ ...about, best, now });
  assert.match(read([0.5, 0.6, 0.6], [0.5, 0.6, 0.6]), /15 % set here, CRT's refined map stops gaining after 1 loop on this image: IoU 60 % against 50 % without\. .* the same holds: IoU 60 %/);
  assert.match(read([0.7, 0.6, 0.6], [0.5, 0.6, 0.7]), /still gains from the last of 2 loops .* 70 % against 50 % without\. .* no loops would be enough: IoU 70 % against 60 % with 2 loops/);
  assert.match(read([0.6, 0.7, 0.5], [0.6, 0.5, 0.4]), /gains nothing from loops .* 60 % against 40 % with 2 loops\. .* 1 loop would be enough: IoU 70 % against 60 % without/);
  assert.match(read([0.5, 0.6, 0.6], [0.4, 0.6, 0.604]), /gains less than half a point after 1 loop on this image: IoU 60 % against 40 % without; the highest, 60 %, is with 2 loops\./);
  assert.match(read([0.6], [0.5]), /no loops/);
});

test('without a mask the similarity is read, and no more is claimed', () => {
  assert.match(r.similarityReading([0, 0.5, 0.985, 0.999], false), /^Pass 2 is the first .*cosine 0.985, and 0.999 by pass 3.* A mask .* would tell more/);
  assert.match(r.similarityReading([0, 0.5, 0.9], true), /^Every pass still changes the tokens[^A]*0\.9\.$/);
  assert.match(r.similarityReading([], false), /no loops/);
});

test('other readings', () => {
  assert.equal(r.points(0.0421), '+4.2');
  assert.deepEqual([r.points(-0.003), r.points(0.0001)], ['−0.3', '0']);
  const sizes = [{ label: '224 px', tiles: 1, ms: 100, iou: 0.5 }, { label: '672 px', tiles: 25, ms: 3000, iou: 0.6 }];
  assert.match(r.costReading(sizes), /672 px takes 25 times the tiles of 224 px and 30 times the time of all networks together\. .* 672 px fits the mask best: IoU 60 %/);
  assert.doesNotMatch(r.costReading(sizes.map((row) => ({ ...row, ms: null, iou: null }))), /the time|IoU/);
  assert.match(r.distanceReading([{ label: '336 px', coupled: [1.5, 1.3, 1.4], alone: [7.2] }]), /nearest with 1 loop: they differ by 1\.3 .*\(1\.5 without loops\)\. The two baselines.* 7\.2/);
  assert.match(r.distanceReading([{ label: '336 px' }]), /^Run the sizes/);
  const methods = [{ title: 'CRT', best: { threshold: 0.22, iou: 0.71 }, now: 0.66 }, { title: 'ResNet', best: { threshold: 0.3, iou: 0.5 }, now: 0.5 }];
  assert.match(r.thresholdReading(methods, 0.15), /CRT fits the mask best: IoU 71 % at a threshold of 22 %, 5 points more than at the 15 %/);
  assert.match(r.thresholdReading([methods[1]], 0.3), /as good as/);
  assert.match(r.gridReading([{ name: 'a', iou: 0.2 }, { name: 'b', iou: 0.6 }, { name: 'c', iou: null }], 0.15), /Best of 2 .* b, IoU 60 %.* 20 %, a\./);
  assert.equal(r.gridReading([{ name: 'a', iou: 0.2 }], 0.15), '');
  const rungs = [{ name: 'x', gain: null, gainNow: null }, { name: '+ CAM consistency', gain: 0.12, gainNow: -0.01 }, { name: '+ loops', gain: -0.03, gainNow: 0.2 }];
  assert.match(r.ladderReading(rungs, 0.15), /\+ CAM consistency gains most .*\(\+12 points\), and it loses with \+ loops \(−3\)\. At the 15 % set here, \+ loops gains most \(\+20\)\./);
  assert.match(r.ladderReading([{ name: 'a', gain: 0, gainNow: 0 }], 0.15), /^No rung gains/);
  assert.equal(r.ladderReading([rungs[0]], 0.15), '');
});

test('charts take their numbers as they are', () => {
  const similarity = similaritySpec([{ label: '336 px', similarity: [-0.03, 0.4, 0.9] }]);
  assert.deepEqual(similarity.series[0].points, [[1, 0.4], [2, 0.9]]); // F(x₀) against x₀ is no pass of the loop
  const distance = distanceSpec([{ label: 'a', coupled: [1, 2] }, { label: 'b' }]);
  assert.deepEqual(distance.series.map(({ name, points }) => [name, points]), [['a', [[0, 1], [1, 2]]]]);
  const time = timeSpec([{ size: 224, timings: { crt: 5 } }, { size: 336, timings: null }], ['crt']);
  assert.deepEqual([time.series[0].points, time.y.label], [[[224, 5], [336, NaN]], 'ms']);
  const slow = timeSpec([{ size: 672, timings: { crt: 12500 } }], ['crt']);
  assert.deepEqual([slow.series[0].points, slow.y.label], [[[672, 12.5]], 's']);
  const threshold = thresholdSpec([{ title: 'CRT', method: 'crt', curve: curve(0.1, 0.6, 0.2) }], 0.15);
  assert.deepEqual(threshold.series[0].points[15], [0.15, 0.6]);
  assert.deepEqual([threshold.marks[0].x, threshold.marks[0].y], [0.1, 0.6]);
  const loops = loopsSpec([{ refined: true, curves: [curve(0.1, 0.6), curve(0.3)] }], 0.05);
  assert.deepEqual(loops.series.map(({ points }) => points), [[[0, 0.6], [1, 0.3]], [[0, 0.1], [1, 0.3]]]);
});

test('a map is measured once for its settings and its truth', () => {
  let made = 0;
  const prediction = {
    isTransformer: () => true, maxLoops: () => 4, depth: () => 12, contentSize: () => [1, 2],
    map: (method, classes, { loops }) => { made++; return { data: Float32Array.from([loops, 1]), h: 1, w: 2 }; },
  };
  const state = { classes: [0], loops: 3, refined: true, blocks: null, pass_reduction: 'sum', threshold: 0.5 };
  const measure = createMeasure();
  const column = { key: 'k', prediction };
  const truth = { mask: Uint8Array.from([1, 0]), ignore: null, h: 1, w: 2 };
  const first = measure(state, column, 'crt', {}, truth);
  assert.deepEqual([first.curve.iou[30], first.curve.iou[50]], [0.5, 1]);
  assert.equal(measure({ ...state, threshold: 0.9 }, column, 'crt', {}, truth).curve, first.curve);
  assert.equal(made, 1);
  assert.equal(measure(state, column, 'crt', {}, null).curve, null);
  const other = measure(state, column, 'crt', {}, { ...truth, mask: Uint8Array.from([0, 1]) });
  assert.deepEqual([made, other.curve.iou[50]], [1, 0]);
  measure(state, column, 'crt', { loops: 1 }, truth);
  measure({ ...state, classes: [1] }, column, 'crt', {}, truth);
  measure(state, { ...column, key: 'l' }, 'crt', {}, truth);
  assert.equal(made, 4);
});
