import assert from 'node:assert/strict';
import { test } from 'node:test';

import { colorTable, COLORMAPS, gradient } from '../../app/viewer/colormaps.mjs';
import { contour } from '../../app/viewer/contour.mjs';
import { base64ToBuffer, decodeHalves, fileUrl, halfToNumber } from '../../app/viewer/decode.mjs';
import * as s from '../../app/viewer/state.mjs';

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

test('an outline of a map that is inside everywhere runs along the border', () => {
  const segments = contour({ data: Float32Array.from([1, 1, 1, 1]), h: 2, w: 2 }, 0.5);
  assert.ok(segments.length > 0);
  for (const value of segments) assert.ok(value >= 0 && value <= 1);
});

const run = {
  classes: ['a', 'b', 'c'], methods: ['resnet', 'tscam', 'crt'], maxLoops: 4, pictureId: 'p', masks: [],
  defaults: { loops: 2, refined: false, threshold: 0.3, size: 336 },
  spans: { resnet: [1, 1], tscam: [1, 1], crt: [1, 1] },
  scores: { crt: [[0.1, 0.2, 0.3], [0.9, 0.2, 0.3]], resnet: [[0.5, 0.6, 0.7]], tscam: [[0, 0, 1]] },
};

test('the first run brings the defaults of the checkpoint and the class that CRT finds', () => {
  const first = s.adopt(s.INITIAL, run, null);
  assert.deepEqual(first, { loops: 2, refined: false, threshold: 0.3, classes: [0] });
  const mine = { ...s.INITIAL, ...first, loops: 1, refined: true, classes: [2] };
  assert.deepEqual(s.adopt(mine, run, run), { loops: 1 });
  assert.deepEqual(s.adopt(mine, { ...run, pictureId: 'q' }, run), { loops: 1, classes: [0] });
});

test('one class always stays chosen', () => {
  assert.deepEqual(s.toggleClass([1], 2, false), [2]);
  assert.deepEqual(s.toggleClass([1], 2, true), [1, 2]);
  assert.deepEqual(s.toggleClass([1, 2], 1, true), [2]);
  assert.deepEqual(s.toggleClass([1], 1, true), [1]);
});

test('loops move CRT only, refinement the transformers only, and a map may have settings of its own', () => {
  const trace = {
    isTransformer: (method) => method !== 'resnet',
    maxLoops: (method) => (method === 'crt' ? 4 : 0),
    depth: () => 12,
    span: () => [1, 1],
    map: (method, classes, options) => ({ data: Float32Array.from([options.loops, options.refined ? 9 : 2]), h: 1, w: 2, options }),
  };
  const state = { ...s.INITIAL, classes: [1], loops: 3, refined: true, blocks: [4, 20] };
  const maps = ['resnet', 'tscam', 'crt'].map((method) => s.currentMap(state, trace, method));
  assert.deepEqual(maps.map((one) => [one.loops, one.unit, one.top]), [[0, 'cam', 2], [0, 'product', 9], [3, 'product', 9]]);
  assert.deepEqual(maps.map((one) => one.map.options.blocks), [null, [4, 11], [4, 11]]);
  const own = s.currentMap(state, trace, 'crt', { loops: 1, refined: false });
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
