import assert from 'node:assert/strict';
import { test } from 'node:test';

import { figureOf } from '../../app/viewer/charts/plotly_figure.mjs';
import { claimOf } from '../../app/viewer/results/address.mjs';
import { claimSpec, signed } from '../../app/viewer/results/claims.mjs';
import { lineSpec } from '../../app/viewer/results/line_spec.mjs';
import { positions, refinementOf } from '../../app/viewer/results/overview.mjs';
import { weightsWords } from '../../app/viewer/results/results.mjs';
import { largestRow } from '../../app/viewer/results/table.mjs';

test('the largest number of a column is found, whatever else its cells hold', () => {
  assert.equal(largestRow(['41.5', '51.5 ± 1.5', '–']), 1);
  assert.equal(largestRow(['–', '3.0', 'x']), -1);
  assert.equal(largestRow(['3.0', '3.0']), -1);
});

test('cells are coloured from the least value of a table to its largest', () => {
  assert.deepEqual(positions([[40, 50], [60, 45]]), [[0, 0.5], [1, 0.25]]);
  assert.deepEqual(positions([[40], [40]]), [[0], [0]]);
});

test('a chart of the results has its x values as ticks, few enough, and a line each', () => {
  const line = (name, count) => ({ name, x: [...Array(count).keys()], y: Array(count).fill(50), half_range: [] });
  const spec = lineSpec({ title: 'Loops', x: 'loops at test', y: 'mIoU, %', lines: [line('a', 3), line('b', 5)], caption: '' });
  assert.deepEqual(spec.x.values, [0, 1, 2, 3, 4]);
  assert.deepEqual(spec.series.map(({ points }) => points.length), [3, 5]);
  assert.notEqual(spec.series[0].color, spec.series[1].color);
  assert.deepEqual([51.25, 50].map(spec.y.format), ['51.3', '50']);
  assert.equal(lineSpec({ title: '', x: '', y: '', lines: [line('dense', 100)], caption: '' }).x.values, undefined);
});

test('x values that are no numbers of a scale have their names', () => {
  const lines = [{ name: 'a', x: [0, 1], y: [40, 50], half_range: [] }];
  const { x } = lineSpec({ title: 'Coupling', x: 'λ', y: 'mIoU, %', lines, caption: '', x_labels: ['0', '0.01'] });
  assert.deepEqual(x.values.map(x.format), ['0', '0.01']);
});

test('a spread goes with its point', () => {
  const lines = [{ name: 'a', x: [0, 1], y: [40, 50], half_range: [0, 10] }];
  assert.deepEqual(lineSpec({ title: '', x: '', y: '', lines, caption: '' }).series[0].half_range, [0, 10]);
});

test('a section says with whose weights it was measured, beside the checkpoint on the page', () => {
  const checkpoint = { name: 'voc', sha256: 'abcdef1234' };
  assert.match(weightsWords({ weights_sha256: 'abcdef1234' }, checkpoint), /checkpoint on this page, voc \(abcdef12\)/);
  assert.match(weightsWords({ weights_sha256: '0123456789' }, checkpoint), /weights 01234567, not with the checkpoint on this page, voc/);
  assert.match(weightsWords({ weights_sha256: '' }, checkpoint), /trained for it/);
});

const line = (name, x, y, half = []) => ({ name, x, y, half_range: half });
const claim = (chart) => ({ sentence: 'It helps.', chart: { x: 'minus none', y: 'points', x_labels: ['a', 'b'], joined: false, ...chart } });

test('a claim has our points filled with their bars, and those of the paper hollow', () => {
  const spec = claimSpec(claim({ ours: [line('ours', [0, 1], [2, -1], [1, 0.5])], paper: line('paper', [1], [3]) }));
  assert.deepEqual(spec.x.values.map(spec.x.format), ['a', 'b']);
  const { data, layout } = figureOf(spec, (color) => color);
  assert.deepEqual(data.map(({ mode }) => mode), ['markers', 'markers']);
  assert.deepEqual(data.map(({ marker }) => marker.symbol), ['circle', 'circle-open']);
  assert.deepEqual(data[0].error_y.array, [1, 0.5]);
  assert.equal(layout.showlegend, false);
  assert.equal(layout.yaxis.zeroline, true);
  assert.equal(layout.yaxis.rangemode, 'tozero');
});

test('without a number of the paper, or of ours, the chart has the other alone', () => {
  const ours = claimSpec(claim({ ours: [line('ours', [0], [2])], paper: line('paper', [], []) }));
  assert.deepEqual(ours.series.map(({ marks }) => marks), ['filled']);
  const paper = claimSpec(claim({ ours: [], paper: line('paper', [0], [2]) }));
  assert.deepEqual(paper.series.map(({ marks }) => marks), ['hollow']);
});

test('values that follow each other are joined, with a ramp of their own', () => {
  const lines = [line('trained with 1', [1, 2], [60, 70]), line('trained with 2', [1, 2], [65, 75])];
  const spec = claimSpec(claim({ ours: lines, paper: line('paper', [2], [99]), x_labels: [], joined: true }));
  const { data, layout } = figureOf(spec, (color) => color);
  assert.deepEqual(data.map(({ mode }) => mode), ['lines+markers', 'lines+markers', 'markers']);
  assert.notEqual(spec.series[0].color, spec.series[1].color);
  assert.deepEqual(spec.x.values, [1, 2]);
  assert.equal(layout.yaxis.zeroline, false);
});

test('a difference has its sign, and none where it rounds to nothing', () => {
  assert.deepEqual([1.25, -3, 0, -0.004, null].map(signed), ['+1.3', '−3.0', '+0.0', '+0.0', '–']);
});

test('the fragment of an address names a claim, or none', () => {
  const claims = [{ id: 'refinement' }];
  assert.equal(claimOf('#claim-refinement', claims).id, 'refinement');
  for (const hash of ['', '#claim-', '#refinement', '#claim-other', '#claim-refinement"]']) assert.equal(claimOf(hash, claims), null);
});

test('a network that lacks the wished refinement has its last', () => {
  const headline = [['a', 'none'], ['a', 'sum'], ['b', 'none'], ['b', 'first'], ['b', 'sum']].map(([network, refinement]) => ({ network, refinement, lines: [] }));
  assert.deepEqual(refinementOf(headline, 'a', 'first'), { has: ['none', 'sum'], refinement: 'sum' });
  assert.equal(refinementOf(headline, 'b', 'first').refinement, 'first');
});
