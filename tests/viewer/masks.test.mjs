import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as l from '../../app/viewer/maths/labels.mjs';
import { boxOf, canvasSize, cellText, iouText, measureLabel } from '../../app/viewer/masks/mask_views.mjs';
import { byChosen, randomWalkLabels, seen, shownClasses } from '../../app/viewer/masks/mask_labels.mjs';
import { KNOBS, WALK_KNOBS, maskDetails, presetOf, presetValues, walkDetails } from '../../app/viewer/masks/mask_settings.mjs';
import { withoutSpecks } from '../../app/viewer/masks/specks.mjs';
import { missing } from '../../app/viewer/masks/masks.mjs';
import { INITIAL } from '../../app/viewer/core/store.mjs';

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

test('a mask over a small image loses no point of the grid', () => {
  assert.deepEqual(canvasSize({ naturalWidth: 160, naturalHeight: 120 }), [320, 240]);
  assert.deepEqual(canvasSize({ naturalWidth: 120, naturalHeight: 160 }), [240, 320]);
  assert.deepEqual(canvasSize({ naturalWidth: 2000, naturalHeight: 1500 }), [2000, 1500]);
});

test('background stays clear', () => {
  assert.deepEqual([...l.paintLabels(Uint8Array.from([0, 1]), [[9, 9, 9], [1, 2, 3]], 0.5)], [0, 0, 0, 0, 1, 2, 3, 128]);
});

test('an older mask of more classes is painted with those that are left', () => {
  assert.deepEqual([...l.paintLabels(Uint8Array.from([2, 1]), [[9, 9, 9], [1, 2, 3]], 0.5)], [0, 0, 0, 0, 1, 2, 3, 128]);
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
  for (const [name, , least, most] of [...KNOBS, ...WALK_KNOBS]) assert.ok(INITIAL.mask[name] >= least && INITIAL.mask[name] <= most);
});

test('what is only drawn does not ask the server again', () => {
  const asked = (changes) => JSON.stringify(maskDetails({ ...INITIAL, mask: { ...INITIAL.mask, ...changes } }));
  assert.equal(asked({ contours: false, boxes: true }), asked({}));
  assert.notEqual(asked({ iterations: 2 }), asked({}));
});

test('maps after the random walk are divided by the largest of all, and their cells are four pixels wide', () => {
  const row = (...values) => ({ data: Float32Array.from(values), h: 1, w: values.length });
  assert.deepEqual([...l.labelMap([row(8, 1), row(0.5, 4)], 0.25, { together: true })], [1, 2]);
  assert.deepEqual([...l.labelMap([row(8, 1), row(0.5, 1.9)], 0.25, { together: true })], [1, 0]);
  assert.deepEqual([...l.labelMap([row(0, 0)], 0.25, { together: true })], [0, 0]);
  // An image of 1 × 6 pixels has two cells, the second of which covers two pixels only.
  const propagated = randomWalkLabels({ maps: [row(1, 0)], h: 1, w: 6 }, 0.5, [1, 6]);
  assert.deepEqual([...propagated.labels], [1, 1, 1, 1, 0, 0]);
});

test('the threshold of the walk, and what is drawn, do not ask the server again', () => {
  const asked = (changes) => JSON.stringify(walkDetails({ ...INITIAL, mask: { ...INITIAL.mask, ...changes } }));
  assert.equal(asked({ walkThreshold: 0.6, contours: false, iterations: 3 }), asked({}));
  assert.notEqual(asked({ walkSteps: 2 }), asked({}));
  assert.equal(JSON.stringify(walkDetails({ ...INITIAL, threshold: 0.7 })), asked({}));
});

test('of the segmentation network the chosen classes are compared, and all are named', () => {
  const mask = { labels: Uint8Array.from([3, 3, 1, 0]), h: 2, w: 2 };
  assert.deepEqual([...byChosen(mask, [2, 5]).labels], [1, 1, 0, 0]);
  assert.equal(byChosen(null, [0]), null);
  assert.equal(seen(mask, ['cat', 'dog', 'cow']), 'cow 50 %, cat 25 %');
  assert.equal(seen({ labels: new Uint8Array(4) }, ['cat']), 'background only');
});

test('share of a label, and its overlap where the truth is known', () => {
  const mask = { labels: Uint8Array.from([1, 1, 0, 0]), h: 2, w: 2 };
  const truth = { complete: true, raster: () => Uint8Array.from([1, 0, 0, 0]), ignore: () => null };
  const unknown = measureLabel(mask, 1, { ...truth, complete: false });
  assert.deepEqual(unknown, { share: 0.5, iou: null });
  assert.deepEqual(measureLabel(mask, 1, truth), { share: 0.5, iou: 0.5 });
  assert.deepEqual(measureLabel(mask, 2, truth), { share: 0, iou: 0 });
  assert.equal(cellText(null), '–');
  assert.equal(cellText(unknown), '50 %');
  assert.equal(cellText(measureLabel(mask, 1, truth)), '50 %, IoU 50 %');
});

test('a figure has the IoU of each class with ground truth, by name where there are several', () => {
  const [known, unknown] = [{ share: 0.5, iou: 0.25 }, { share: 0.1, iou: null }];
  assert.equal(iouText(['cat'], [known]), 'IoU 25 %');
  assert.equal(iouText(['cat'], [unknown]), '');
  assert.equal(iouText(['cat', 'dog'], [unknown, known]), 'dog IoU 25 %');
  assert.equal(iouText(['cat', 'dog'], [known, known]), 'cat IoU 25 %, dog IoU 25 %');
});

test('what the checkpoint lacks is said', () => {
  assert.match(missing(null, false), /no random walk and no segmentation/);
  assert.match(missing(0.25, false), /no segmentation network/);
  assert.match(missing(null, true), /no IRN/);
  assert.equal(missing(0.25, true), '');
});

test('parts of fewer than 20 pixels are not outlined; pixels that touch at a corner are one part', () => {
  const [h, w] = [6, 12];
  const labels = new Uint8Array(h * w);
  const set = (top, left, rows, columns, label) => {
    for (let i = top; i < top + rows; i++) labels.fill(label, i * w + left, i * w + left + columns);
  };
  set(0, 0, 4, 5, 1); // 20 pixels
  set(0, 7, 4, 5, 2);
  labels[7] = 0; // 19 pixels
  labels[4 * w + 5] = 1; // a corner of the first part
  labels[5 * w + 11] = 1;
  const kept = withoutSpecks({ labels, h, w });
  assert.deepEqual([1, 2].map((label) => kept.filter((value) => value === label).length), [21, 0]);
  assert.equal(labels.filter((value) => value === 2).length, 19); // the mask itself stays
  assert.deepEqual([...withoutSpecks({ labels, h, w }, 1)], [...labels]);
});

test('holes of fewer than 20 pixels are not outlined; pixels that touch at a corner are two holes', () => {
  const [h, w] = [6, 14];
  const labels = new Uint8Array(h * w).fill(2);
  const clear = (top, left, rows, columns) => {
    for (let i = top; i < top + rows; i++) labels.fill(0, i * w + left, i * w + left + columns);
  };
  clear(1, 1, 4, 5); // 20 pixels
  clear(1, 8, 4, 5);
  labels[w + 8] = 2; // 19 pixels
  labels[0] = 0; // at a corner of the first
  const kept = withoutSpecks({ labels, h, w });
  assert.deepEqual([0, 2].map((label) => kept.filter((value) => value === label).length), [20, h * w - 20]);
  assert.equal(labels.filter((value) => value === 0).length, 40); // the mask itself stays
});

test('the classes in sight are the chosen ones, in their order, and then the segmentation network\'s others', () => {
  assert.deepEqual(shownClasses([4, 1], null), [4, 1]);
  assert.deepEqual(shownClasses([4, 1], { labels: Uint8Array.from([0, 8, 2, 5, 1, 8]) }), [4, 1, 0, 7]);
});
