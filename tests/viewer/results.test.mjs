import assert from 'node:assert/strict';
import { test } from 'node:test';

import { layoutChart } from '../../app/viewer/charts/line_chart.mjs';
import { chartSpec, largestRow, spreadBars } from '../../app/viewer/results/results.mjs';

test('the largest number of a column is found, whatever else its cells hold', () => {
  assert.equal(largestRow(['41.5', '51.5 ± 1.5', '–']), 1);
  assert.equal(largestRow(['–', '3.0', 'x']), -1);
  assert.equal(largestRow(['3.0', '3.0']), -1);
});

test('a chart of the results has its places as ticks, few enough, and a line each', () => {
  const line = (name, count) => ({ name, x: [...Array(count).keys()], y: Array(count).fill(50), half_range: [] });
  const spec = chartSpec({ title: 'Loops', x: 'loops at test', y: 'mIoU, %', lines: [line('a', 3), line('b', 5)], caption: '' });
  assert.deepEqual(spec.x.values, [0, 1, 2, 3, 4]);
  assert.deepEqual(spec.series.map(({ points }) => points.length), [3, 5]);
  assert.notEqual(spec.series[0].color, spec.series[1].color);
  assert.deepEqual([51.25, 50].map(spec.y.format), ['51.3', '50']);
  assert.equal(chartSpec({ title: '', x: '', y: '', lines: [line('dense', 100)], caption: '' }).x.values, undefined);
});

test('places that are no numbers of a scale have their names', () => {
  const lines = [{ name: 'a', x: [0, 1], y: [40, 50], half_range: [] }];
  const { x } = chartSpec({ title: 'Coupling', x: 'λ', y: 'mIoU, %', lines, caption: '', x_labels: ['0', '0.01'] });
  assert.deepEqual(x.values.map(x.format), ['0', '0.01']);
});

test('a spread is a bar from one end to the other beside its point, inside the chart; none without a spread', () => {
  const lines = [{ name: 'a', x: [0, 1], y: [40, 50], half_range: [0, 10] }, { name: 'b', x: [1], y: [55], half_range: [5] }, { name: 'c', x: [0], y: [30], half_range: [] }];
  const spec = chartSpec({ title: '', x: '', y: '', lines, caption: '' });
  const layout = layoutChart(spec);
  const bars = spreadBars(spec);
  assert.deepEqual(bars.map(({ color }) => color), [spec.series[0].color, spec.series[1].color]);
  const places = bars.map(({ d }) => d.match(/-?[\d.]+/g).map(Number)); // left, low, right, x, low, high, left, high, right
  for (const [i, [left, low, right, x, , high]] of places.entries()) {
    assert.ok(left < x && x < right && Math.abs(x - layout.series[i].dots.at(-1)[0]) < 6);
    assert.ok(layout.plot.left <= left && right <= layout.plot.right);
    assert.ok(layout.plot.top <= high && high < low && low <= layout.plot.bottom);
    assert.ok(Math.abs((low + high) / 2 - layout.series[i].dots.at(-1)[1]) < 0.11);
  }
  assert.notEqual(places[0][3], places[1][3]);
});
