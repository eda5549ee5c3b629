import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isEmpty, layoutChart, pathOf, reach, shapePath, tableRows, ticks } from '../../app/viewer/charts/line_chart.mjs';

test('ticks are round, inside and at most as many as asked for', () => {
  assert.deepEqual(ticks(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(ticks(0, 25), [0, 5, 10, 15, 20, 25]);
  assert.deepEqual(ticks(0.31, 0.99), [0.4, 0.6, 0.8]);
  assert.deepEqual(ticks(-1, 1, 5), [-1, -0.5, 0, 0.5, 1]);
  assert.deepEqual(ticks(3, 3), [3]);
  for (const [low, high] of [[0, 7e-4], [0, 9431], [-0.03, 0.2], [12, 13.7]]) {
    const found = ticks(low, high);
    assert.ok(found.length >= 2 && found.length <= 6, String(found));
    assert.ok(found[0] >= low - 1e-9 && found.at(-1) <= high + 1e-9, String(found));
  }
});

test('the reach of numbers leaves out those that are none, and is never empty', () => {
  assert.deepEqual(reach([3, NaN, 5, Infinity]), [3, 5]);
  assert.deepEqual(reach([3, 5], 0, 10), [0, 10]);
  assert.deepEqual(reach([], null, null), [0, 1]);
  assert.deepEqual(reach([2]), [1.5, 2.5]);
});

const spec = {
  x: { label: 'loops', values: [0, 1, 2], format: String },
  y: { label: 'IoU', low: 0, high: 1, format: (value) => `${100 * value} %` },
  series: [
    { name: 'a', color: 'red', points: [[0, 0], [1, 1], [2, NaN]] },
    { name: 'b', color: 'blue', dash: '2 2', points: Array.from({ length: 40 }, (_, i) => [i / 20, 0.5]) },
  ],
  marks: [{ x: 2, y: 1, color: 'red', text: 'top' }], guides: [{ x: 0, text: 'set' }],
};

test('a chart lies inside its view box, low at the bottom, and every line has a sign of its own', () => {
  const { plot, x, y, series, marks, guides, width, height } = layoutChart(spec);
  assert.ok(plot.left > 0 && plot.top > 0 && plot.right < width && plot.bottom < height);
  assert.deepEqual(x.map(({ label }) => label), ['0', '1', '2']);
  assert.deepEqual(y.map(({ label }) => label), ['0 %', '20 %', '40 %', '60 %', '80 %', '100 %']);
  assert.deepEqual(series[0].dots, [[plot.left, plot.bottom], [(plot.left + plot.right) / 2, plot.top]]);
  assert.equal(series[0].path, `M${plot.left.toFixed(1)} ${plot.bottom.toFixed(1)}L${((plot.left + plot.right) / 2).toFixed(1)} ${plot.top.toFixed(1)}`);
  assert.deepEqual(series[1].dots, []); // too many points to mark each
  assert.notEqual(series[0].shape, series[1].shape);
  assert.deepEqual([marks[0].at, marks[0].anchor], [[plot.right, plot.top], 'end']);
  assert.deepEqual([guides[0].at, guides[0].anchor], [plot.left, 'start']);
});

test('an axis reaches to the ticks around its numbers, if they are not given', () => {
  const { y, plot, series } = layoutChart({ x: { label: '', values: [0, 1] }, y: { label: '', low: 0 }, series: [{ name: '', points: [[0, 0.31], [1, 0.78]] }] });
  assert.deepEqual(y.map(({ label }) => label), ['0', '0.2', '0.4', '0.6', '0.8']);
  assert.ok(y.at(-1).at === plot.top && series[0].dots[1][1] > plot.top);
});

test('a chart of a single point, and one of none, have finite places', () => {
  const one = { x: { label: '' }, y: { label: '' }, series: [{ name: 'a', color: '', points: [[336, 4]] }] };
  for (const points of [[[336, 4]], []]) {
    const { series, x, y } = layoutChart({ ...one, series: [{ name: 'a', color: '', points }] });
    assert.ok([...series[0].dots.flat(), ...x.map(({ at }) => at), ...y.map(({ at }) => at)].every(Number.isFinite));
  }
});

test('a chart is empty if no point is finite', () => {
  const series = (...values) => ({ series: values.map((value) => ({ points: [[0, value]] })) });
  assert.deepEqual([series(), series(NaN), series(NaN, 0)].map(isEmpty), [true, true, false]);
});

test('a gap lifts the pen', () => {
  assert.equal(pathOf([[0, 0], [1, 1], null, [2, 2], [3, 3]]), 'M0.0 0.0L1.0 1.0M2.0 2.0L3.0 3.0');
});

test('shapes close', () => {
  for (const shape of ['circle', 'square', 'triangle', 'diamond', 'cross']) assert.match(shapePath(shape, [5, 5]), /^M[\d. La-]+Z$/);
});

test('the table has a row for each x, and no number where a line has none', () => {
  const rows = tableRows([{ points: [[1, 5], [0, 4]] }, { points: [[1, NaN], [2, 7]] }]);
  assert.deepEqual(rows, [{ x: 0, values: [4, null] }, { x: 1, values: [5, null] }, { x: 2, values: [null, 7] }]);
});
