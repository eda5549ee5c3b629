import assert from 'node:assert/strict';
import { test } from 'node:test';

import { chartSpec, largestRow } from '../../app/viewer/results.mjs';

test('the largest number of a column is found, whatever else its cells hold', () => {
  assert.equal(largestRow(['41.5', '51.5 ± 1.5', '–']), 1);
  assert.equal(largestRow(['–', '3.0', 'x']), -1);
  assert.equal(largestRow(['3.0', '3.0']), -1);
});

test('a chart of the results has its places as ticks, few enough, and a line each', () => {
  const line = (name, count) => ({ name, x: [...Array(count).keys()], y: Array(count).fill(50), half: [] });
  const spec = chartSpec({ title: 'Loops', x: 'loops at test', y: 'mIoU, %', lines: [line('a', 3), line('b', 5)], says: '' });
  assert.deepEqual(spec.x.values, [0, 1, 2, 3, 4]);
  assert.deepEqual(spec.series.map(({ points }) => points.length), [3, 5]);
  assert.notEqual(spec.series[0].color, spec.series[1].color);
  assert.equal(spec.y.format(51.25), '51.3');
  assert.equal(chartSpec({ title: '', x: '', y: '', lines: [line('dense', 100)], says: '' }).x.values, undefined);
});
