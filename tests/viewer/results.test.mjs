import assert from 'node:assert/strict';
import { test } from 'node:test';

import { chartSpec, largestRow, weightsWords } from '../../app/viewer/results/results.mjs';

test('the largest number of a column is found, whatever else its cells hold', () => {
  assert.equal(largestRow(['41.5', '51.5 ± 1.5', '–']), 1);
  assert.equal(largestRow(['–', '3.0', 'x']), -1);
  assert.equal(largestRow(['3.0', '3.0']), -1);
});

test('a chart of the results has its x values as ticks, few enough, and a line each', () => {
  const line = (name, count) => ({ name, x: [...Array(count).keys()], y: Array(count).fill(50), half_range: [] });
  const spec = chartSpec({ title: 'Loops', x: 'loops at test', y: 'mIoU, %', lines: [line('a', 3), line('b', 5)], caption: '' });
  assert.deepEqual(spec.x.values, [0, 1, 2, 3, 4]);
  assert.deepEqual(spec.series.map(({ points }) => points.length), [3, 5]);
  assert.notEqual(spec.series[0].color, spec.series[1].color);
  assert.deepEqual([51.25, 50].map(spec.y.format), ['51.3', '50']);
  assert.equal(chartSpec({ title: '', x: '', y: '', lines: [line('dense', 100)], caption: '' }).x.values, undefined);
});

test('x values that are no numbers of a scale have their names', () => {
  const lines = [{ name: 'a', x: [0, 1], y: [40, 50], half_range: [] }];
  const { x } = chartSpec({ title: 'Coupling', x: 'λ', y: 'mIoU, %', lines, caption: '', x_labels: ['0', '0.01'] });
  assert.deepEqual(x.values.map(x.format), ['0', '0.01']);
});

test('a spread goes with its point', () => {
  const lines = [{ name: 'a', x: [0, 1], y: [40, 50], half_range: [0, 10] }];
  assert.deepEqual(chartSpec({ title: '', x: '', y: '', lines, caption: '' }).series[0].half_range, [0, 10]);
});

test('a section says with whose weights it was measured, beside the checkpoint on the page', () => {
  const checkpoint = { name: 'voc', sha256: 'abcdef1234' };
  assert.match(weightsWords({ weights_sha256: 'abcdef1234' }, checkpoint), /checkpoint on this page, voc \(abcdef12\)/);
  assert.match(weightsWords({ weights_sha256: '0123456789' }, checkpoint), /weights 01234567, not with the checkpoint on this page, voc/);
  assert.match(weightsWords({ weights_sha256: '' }, checkpoint), /trained for it/);
});
