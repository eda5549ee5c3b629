import assert from 'node:assert/strict';
import { test } from 'node:test';

import { contour } from '../../app/viewer/maths/contour.mjs';
import { closed, covers, rectangle, setPoint } from '../../app/viewer/ground_truth/draw_tool.mjs';
import * as t from '../../app/viewer/ground_truth/ground_truth.mjs';
import { sourceWords } from '../../app/viewer/ground_truth/ground_truth_card.mjs';

const half = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]];
const corner = [[0.75, 0], [1, 0], [1, 0.5], [0.75, 0.5]];
const run = (imageId, masks = []) => ({ classes: ['a', 'b', 'c'], imageId, masks });
const state = (classes, drawn = {}) => ({ classes, drawn });

test('IoU needs truth of every chosen class', () => {
  const view = { run: run('one', [{ label: 'a', polygons: [half] }]) };
  assert.equal(t.groundTruthOf(state([0]), view).complete, true);
  assert.equal(t.groundTruthOf(state([0, 1]), view).complete, false);
  assert.deepEqual(t.groundTruthOf(state([0, 1]), view).polygons, [half]);
  const none = t.groundTruthOf(state([1]), view);
  assert.deepEqual([none.complete, none.source, none.polygons, none.raster(2, 2), none.ignore(2, 2)], [false, null, [], null, null]);
});

test('a point is inside where its centre is; rings inside rings are holes, two shapes over each other are not', () => {
  assert.deepEqual([...t.fillRings([half], 2, 4)], [1, 1, 0, 0, 1, 1, 0, 0]);
  const strip = (from, to) => [...t.fillRings([[[from, 0], [to, 0], [to, 1], [from, 1]]], 1, 4)];
  assert.deepEqual([strip(0.12, 0.38), strip(0.13, 0.37), strip(-1, 2)], [[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]]);
  const outer = [[0, 0], [1, 0], [1, 1], [0, 1]];
  const inner = [[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]];
  const hole = t.groundTruthOf(state([0]), { run: run('two', [{ label: 'a', polygons: [outer, inner] }]) }).raster(4, 4);
  assert.equal(hole.reduce((a, b) => a + b), 12);
  const drawn = { three: [{ label: 'a', polygon: outer }, { label: 'a', polygon: inner }] };
  const both = t.groundTruthOf(state([0], drawn), { run: run('three') }).raster(4, 4);
  assert.equal(both.reduce((a, b) => a + b), 16);
});

test('filling agrees with the area of random polygons', () => {
  let seed = 5;
  const next = () => { seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0; return seed / 2 ** 32; };
  for (let i = 0; i < 30; i++) {
    const angles = Array.from({ length: 3 + Math.floor(next() * 9) }, () => 2 * Math.PI * next()).sort((a, b) => a - b);
    const ring = angles.map((angle) => [0.5 + 0.45 * Math.cos(angle), 0.5 + 0.45 * Math.sin(angle)]);
    const area = Math.abs(ring.reduce((sum, [x, y], k) => { const [u, v] = ring[(k + 1) % ring.length]; return sum + x * v - u * y; }, 0)) / 2;
    const inside = t.fillRings([ring], 300, 400).reduce((a, b) => a + b) / 120000;
    assert.ok(Math.abs(inside - area) < 0.004, `${inside} against ${area}`);
  }
});

test('what the user draws comes before the file, the file before the example, and each belongs to its image', () => {
  const view = { run: run('four', [{ label: 'a', polygons: [half] }]) };
  const file = { h: 2, w: 4, labels: Uint8Array.from([0, 0, 2, 2, 0, 255, 255, 2]) };
  assert.equal(t.groundTruthOf(state([0]), view).source, 'example');
  t.keepFile('four', file, { a: 2, b: 1 });
  const read = t.groundTruthOf(state([0]), view);
  assert.equal(read.source, 'file');
  assert.deepEqual([...read.raster(2, 4)], [0, 0, 1, 1, 0, 0, 0, 1]);
  assert.deepEqual([...read.ignore(2, 4)], [0, 0, 0, 0, 0, 1, 1, 0]);
  const drawn = t.withShapes(state([0]), view.run, [{ label: 'a', polygon: corner }]);
  const mine = t.groundTruthOf(state([0], drawn), view);
  assert.deepEqual([mine.source, [...mine.raster(2, 4)], mine.ignore(2, 4)], ['drawn', [0, 0, 0, 1, 0, 0, 0, 0], null]);
  assert.equal(t.groundTruthOf(state([0, 1], drawn), view).source, 'drawn+file');
  assert.deepEqual([...t.labelsOf(state([0], drawn), view.run)], ['a', 'b']);
  assert.equal(t.groundTruthOf(state([0], drawn), { run: run('five') }).complete, false);
  t.dropFile('four', ['a']);
  assert.equal(t.groundTruthOf(state([0]), view).source, 'example');
  assert.equal(t.hasFile('four', ['a']), false);
  assert.equal(t.hasFile('four', ['b']), true);
  assert.deepEqual(t.withShapes(state([0], drawn), view.run, []), {});
});

test('the files of the oldest images are let go', () => {
  const file = { h: 1, w: 1, labels: Uint8Array.from([1]) };
  for (let i = 0; i < 12; i++) t.keepFile(`many ${i}`, file, { a: 1 });
  assert.deepEqual([t.hasFile('many 0', ['a']), t.hasFile('many 11', ['a'])], [false, true]);
});

test('the outline of a file closes around every part and every hole', () => {
  const data = new Float32Array(100);
  for (const i of [11, 12, 13, 21, 23, 31, 32, 33, 77, 78, 99]) data[i] = 1;
  const rings = t.chain(contour({ data, h: 10, w: 10 }, 0.5));
  assert.equal(rings.length, 4); // a ring with a hole, a pair, a corner
  assert.ok(rings.flat().every(([x, y]) => x >= 0 && x <= 1 && y >= 0 && y <= 1));
  assert.deepEqual([...t.fillRings(rings, 10, 10)], [...data]);
});

const near = (a, b) => Math.hypot(a.x - b.x, a.y - b.y) < 0.02;
const at = (x, y) => ({ x, y });

test('a box has two corners', () => {
  const first = setPoint('box', [], at(0.8, 0.2), near);
  assert.equal(first.shape, null);
  const { points, shape } = setPoint('box', first.points, at(0.2, 0.6), near);
  assert.deepEqual(points, []);
  assert.ok(Math.abs(covers(shape) - 0.24) < 1e-9);
  assert.equal(covers(rectangle(at(0.3, 0.3), at(0.3, 0.9))), 0);
});

test('a polygon closes at its first corner or when its last is set twice, not before it has three', () => {
  let now = { points: [], shape: null };
  for (const point of [at(0, 0), at(0, 0.01), at(1, 0), at(1, 0)]) now = setPoint('polygon', now.points, point, near);
  assert.deepEqual(now, { points: [at(0, 0), at(1, 0)], shape: null });
  assert.equal(closed(now.points).shape, null);
  now = setPoint('polygon', now.points, at(1, 1), near);
  assert.equal(now.points.length, 3);
  assert.deepEqual(setPoint('polygon', now.points, at(0.01, 0), near), { points: [], shape: [[0, 0], [1, 0], [1, 1]] });
  assert.deepEqual(setPoint('polygon', now.points, at(1, 0.99), near).shape, [[0, 0], [1, 0], [1, 1]]);
  assert.equal(setPoint('polygon', now.points, at(0, 1), near).points.length, 4);
  assert.ok(Math.abs(covers([[0, 0], [1, 0], [1, 1]]) - 0.5) < 0.01);
});

test('where truth comes from is said for each class', () => {
  assert.equal(sourceWords(['a', 'b'], ['file', null]), 'a: your PNG · b: none yet');
});
