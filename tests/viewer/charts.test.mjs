import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fileName, tableRows } from '../../app/viewer/charts/chart.mjs';
import { lineStyles, methodColor } from '../../app/viewer/charts/colors.mjs';
import { figureOf, isEmpty, plain } from '../../app/viewer/charts/plotly_figure.mjs';

const spec = {
  title: 'IoU', x: { label: 'loops', values: [0, 1, 2], format: (value) => `${value}×` },
  y: { label: 'IoU', low: 0, high: 1, tickformat: '.0%' },
  series: [
    { name: 'a', color: 'red', points: [[0, 0], [1, 1], [2, NaN]] },
    { name: 'b <i>', color: 'blue', dash: 'dot', points: Array.from({ length: 40 }, (_, i) => [i / 20, 0.5]) },
  ],
  marks: [{ x: 2, y: 1, color: 'red', text: 'top' }], guides: [{ x: 0, text: 'set' }],
};
const same = (color) => `[${color}]`;

test('a figure has a trace for each line, its marks and its guides, in the colours of the page', () => {
  const { data, layout } = figureOf(spec, same);
  assert.deepEqual(data.map(({ mode }) => mode), ['lines+markers', 'lines', 'markers+text']); // many points are not marked
  assert.deepEqual(data[0].y, [0, 1, null]);
  assert.deepEqual([data[0].line.color, data[1].line.dash], ['[red]', 'dot']);
  assert.notEqual(data[0].marker.symbol, data[1].marker.symbol);
  assert.deepEqual(layout.xaxis.ticktext, ['0×', '1×', '2×']);
  assert.equal(layout.yaxis.tickformat, '.0%');
  assert.ok(layout.yaxis.range[0] < 0 && layout.yaxis.range[1] > 1);
  assert.deepEqual([layout.shapes[0].x0, layout.annotations[0].text], [0, 'set']);
  assert.ok(layout.showlegend);
});

test('a long label of a tick is broken between its words, and no label is hidden', () => {
  const names = ['CNN + transformer', 'the same CNN twice', 'a <b> c'];
  const { layout } = figureOf({ ...spec, x: { label: 'branches', values: [0, 1, 2], format: (i) => names[i] } }, same);
  assert.deepEqual(layout.xaxis.ticktext.slice(0, 2), ['CNN +<br>transformer', 'the same CNN<br>twice']);
  assert.equal(layout.xaxis.ticktext[2], plain(names[2]));
  assert.equal(layout.xaxis.ticklabeloverflow, 'allow'); // of hidden labels Plotly takes an infinite height
});

test('names are drawn as they are, whatever markup they hold', () => {
  assert.equal(figureOf(spec, same).data[1].name, 'b &lt;i>');
  assert.equal(plain('a & b'), 'a &amp; b');
});

test('error bars are half the range of each point', () => {
  const { data } = figureOf({ ...spec, series: [{ name: 'a', color: 'red', points: [[0, 5], [1, 6]], half_range: [1, 2] }] }, same);
  assert.deepEqual(data[0].error_y.array, [1, 2]);
  assert.match(data[0].hovertemplate, /±/);
});

test('bars lie flat, the first name at the top', () => {
  const bars = { kind: 'bars', title: 'p', x: { label: 'class', values: [0, 1], format: (i) => ['cat', 'dog'][i] }, y: { label: 'p', low: 0, high: 1 }, series: [{ name: 'CRT', color: 'red', points: [[0, 0.9], [1, 0.1]] }] };
  const { data, layout } = figureOf(bars, same);
  assert.deepEqual([data[0].type, data[0].x, data[0].y], ['bar', [0.9, 0.1], [0, 1]]);
  assert.deepEqual([layout.yaxis.ticktext, layout.yaxis.autorange], [['cat', 'dog'], 'reversed']);
});

test('a chart is empty if no point is finite', () => {
  const series = (...values) => ({ series: values.map((value) => ({ points: [[0, value]] })) });
  assert.deepEqual([series(), series(NaN), series(NaN, 0)].map(isEmpty), [true, true, false]);
});

test('the table has a row for each x, and no number where a line has none', () => {
  const rows = tableRows([{ points: [[1, 5], [0, 4]] }, { points: [[1, NaN], [2, 7]] }]);
  assert.deepEqual(rows, [{ x: 0, values: [4, null] }, { x: 1, values: [5, null] }, { x: 2, values: [null, 7] }]);
});

test('the colours of the networks are theirs alone, and what is counted takes the ramp', () => {
  const own = lineStyles(['CRT, default', 'TS-CAM', 'ResNet', 'CNN branch of the pair']);
  assert.deepEqual(own.map(({ color }) => color), ['crt', 'tscam', 'resnet', 'crt_cnn'].map(methodColor));
  const counted = lineStyles(['trained with 0', 'trained with 1', 'trained with 2']);
  assert.ok(counted.every(({ color }) => color.includes('--ramp')));
  assert.equal(new Set(counted.map(({ color }) => color)).size, 3);
  const others = lineStyles(['refined, 3 loops', 'refined, 0 loops', 'unrefined, 3 loops', 'TS-CAM, refined', 'TS-CAM']);
  assert.equal(new Set(others.map(({ color, dash }) => `${color} ${dash}`)).size, 5);
  const [ours, paper] = lineStyles(['VOC-21', 'paper, VOC-21']);
  assert.deepEqual([ours.marks, paper.marks, paper.color], [undefined, 'hollow', 'var(--ink)']);
});

test('a file of a chart has a plain name', () => {
  assert.equal(fileName('Time (ms) by input size?'), 'time-ms-by-input-size');
  assert.equal(fileName('？'), 'chart');
});
