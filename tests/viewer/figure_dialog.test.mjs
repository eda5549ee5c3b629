import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { figureOptions, sizeWords } from '../../app/viewer/export/figure_dialog.mjs';

const html = readFileSync(new URL('../../app/viewer/export/export.html', import.meta.url), 'utf8');
const server = readFileSync(new URL('../../app/requests/figure_options.py', import.meta.url), 'utf8');
const optionsOf = (role) => [...html.match(new RegExp(`data-role="figure-${role}">(.*?)</select>`))[1].matchAll(/value="([^"]+)"/g)].map(([, value]) => value);
const numbersOf = (name) => server.match(new RegExp(`^${name} = \\(([^)]+)\\)`, 'm'))[1].split(',').map(Number);

test('the choices are numbers and words for the server', () => {
  assert.deepEqual(figureOptions({ width: '85', font: '7', lines: '1.6', caption: 'file', letters: true }), { width: 85, font: 7, lines: 1.6, caption: 'file', letters: true });
});

test('every choice of the dialog is one that the server takes', () => {
  assert.deepEqual(optionsOf('width').map(Number), numbersOf('WIDTHS'));
  for (const [role, name] of [['font', 'FONTS'], ['lines', 'LINES']]) {
    const [low, high] = numbersOf(name);
    for (const value of optionsOf(role).map(Number)) assert.ok(value >= low && value <= high, `${role} ${value}`);
  }
  assert.equal(Math.min(...optionsOf('font').map(Number)), 6);
  assert.deepEqual(optionsOf('caption'), ['figure', 'file']);
  assert.deepEqual(optionsOf('kind'), ['pdf', 'svg', 'png', 'zip']);
});

test('the size is stated, and a figure that is higher than a page', () => {
  assert.equal(sizeWords({ width: 85, height: 62.4 }, { font: 6 }), '85 × 62 mm, smallest text 6 pt.');
  assert.match(sizeWords({ width: 85, height: 300 }, { font: 6 }), /higher than a page/);
});
