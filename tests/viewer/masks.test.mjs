import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as l from '../../app/viewer/labels.mjs';
import { KNOBS, boxOf, presetOf, presetValues, question } from '../../app/viewer/masks.mjs';
import { INITIAL } from '../../app/viewer/state.mjs';

const map = (...values) => ({ data: Float32Array.from(values) });

test('classes compete with the background after each is divided by its own maximum', () => {
  const labels = l.labelMap([map(10, 1, 0, 4), map(0.1, 0.3, 0, 0.4)], 0.3);
  assert.deepEqual([...labels], [1, 2, 0, 2]);
  assert.deepEqual([...l.labelMap([map(0, 0, 0, 0)], 0.15)], [0, 0, 0, 0]);
  assert.deepEqual([...l.labelMap([map(2, 2), map(2, 2)], 0.15)], [1, 1]); // a tie goes to the earlier
});

test('colours are those of PASCAL VOC', () => {
  assert.deepEqual([1, 2, 3, 8, 15, 20].map((k) => l.vocColor(k).join()), ['128,0,0', '0,128,0', '128,128,0', '64,0,0', '192,128,128', '0,64,128']);
  assert.deepEqual(l.vocColor(255), [224, 224, 192]);
});

test('background stays clear', () => {
  assert.deepEqual([...l.paintLabels(Uint8Array.from([0, 1]), [[9, 9, 9], [1, 2, 3]], 0.5)], [0, 0, 0, 0, 1, 2, 3, 128]);
});

test('overlap leaves ignored points out', () => {
  const labels = Uint8Array.from([1, 1, 0, 2]);
  assert.equal(l.labelOverlap(labels, 1, [1, 0, 1, 0]), 1 / 3);
  assert.equal(l.labelOverlap(labels, 1, [1, 0, 1, 0], [0, 1, 1, 0]), 1);
  assert.equal(l.labelOverlap(labels, 7, [0, 0, 0, 0]), 0);
  assert.equal(l.share(labels, 1), 0.5);
});

test('labels come back from zlib bytes', async () => {
  const { deflateSync } = await import('node:zlib');
  assert.deepEqual([...await l.inflate(deflateSync(Buffer.from([0, 1, 255])).toString('base64'))], [0, 1, 255]);
});

test('a box holds every point of its label', () => {
  assert.deepEqual(boxOf(Uint8Array.from([0, 0, 0, 0, 1, 0, 0, 1, 1]), 3, 1), [1, 1, 3, 3]);
  assert.equal(boxOf(Uint8Array.from([0, 2]), 2, 1), null);
});

test('presets are recognised, and the first state is one of them', () => {
  assert.equal(presetOf(INITIAL.mask), 'irn');
  assert.equal(presetOf({ ...INITIAL.mask, ...presetValues('deeplab') }), 'deeplab');
  assert.equal(presetOf({ ...INITIAL.mask, iterations: 3 }), 'own');
  for (const [name, , least, most] of KNOBS) assert.ok(INITIAL.mask[name] >= least && INITIAL.mask[name] <= most);
});

test('what is only drawn does not ask the server again', () => {
  const asked = (changes) => JSON.stringify(question({ ...INITIAL, mask: { ...INITIAL.mask, ...changes } }));
  assert.equal(asked({ contours: false, boxes: true }), asked({}));
  assert.notEqual(asked({ iterations: 2 }), asked({}));
});
