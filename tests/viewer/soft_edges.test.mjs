import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync, crc32 } from 'node:zlib';

import { sourceWords } from '../../app/viewer/ground_truth/ground_truth_card.mjs';
import * as t from '../../app/viewer/ground_truth/ground_truth.mjs';
import { readMask } from '../../app/viewer/ground_truth/mask_png.mjs';
import { hasSoftEdges, levelsOfColors, levelsOfGrey } from '../../app/viewer/ground_truth/soft_edges.mjs';
import { cutLevels } from '../../app/viewer/maths/threshold.mjs';

const H = 40, W = 60;
const SAMPLES = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** A disc of radius 12 whose edge is `soft` px wide: shares from 0 to 1. */
const disc = (soft = 4) => Array.from({ length: H * W }, (_, i) => {
  const distance = Math.hypot(Math.floor(i / W) - H / 2, (i % W) - W / 2);
  return Math.min(1, Math.max(0, 0.5 + (12 - distance) / soft));
});

function chunk(name, body) {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), Buffer.from(body)]);
  const out = Buffer.alloc(named.length + 8);
  out.writeUInt32BE(body.length, 0);
  named.copy(out, 4);
  out.writeUInt32BE(crc32 ? crc32(named) : 0, named.length + 4);
  return out;
}

/** A PNG of a colour type from a function of the share of each pixel to its samples. */
function png(shares, type, samplesOf, palette = null) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(W, 0);
  header.writeUInt32BE(H, 4);
  header.set([8, type, 0, 0, 0], 8);
  const rows = Array.from({ length: H }, (_, y) => Buffer.from([0, ...shares.slice(y * W, (y + 1) * W).flatMap((share) => [samplesOf(share)].flat())]));
  assert.equal(rows[0].length, 1 + W * SAMPLES[type]);
  return new Uint8Array(Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk('IHDR', header), ...(palette ? [chunk('PLTE', palette.flat())] : []),
    chunk('IDAT', deflateSync(Buffer.concat(rows))), chunk('IEND', []),
  ]));
}

const CLASSES = Array.from({ length: 20 }, (_, k) => `class ${k}`);
const read = (bytes, classes = CLASSES) => readMask(bytes, { classes, chosen: classes[2], source: [H, W] });
const grey = (share) => Math.round(255 * share);
const mix = (share, dark, light) => dark.map((value, i) => Math.round(value + share * (light[i] - value)));

test('a mask with soft edges is read in every kind of PNG, as levels of the class that is chosen', async () => {
  const ramp = Array.from({ length: 256 }, (_, k) => [k, k, k]);
  const files = {
    grey: png(disc(), 0, grey),
    'grey, few values': png(disc(), 0, (share) => 85 * Math.round(3 * share)),
    'grey, not up to white': png(disc(), 0, (share) => Math.round(180 * share)),
    'grey with alpha': png(disc(), 4, (share) => [255, grey(share)]),
    colours: png(disc(), 2, (share) => mix(share, [0, 0, 0], [255, 255, 255])),
    'two colours': png(disc(), 2, (share) => mix(share, [20, 30, 90], [240, 200, 60])),
    'colours with alpha': png(disc(), 6, (share) => [255, 255, 255, grey(share)]),
    'a grey palette': png(disc(), 3, grey, ramp),
  };
  for (const [name, bytes] of Object.entries(files)) {
    const mask = await read(bytes);
    assert.equal(mask.soft, true, name);
    assert.deepEqual(mask.values, { 'class 2': 1 }, name);
    assert.match(mask.messages.join(' '), /edges are soft.*cut-off.*class 2/, name);
    const few = name.includes('few');
    mask.labels.forEach((level, i) => assert.ok(Math.abs(level / 255 - disc()[i]) < (few ? 0.17 : 0.02), `${name}: ${level} at ${disc()[i]}`));
  }
});

test('a hard mask, classes, a photo and nearly one colour have no soft edges', async () => {
  const hard = await read(png(disc(), 0, (share) => (share > 0.5 ? 255 : 0)));
  assert.equal(hard.soft, false);
  const classes = await read(png(disc(), 0, (share) => Math.round(4 * share)));
  assert.deepEqual([classes.soft, Object.keys(classes.values).length], [false, 4]);
  const many = Array.from({ length: 254 }, (_, k) => `c${k}`);
  assert.equal((await read(png(disc(), 0, grey), many)).soft, true); // no such classes lie between black and white
  await assert.rejects(read(png(disc(60), 0, grey)), /has the value \d+, but there are 20 classes/);
  const near = (share) => Array(3).fill(Math.round(1 + 4 * share));
  await assert.rejects(read(png(disc(), 2, near)), /not those of PASCAL VOC/);
  const apart = (share) => (share > 0.9 ? [255, 0, 0] : share > 0.1 ? [0, 255, 0] : [0, 0, 0]);
  await assert.rejects(read(png(disc(), 2, apart)), /not those of PASCAL VOC/);
});

test('levels go from the background to the object, and a pixel on the cut-off is background', () => {
  const values = Uint8Array.from([10, 10, 10, 60, 110, 110]);
  const levels = levelsOfGrey(values);
  assert.deepEqual([levels[10], levels[60], levels[110], levels[0], levels[255]], [0, 128, 255, 0, 255]);
  assert.deepEqual([...cutLevels(Uint8Array.from([0, 51, 52, 255]), 0.2)], [0, 0, 1, 1]);
  assert.equal(hasSoftEdges(Uint8Array.from([0, 0, 0, 0, 255, 255, 255, 128])), true);
  assert.equal(hasSoftEdges(Uint8Array.from([0, 0, 0, 0, 255, 255, 255, 128]), true), false);
  assert.equal(hasSoftEdges(Uint8Array.from([0, 255, 255])), false);
  assert.equal(levelsOfColors(Uint8Array.from([0, 0, 1]), [[0, 0, 0], [255, 255, 255]]), null);
});

const run = { classes: CLASSES, imageId: 'soft', masks: [] };
const state = (...classes) => ({ classes, drawn: {} });

test('the cut-off moves the mask, is kept with it, and belongs to its class', async () => {
  const mask = await read(png(disc(8), 0, grey));
  t.keepSoftFile('soft', mask, 'class 2', 0.5);
  const area = () => t.groundTruthOf(state(2), { run }).raster(H, W).reduce((a, b) => a + b);
  const half = area();
  assert.ok(Math.abs(half - Math.PI * 144) < 20, String(half));
  assert.deepEqual(t.groundTruthOf(state(2, 3), { run }).cutoffs, { 'class 2': 0.5 });
  const outline = t.groundTruthOf(state(2), { run }).polygons;
  t.moveCutoff('soft', 'class 2', 0.9);
  assert.ok(area() < half - 100);
  assert.notDeepEqual(t.groundTruthOf(state(2), { run }).polygons, outline);
  assert.deepEqual(t.groundTruthOf(state(2), { run }).cutoffs, { 'class 2': 0.9 });
  t.moveCutoff('soft', 'class 2', 0.5);
  assert.equal(area(), half); // its levels were kept
  assert.deepEqual(t.groundTruthOf(state(3), { run }).cutoffs, {});
  t.moveCutoff('soft', 'class 3', 0.1);
  t.keepFile('soft', { h: 1, w: 1, labels: Uint8Array.from([1]) }, { 'class 2': 1 });
  assert.deepEqual(t.groundTruthOf(state(2), { run }).cutoffs, {});
});

test('the card names the cut-off', () => {
  assert.equal(sourceWords(['a', 'b'], ['file', 'drawn'], { a: 0.5 }), 'a: your PNG, cut off at 50 % · b: drawn by you');
});
