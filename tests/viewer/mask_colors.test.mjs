import assert from 'node:assert/strict';
import { test } from 'node:test';

import { chooseColors, meanColor, toOklab } from '../../app/viewer/masks/mask_colors.mjs';
import { LABEL_COLORS } from '../../app/viewer/core/constants.mjs';

const LEAST = 0.1; // of OKLab, at which two areas are told apart at a glance
const apart = (a, b) => Math.min(...toOklab(a).map((one, i) => Math.hypot(...one.map((value, c) => value - toOklab(b)[i][c]))));

test('OKLab has the values of its definition', () => {
  const near = (color, wanted) => toOklab(color)[0].forEach((value, i) => assert.ok(Math.abs(value - wanted[i]) < 1e-3, `${color}: ${value}`));
  near([255, 255, 255], [1, 0, 0]);
  near([0, 0, 0], [0, 0, 0]);
  near([255, 0, 0], [0.628, 0.2249, 0.1258]);
  near([0, 0, 255], [0.452, -0.0325, -0.3115]);
});

test('red and green of one lightness are far from each other, and near with protanopia or deuteranopia', () => {
  const [full, ...without] = toOklab([200, 80, 60]).map((one, i) => Math.hypot(...one.map((value, c) => value - toOklab([110, 130, 40])[i][c])));
  for (const value of without) assert.ok(2 * value < full, `${value} of ${full}`);
});

test('a mask has the colour that is farthest from the image below it', () => {
  const palette = [[200, 40, 40], [40, 200, 40], [40, 40, 200]];
  assert.deepEqual(chooseColors([null], palette), [0]);
  for (const mean of palette) {
    const [index] = chooseColors([mean], palette);
    assert.equal(apart(palette[index], mean), Math.max(...palette.map((color) => apart(color, mean))));
  }
});

test('a class that is added changes no colour before it, and each colour comes once before any comes again', () => {
  const means = Array.from({ length: 2 * LABEL_COLORS.length + 1 }, (_, i) => [(37 * i) % 256, (91 * i) % 256, (53 * i) % 256]);
  const all = chooseColors(means);
  for (const count of [1, 2, 5, LABEL_COLORS.length]) {
    assert.deepEqual(chooseColors(means.slice(0, count)), all.slice(0, count));
  }
  for (const from of [0, LABEL_COLORS.length]) {
    assert.equal(new Set(all.slice(from, from + LABEL_COLORS.length)).size, LABEL_COLORS.length);
  }
});

test('over any image three classes differ from it and from each other, also without red or green', () => {
  const levels = [0, 64, 128, 192, 255];
  for (const r of levels) for (const g of levels) for (const b of levels) {
    const mean = [r, g, b];
    const colors = [...chooseColors([mean, mean, mean]).map((index) => LABEL_COLORS[index]), mean];
    colors.forEach((one, i) => colors.slice(0, i).forEach((other) => assert.ok(apart(one, other) > LEAST, `image ${mean}: ${one} and ${other}: ${apart(one, other)}`)));
  }
});

test('the mean colour of an image under a mask', () => {
  const pixels = Uint8ClampedArray.from([10, 20, 30, 255, 200, 0, 0, 255, 20, 40, 60, 255]);
  assert.deepEqual(meanColor(pixels, Uint8Array.from([1, 0, 1])), [15, 30, 45]);
  assert.equal(meanColor(pixels, Uint8Array.from([0, 0, 0])), null);
});
