import assert from 'node:assert/strict';
import { test } from 'node:test';

import { colorize, fadeTable, ranges } from '../../app/viewer/maths/color_scale.mjs';
import { difference } from '../../app/viewer/maths/difference.mjs';
import { overlap } from '../../app/viewer/maths/iou.mjs';
import { figure, niceCeiling, signed } from '../../app/viewer/maths/numbers.mjs';
import { sortedClasses } from '../../app/viewer/maths/order.mjs';
import { sample, upsample } from '../../app/viewer/maths/resample.mjs';

const near = (a, b, tolerance = 1e-6) => assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b}`);

test('the value at a cell centre is the value of the cell, wherever padding begins', () => {
  const map = { data: Float32Array.from([1, 2, 3, 4, 5, 6]), h: 2, w: 3 };
  const contentSize = [1.5, 2.5]; // the image ends in the middle of the last cells
  near(sample(map, contentSize, 0.5 / 2.5, 0.5 / 1.5), 1);
  near(sample(map, contentSize, 1.5 / 2.5, 0.5 / 1.5), 2);
  near(sample(map, contentSize, 1, 1), 6);
  near(sample(map, contentSize, 0, 0), 1);
  near(sample(map, [2, 3], 0.5, 0.5), 3.5);
});

test('the interpolated grid is sampling at its points', () => {
  const map = { data: Float32Array.from([0, 1, 4, 2]), h: 2, w: 2 };
  const contentSize = [1.7, 1.9];
  const upsampled = upsample(map, contentSize, 5, 7);
  for (let i = 0; i < 5; i++) {
    for (let j = 0; j < 7; j++) near(upsampled.data[i * 7 + j], sample(map, contentSize, (j + 0.5) / 7, (i + 0.5) / 5), 1e-5);
  }
});

test('a map of one cell is constant', () => {
  const upsampled = upsample({ data: Float32Array.from([3]), h: 1, w: 1 }, [0.06, 0.06], 2, 3);
  assert.deepEqual([...upsampled.data], [3, 3, 3, 3, 3, 3]);
});

test('colours clamp and never become NaN', () => {
  const table = Uint8ClampedArray.from({ length: 768 }, (_, i) => Math.floor(i / 3));
  const rgba = colorize(Float32Array.from([0, 1, 2, 99]), 2, table);
  assert.deepEqual([rgba[0], rgba[4], rgba[8], rgba[12]], [0, 128, 255, 255]);
  assert.deepEqual([...colorize(Float32Array.from([0]), 0, table)], [0, 0, 0, 255]);
  const alphas = (data, range, low, signed) => [...colorize(Float32Array.from(data), range, table, low, fadeTable(signed))].filter((_, i) => i % 4 === 3);
  assert.deepEqual(alphas([-1, 0, 0.25, 0.5, 1, NaN], 1, 0, false), [0, 0, 128, 255, 255, 0]);
  assert.deepEqual(alphas([-1, -0.5, 0, 0.25, 0.5, 1], 1, -1, true).map((alpha) => Math.round(alpha / 16)), [16, 16, 0, 8, 16, 16]);
});

test('maps of different units never share a scale', () => {
  const maps = [{ max: 1, unit: 'cam' }, { max: 5, unit: 'product' }, { max: 9, unit: 'product' }];
  assert.deepEqual(ranges(maps, 'map', {}), [1, 5, 9]);
  assert.deepEqual(ranges(maps, 'shared', {}), [1, 9, 9]);
  assert.deepEqual(ranges(maps, 'absolute', { cam: 2, product: 20 }), [2, 20, 20]);
});

test('round numbers', () => {
  assert.deepEqual([0.0113, 0.02, 0.6, 1, 7, 2300, 0].map(niceCeiling), [0.02, 0.02, 1, 1, 10, 5000, 1]);
  assert.deepEqual([0, 0.012345, 12.3456, 12345.6, NaN].map(figure), ['0', '0.0123', '12.3', '12346', '–']);
});

test('IoU', () => {
  assert.equal(overlap(Float32Array.from([1, 1, 0, 0]), 0.5, [1, 0, 1, 0]), 1 / 3);
  assert.equal(overlap(Float32Array.from([0, 0]), 0, [0, 0]), 0);
});

test('classes by probability, ties in their own order', () => {
  assert.deepEqual(sortedClasses([0.1, 0.9, 0.9, 0.5]), [1, 2, 3, 0]);
});

test('a part of the image is interpolated as the whole is', () => {
  const map = { data: Float32Array.from([0, 1, 4, 2, 7, 3]), h: 2, w: 3 };
  const contentSize = [1.7, 2.9];
  const part = { left: 0.25, top: 0.1, right: 0.75, bottom: 0.6 };
  const upsampled = upsample(map, contentSize, 5, 6, part);
  for (let i = 0; i < 5; i++) {
    for (let j = 0; j < 6; j++) near(upsampled.data[i * 6 + j], sample(map, contentSize, 0.25 + ((j + 0.5) / 6) * 0.5, 0.1 + ((i + 0.5) / 5) * 0.5), 1e-5);
  }
});

test('a cell has one value from edge to edge', () => {
  const map = { data: Float32Array.from([1, 2, 3, 4]), h: 2, w: 2 };
  const at = (x, y) => sample(map, [2, 2], x, y, true);
  assert.deepEqual([at(0, 0), at(0.49, 0.1), at(0.51, 0.1), at(0.2, 0.9), at(1, 1)], [1, 1, 2, 3, 4]);
});

test('signed values: zero in the middle, NaN never', () => {
  const table = Uint8ClampedArray.from({ length: 768 }, (_, i) => Math.floor(i / 3));
  const rgba = colorize(Float32Array.from([-2, 0, 2, NaN, 9]), 2, table, -2);
  assert.deepEqual([rgba[0], rgba[4], rgba[8], rgba[12], rgba[16]], [0, 128, 255, 0, 255]);
  assert.deepEqual([-0.25, 0, 0.5].map(signed), ['−0.25', '0', '+0.5']);
});

test('maps on other cells meet on a common grid', () => {
  const a = { map: { data: Float32Array.from([2, 2]), h: 1, w: 2 }, contentSize: [1, 2], max: 2, unit: 'cam' };
  const b = { map: { data: Float32Array.from([1, 1, 1]), h: 1, w: 3 }, contentSize: [1, 3], max: 1, unit: 'cam' };
  const found = difference(a, b, 2, 4, true);
  assert.deepEqual([found.map.h, found.map.w, ...found.contentSize, found.max], [2, 4, 2, 4, 1]);
  assert.ok(found.map.data.every((value) => value === 1));
  const shares = difference(a, b, 2, 4);
  assert.deepEqual([shares.unit, found.unit, shares.max], ['share', 'cam', 0]);
  assert.equal(difference(a, { ...b, unit: 'product' }, 2, 4, true).unit, 'share');
});

test('IoU leaves out what shall not count', () => {
  assert.equal(overlap(Float32Array.from([1, 1, 0, 0]), 0.5, [1, 0, 1, 0], [0, 1, 0, 0]), 0.5);
});
