import assert from 'node:assert/strict';
import { test } from 'node:test';

import { colorTable, COLORMAPS, gradient, SIGNED } from '../../app/viewer/maths/colormaps.mjs';
import { cellEdges, contour, crossings, lines, rings } from '../../app/viewer/maths/contour.mjs';
import { base64ToBuffer, decodeHalves, fileUrl, halfToNumber } from '../../app/viewer/core/decode.mjs';
import * as s from '../../app/viewer/core/store.mjs';
import { openPrediction } from '../../app/viewer/core/prediction.mjs';

test('float16: zero, one, the smallest, the largest, negative, not finite', () => {
  const cases = [[0, 0], [0x3c00, 1], [1, 2 ** -24], [0x0400, 2 ** -14], [0x7bff, 65504], [0xc000, -2], [0x7c00, Infinity]];
  for (const [bits, value] of cases) assert.equal(halfToNumber(bits), value);
  assert.ok(Number.isNaN(halfToNumber(0x7e00)));
});

test('halves are cut at their offset and multiplied by their scale', () => {
  const bytes = Uint16Array.from([0x3c00, 0x3800, 0, 0x3c00]).buffer; // 1, ½, 0, 1
  assert.deepEqual([...decodeHalves(bytes, 2, 2, 10)], [5, 0]);
  assert.deepEqual([...decodeHalves(base64ToBuffer(Buffer.from(bytes).toString('base64')), 4, 2, 1)], [0, 1]);
});

test('a path becomes an address part by part', () => {
  assert.equal(fileUrl('/tmp/a b/ü#.bin', 'http://h/x/'), 'http://h/x/gradio_api/file=/tmp/a%20b/%C3%BC%23.bin');
});

test('colour maps begin and end where they should; an unknown name is viridis', () => {
  assert.deepEqual([...colorTable('viridis').slice(0, 3)], [0x44, 0x01, 0x54]);
  assert.deepEqual([...colorTable('gray').slice(765)], [255, 255, 255]);
  assert.equal(colorTable('__proto__'), colorTable('viridis'));
  for (const { id } of COLORMAPS) assert.match(gradient(id), /^rgb\(/);
});

test('an outline closes around a bump and meets the level between the cells', () => {
  const data = new Float32Array(25);
  data[12] = 1;
  const segments = contour({ data, h: 5, w: 5 }, 0.5);
  assert.equal(segments.length, 4 * 4);
  const xs = [...segments].filter((_, i) => i % 2 === 0);
  assert.ok(Math.abs(Math.min(...xs) - 2 / 5) < 1e-6 && Math.abs(Math.max(...xs) - 3 / 5) < 1e-6);
  const ends = new Map();
  for (let i = 0; i < segments.length; i += 2) {
    const key = `${segments[i].toFixed(5)},${segments[i + 1].toFixed(5)}`;
    ends.set(key, (ends.get(key) ?? 0) + 1);
  }
  for (const count of ends.values()) assert.equal(count, 2);
});

test('rings close, keep what is inside at one hand, and are the same lines as the segments', () => {
  const data = Float32Array.from({ length: 12 * 9 }, (_, i) => ((i * 7919) % 13) / 13);
  const found = rings({ data, h: 9, w: 12 }, 0.4);
  const count = found.reduce((sum, ring) => sum + ring.length / 2, 0);
  assert.equal(contour({ data, h: 9, w: 12 }, 0.4).length / 4, count);
  const area = (ring) => ring.reduce((sum, value, i) => (i % 2 ? sum : sum + value * ring[(i + 3) % ring.length] - ring[(i + 2) % ring.length] * ring[i + 1]), 0) / 2;
  const bump = new Float32Array(49).fill(1);
  bump[24] = 0; // a hole in a map that is inside elsewhere
  const [outer, hole] = rings({ data: bump, h: 7, w: 7 }, 0.5).map(area).sort((a, b) => Math.abs(b) - Math.abs(a));
  assert.ok(outer * hole < 0 && Math.abs(outer) > 10 * Math.abs(hole));
});

test('rings close, take no step across a square, and hold the area of their squares', () => {
  // Area inside of a square between four cells whose corners are in (bit 1 top left, 2 top right, 4 bottom right, 8 bottom left).
  const AREA = [0, 1 / 8, 1 / 8, 1 / 2, 1 / 8, 3 / 4, 1 / 2, 7 / 8, 1 / 8, 1 / 2, 3 / 4, 7 / 8, 1 / 2, 7 / 8, 7 / 8, 1];
  const [h, w] = [20, 23];
  let seed = 1;
  const chance = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  for (let run = 0; run < 200; run++) {
    const edge = run % 2; // every other mask ends before the frame
    const share = 0.1 + 0.8 * chance();
    const free = (i, j) => i >= edge && j >= edge && i < h - edge && j < w - edge;
    const data = Float32Array.from({ length: h * w }, (_, k) => (free(Math.floor(k / w), k % w) && chance() < share ? 1 : 0));
    const at = (i, j) => (i < 0 || j < 0 || i >= h || j >= w ? 0 : data[i * w + j]);
    let wanted = 0;
    for (let i = -1; i < h; i++) {
      for (let j = -1; j < w; j++) wanted += AREA[at(i, j) | (at(i, j + 1) << 1) | (at(i + 1, j + 1) << 2) | (at(i + 1, j) << 3)];
    }
    let found = 0;
    for (const ring of rings({ data, h, w }, 0.5)) {
      for (let i = 0; i < ring.length; i += 2) {
        const [x0, y0] = [ring[i] * w, ring[i + 1] * h];
        const [x1, y1] = [ring[(i + 2) % ring.length] * w, ring[(i + 3) % ring.length] * h];
        assert.ok(Math.hypot(x1 - x0, y1 - y0) < 1.5, `run ${run}: a step of ${Math.hypot(x1 - x0, y1 - y0)} cells`);
        found += (x1 * y0 - x0 * y1) / 2; // y points down, and the inside is at the left hand
      }
    }
    assert.ok(Math.abs(found - wanted) < 1e-3, `run ${run}: ${found} for ${wanted} cells`);
  }
});

test('a line ends at the frame, where the map crosses no level', () => {
  const everywhere = { data: new Float32Array(12).fill(1), h: 3, w: 4 };
  assert.equal(crossings(everywhere, 0.5).length, 0);
  assert.equal(cellEdges(everywhere, 0.5).length, 0);
  const half = { data: Float32Array.from([1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0]), h: 3, w: 4 };
  const [line, ...rest] = rings(half, 0.5).flatMap(lines);
  assert.equal(rest.length, 0);
  assert.equal(line.closed, false);
  assert.equal(crossings(half, 0.5).length, 4 * 4); // down beside three rows, from frame to frame
  assert.deepEqual([...line.points].filter((_, i) => i % 2).sort((a, b) => a - b).map((y) => Math.round(6 * y)), [0, 1, 3, 5, 6]);
  const two = { data: Float32Array.from([1, 0, 1, 1, 0, 1]), h: 2, w: 3 };
  assert.deepEqual(rings(two, 0.5).flatMap(lines).map(({ points, closed }) => [points.length, closed]), [[8, false], [8, false]]);
  const bump = { data: Float32Array.from([0, 0, 0, 0, 1, 0, 0, 0, 0]), h: 3, w: 3 };
  assert.deepEqual([...crossings(bump, 0.5)], [...contour(bump, 0.5)]);
});

test('cells are outlined along the edges between them', () => {
  const edges = cellEdges({ data: Float32Array.from([0, 1, 1, 0]), h: 2, w: 2 }, 0.5);
  assert.equal(edges.length / 4, 4);
  assert.ok(edges.every((value) => [0, 0.5, 1].includes(value)));
});

test('the colours of signed values: light in the middle, equally dark at both ends, told apart by blue and yellow', () => {
  const table = colorTable(SIGNED);
  const lab = (i) => { // OKLab
    const [r, g, b] = [0, 1, 2].map((c) => table[3 * i + c] / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    const [l, m, s] = [
      Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b), Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b),
      Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b),
    ];
    return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
  };
  for (let i = 0; i < 127; i++) {
    assert.ok(lab(i + 1)[0] >= lab(i)[0] - 4e-3 && lab(254 - i)[0] >= lab(255 - i)[0] - 4e-3, `lightness at ${i}`);
    assert.ok(Math.abs(lab(i)[0] - lab(255 - i)[0]) < 0.02, `ends differ at ${i}`);
    if (i < 110) assert.ok(lab(i)[1] < -0.01 && lab(255 - i)[1] > 0.01, `blue and yellow at ${i}`);
  }
});

test('an outline of a map that is inside everywhere runs along the border', () => {
  const segments = contour({ data: Float32Array.from([1, 1, 1, 1]), h: 2, w: 2 }, 0.5);
  assert.ok(segments.length > 0);
  for (const value of segments) assert.ok(value >= 0 && value <= 1);
});

test('the absolute scale reaches over the maps as they are refined, of any blocks and passes', () => {
  // One tile of one patch, one class, loops 0 to 2 in two passes, two blocks.
  const arrays = { cams: { shape: [3, 1, 1, 1], values: [1, 2, 4] }, cls_attn: { shape: [2, 2, 1, 1], values: [0.25, 0.75, 1, 3] } };
  const bits = { 0.25: 0x3400, 0.75: 0x3a00, 1: 0x3c00, 2: 0x4000, 3: 0x4200, 4: 0x4400 };
  const all = [...arrays.cams.values, ...arrays.cls_attn.values].map((value) => bits[value]);
  const record = {
    method: 'crt', kind: 'tokens', content_size: [1, 1],
    cams: { shape: arrays.cams.shape, scale: 1, offset: 0 }, cls_attn: { shape: arrays.cls_attn.shape, scale: 1, offset: 6 },
  };
  const grid = { shape: [1, 1], tile: 16, stride: 16, cells: [1, 1], patchCells: [1, 1], patch: 16, content: [16, 16] };
  const prediction = openPrediction({ grid, records: [record] }, Uint16Array.from(all).buffer);
  assert.equal(prediction.upperBound('cam'), 4);
  assert.equal(prediction.upperBound('product'), 4 * (0.5 + 2));
  assert.equal(prediction.upperBound('product', { pass_reduction: 'first' }), 4 * 0.5);
  assert.equal(prediction.upperBound('product', { pass_reduction: 'tile_normalized', blocks: null }), 4);
  assert.equal(prediction.upperBound('product', { pass_reduction: 'first', blocks: [1, 40] }), 4 * 0.75);
});

const run = {
  classes: ['a', 'b', 'c'], methods: ['resnet', 'tscam', 'crt'], maxLoops: 4, imageId: 'p', masks: [],
  defaults: { loops: 2, refined: false, pass_reduction: 'tile_normalized', blocks: [1, 2], threshold: 0.3, size: 336 },
  spans: { resnet: [1, 1], tscam: [1, 1], crt: [1, 1] },
  scores: { crt: [[0.1, 0.2, 0.3], [0.9, 0.2, 0.3]], resnet: [[0.5, 0.6, 0.7]], tscam: [[0, 0, 1]] },
};

test('the first run brings the defaults of the checkpoint and the class that CRT finds', () => {
  const first = s.adopt(s.INITIAL, run, null);
  assert.deepEqual(first, { loops: 2, refined: false, pass_reduction: 'tile_normalized', blocks: [1, 2], threshold: 0.3, classes: [0] });
  const mine = { ...s.INITIAL, ...first, loops: 1, refined: true, classes: [2] };
  assert.deepEqual(s.adopt(mine, run, run), { loops: 1 });
  const sided = { ...mine, compare: { ...s.INITIAL.compare, a: { method: 'crt', class: 'b' }, b: { method: 'crt', loops: 1, class: 'z' } } };
  assert.deepEqual(s.adopt(sided, run, run).compare, { ...sided.compare, b: { method: 'crt', loops: 1 } }); // of another checkpoint
  assert.deepEqual(s.adopt(mine, { ...run, imageId: 'q' }, run), { loops: 1, classes: [0], added_panel: null }); // the panel was of the other image
});

test('the threshold of the relation network is that of its checkpoint until the user sets another', () => {
  const withRelation = { ...run, checkpoint: { sha256: 's', name: 'n', relation: 0.4 } };
  assert.deepEqual(s.adopt(s.INITIAL, withRelation, null).mask, { ...s.INITIAL.mask, walkThreshold: 0.4 });
  assert.equal(s.adopt(s.INITIAL, { ...withRelation, imageId: 'q' }, withRelation).mask, undefined);
  assert.equal(s.adopt(s.INITIAL, withRelation, { ...withRelation, checkpoint: { ...withRelation.checkpoint, sha256: 'o' } }).mask.walkThreshold, 0.4);
  assert.equal(s.adopt(s.INITIAL, run, null).mask, undefined);
});

test('the whole run chooses the class anew if its part did, and keeps one that was chosen meanwhile', () => {
  const part = { ...run, methods: ['resnet'], pending: ['tscam', 'crt'], scores: { resnet: run.scores.resnet } };
  const first = s.adopt(s.INITIAL, part, null);
  assert.deepEqual([first.classes, first.loops, first.visible], [[2], 2, undefined]);
  const state = { ...s.INITIAL, ...first };
  assert.deepEqual(s.adopt(state, run, part), { loops: 2, classes: [0] });
  assert.deepEqual(s.adopt({ ...state, classes: [1], refined: true, loops: 4 }, run, part), { loops: 4 });
  assert.deepEqual(s.networksOf(part), ['resnet', 'tscam', 'crt']);
  assert.equal(s.adopt(s.INITIAL, { ...part, methods: ['tscam'], pending: ['crt', 'crt_cnn'], scores: run.scores }, null).visible.crt_cnn, true);
});

test('one class always stays chosen', () => {
  assert.deepEqual(s.toggleClass([1], 2, false), [2]);
  assert.deepEqual(s.toggleClass([1], 2, true), [1, 2]);
  assert.deepEqual(s.toggleClass([1, 2], 1, true), [2]);
  assert.deepEqual(s.toggleClass([1], 1, true), [1]);
});

test('loops move CRT only, refinement the transformers only, and a map may have settings of its own', () => {
  const prediction = {
    isTransformer: (method) => method !== 'resnet',
    maxLoops: (method) => (method === 'crt' ? 4 : 0),
    depth: () => 12,
    contentSize: () => [1, 1],
    map: (method, classes, options) => ({ data: Float32Array.from([options.loops, options.refined ? 9 : 2]), h: 1, w: 2, options }),
  };
  const state = { ...s.INITIAL, classes: [1], loops: 3, refined: true, blocks: [4, 20] };
  const maps = ['resnet', 'tscam', 'crt'].map((method) => s.currentMap(state, prediction, method));
  assert.deepEqual(maps.map((one) => [one.loops, one.unit, one.max]), [[0, 'cam', 2], [0, 'product', 9], [3, 'product', 9]]);
  assert.deepEqual(maps.map((one) => one.map.options.blocks), [null, [4, 11], [4, 11]]);
  const own = s.currentMap(state, prediction, 'crt', { loops: 1, refined: false });
  assert.deepEqual([own.loops, own.unit], [1, 'cam']);
});

test('a store tells its listeners once per frame', () => {
  const frames = [];
  const store = s.createStore({ a: 1 }, (frame) => frames.push(frame));
  const seen = [];
  store.subscribe((state) => seen.push(state.a));
  store.set({ a: 2 });
  store.set({ a: 3 });
  assert.equal(frames.length, 1);
  frames[0]();
  assert.deepEqual(seen, [3]);
});

test('a listener that throws is reported, and those after it are called', (context) => {
  const seen = [];
  const reported = [];
  const store = s.createStore({ a: 1 }, (run) => run());
  const before = globalThis.reportError;
  context.after(() => { globalThis.reportError = before; });
  globalThis.reportError = (error) => reported.push(error.message);
  store.subscribe(() => { throw new Error('broken'); });
  store.subscribe((state) => seen.push(state.a));
  store.set({ a: 2 });
  assert.deepEqual([seen, reported], [[2], ['broken']]);
});

test('another checkpoint brings its defaults for what the reader has not set', () => {
  const run = (id, defaults) => ({ imageId: 'p', classes: [id], methods: ['crt', 'resnet'], scores: { crt: [[0]] }, maxLoops: 4, checkpoint: { id: `${id}1`, sha256: id, name: 'voc' }, defaults });
  const first = run('a', { loops: 3, refined: true, pass_reduction: 'first', blocks: null, threshold: 0.15 });
  const second = run('b', { loops: 1, refined: true, pass_reduction: 'sum', blocks: [2, 5], threshold: 0.4 });
  const state = { ...s.INITIAL, ...s.adopt(s.INITIAL, first, null) };
  assert.deepEqual(s.adopt(state, second, first), { loops: 1, refined: true, pass_reduction: 'sum', blocks: [2, 5], threshold: 0.4, classes: [0] });
  const mine = s.adopt({ ...state, threshold: 0.3, pass_reduction: 'last' }, second, first);
  assert.equal(mine.threshold, undefined);
  assert.equal(mine.pass_reduction, undefined);
  assert.equal(mine.loops, 1);
  assert.equal(s.adopt(state, { ...first, imageId: 'q' }, first).threshold, undefined);
  const restarted = { ...first, checkpoint: { ...first.checkpoint, id: 'a2' } };
  assert.ok(s.sameNetworks(first, restarted) && !s.sameNetworks(first, second));
  assert.deepEqual(s.adopt(state, restarted, first), { loops: 3 });
  const shown = { imageId: 'p', checkpoint: { id: 'a' }, chosen: { size: '336', mode: 'overlap' } };
  assert.ok(s.isSameRun(shown, structuredClone(shown)));
  for (const other of [{ imageId: 'q' }, { checkpoint: { id: 'b' } }, { chosen: { size: '224', mode: 'overlap' } }, { chosen: { size: '336', mode: 'bilinear' } }]) {
    assert.ok(!s.isSameRun(shown, { ...shown, ...other }));
  }
});

test('what a run recorded is said in loops, as every setting is', () => {
  const run = { input: [223, 336], tiles: 1, mode: 'overlap', maxLoops: 4, passes: 4, timings: { crt: 12 } };
  assert.equal(s.statusLine(run).text, 'Input 336 × 223 px · 1 tile, overlap · 0 to 4 loops · 12 ms');
  assert.match(s.statusLine({ ...run, maxLoops: 0, passes: 1 }).text, / · no loops · /);
});
