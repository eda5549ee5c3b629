import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ASKED, mapDetails, missing, nameOf, valueText } from '../../app/viewer/faithfulness/faithfulness.mjs';
import * as m from '../../app/viewer/maths/localization.mjs';
import { bestOf } from '../../app/viewer/charts/metric_table.mjs';
import { measured, missingWords } from '../../app/viewer/ground_truth/localization_table.mjs';
import { INITIAL } from '../../app/viewer/core/store.mjs';

const mapOf = (w, ...values) => ({ data: Float32Array.from(values), h: values.length / w, w });

test('measures at a threshold, by hand', () => {
  const found = m.atThreshold(mapOf(4, 4, 3, 0, 0, 4, 1, 0, 2), 1, [1, 1, 1, 0, 0, 0, 0, 0]);
  assert.deepEqual([found.iou, found.precision, found.recall], [2 / 5, 2 / 4, 2 / 3]);
  assert.equal(found.box, 2 / 5); // its box is 2 × 2, the mask's 3 × 1
});

test('points that do not count are left out', () => {
  const ignore = [0, 0, 0, 1, 1, 0, 0, 0];
  const found = m.atThreshold(mapOf(4, 4, 3, 0, 9, 9, 1, 0, 2), 1, [1, 1, 1, 0, 0, 0, 0, 0], ignore);
  assert.deepEqual([found.precision, found.recall], [2 / 3, 2 / 3]);
  assert.equal(m.pointsAt(mapOf(4, 4, 3, 0, 9, 9, 1, 0, 2), [1, 1, 1, 0, 0, 0, 0, 0], ignore), true);
  assert.equal(m.pointsAt(mapOf(4, 4, 3, 0, 9, 9, 1, 0, 2), [1, 1, 1, 0, 0, 0, 0, 0]), false);
});

test('the box that fits best counts, and boxes apart have nothing in common', () => {
  const mask = [1, 0, 0, 0, 1, 1];
  assert.equal(m.boxMatch(mapOf(6, 0, 0, 0, 0, 3, 3), 1, mask), 1);
  assert.equal(m.boxMatch(mapOf(6, 0, 0, 3, 0, 0, 0), 1, [...mask]), 0);
  assert.equal(m.boxMatch(mapOf(6, 0, 0, 0, 0, 0, 0), 0, [...mask]), 0);
  assert.equal(m.boxOverlap([0, 0, 2, 2], [1, 1, 3, 3]), 1 / 7);
});

test('a flat map points nowhere, and its PxAP is chance', () => {
  const flat = mapOf(4, 2, 2, 2, 2);
  assert.equal(m.pointsAt(flat, [1, 1, 1, 1]), false);
  assert.equal(m.averagePrecision(flat, [1, 0, 0, 0]), 0.25);
  assert.equal(m.averagePrecision(flat, [0, 0, 0, 0]), 0);
  assert.equal(m.averagePrecision(mapOf(4, 4, 3, 2, 1), [1, 1, 0, 0]), 1);
  assert.equal(m.averagePrecision(mapOf(4, 4, 3, 2, 1), [0, 1, 0, 1]), 0.5);
});

test('what does not depend on the threshold is measured once', () => {
  const mask = Uint8Array.from([1, 0, 0, 0]);
  let asked = 0;
  const truth = { raster: () => { asked++; return mask; }, ignore: () => null };
  const map = mapOf(2, 4, 3, 2, 1);
  const kept = new WeakMap();
  assert.equal(measured(map, 2, truth, kept).pxap, 1);
  map.data[1] = 9; // would be noticed if it were measured anew
  const again = measured(map, 3, truth, kept);
  assert.deepEqual([again.pxap, again.pointing, again.precision, asked], [1, 1, 0.5, 2]);
  assert.equal(measured(map, 4, { ...truth, raster: () => Uint8Array.from(mask) }, kept).pointing, 0);
});

test('every measure of the table is measured', () => {
  const found = measured(mapOf(2, 4, 3, 2, 1), 2, { raster: () => Uint8Array.from([1, 0, 0, 0]), ignore: () => null });
  for (const { id, description } of m.MEASURES) {
    assert.ok(found[id] >= 0 && found[id] <= 1, id);
    assert.match(description, /\.$/);
  }
});

test('the best of a column, or none', () => {
  const best = (values, direction, digits = 2) => bestOf(values, values.map((value) => value?.toFixed(digits)), direction);
  assert.deepEqual(best([0.2, 0.5, 0.5], 'higher'), [1, 2]);
  assert.deepEqual(best([0.2, null, 0.5], 'lower'), [0]);
  assert.deepEqual(best([0.5, 0.5], 'higher'), []);
  assert.deepEqual(best([0.5, null], 'higher'), []);
  assert.deepEqual(best([], 'lower'), []);
  assert.deepEqual(best([0.11, 0.12, 0.3], 'lower', 1), [0, 1]); // they look the same
});

test('why there is no table', () => {
  assert.equal(missingWords(['cat'], []), '');
  assert.match(missingWords(['cat'], ['cat']), /no mask of cat here/);
  assert.match(missingWords(['cat', 'dog'], ['dog']), /not cover all chosen classes, dog is missing/);
});

const run = { run: 'r1', methods: ['resnet', 'crt'] };
const state = { ...INITIAL, classes: [2], visible: { resnet: true, crt: true } };

test('faithfulness asks each measure of each map once, and not again for what it knows', () => {
  const all = missing(state, run, new Map());
  assert.equal(all.length, 2 * ASKED.length);
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
  assert.equal(missing({ ...state, random_baseline: true }, run, new Map()).length, 4 * ASKED.length);
  const known = new Map([[all[0].name, {}]]);
  assert.equal(missing(state, run, known).length, all.length - 1);
  assert.equal(missing({ ...state, threshold: 0.5, opacity: 0 }, run, known).length, all.length - 1);
  assert.equal(missing({ ...state, loops: 0 }, run, known).length, all.length - 1); // known is the CNN's, which has no loops
  assert.equal(missing({ ...state, classes: [1] }, run, known).length, all.length);
});

test('a random map does not depend on refinement', () => {
  const details = { ...mapDetails(state, 'crt'), measure: 'road' };
  assert.equal(nameOf(run, { ...details, chance: true }), nameOf(run, { ...details, chance: true, refined: false, blocks: [0, 1] }));
  assert.notEqual(nameOf(run, { ...details, chance: true }), nameOf(run, { ...details, chance: true, loops: 0 }));
  assert.notEqual(nameOf(run, { ...details, chance: false }), nameOf(run, { ...details, chance: true }));
});

test('values in words', () => {
  assert.deepEqual([valueText('increase', 1), valueText('drop', 0.5), valueText('road', 0.1), valueText('road', -0.1), valueText('deletion', undefined)],
    ['yes', '50 %', '+0.1', '−0.1', '…']);
});
