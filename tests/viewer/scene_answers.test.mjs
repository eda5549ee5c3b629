import assert from 'node:assert/strict';
import test from 'node:test';

import { neededAnswers } from '../../app/viewer/presentation/scene_answers.mjs';
import { INITIAL } from '../../app/viewer/core/store.mjs';

const run = {
  imageId: 'a', methods: ['resnet', 'tscam', 'crt'], checkpoint: { sha256: 's', relation: 0.25, segmentation: true }, chosen: { size: '336', mode: 'overlap' },
};
const state = (changes) => ({ ...INITIAL, classes: [2], ...changes });
const events = (changes, of = run) => neededAnswers(state(changes), of).map(({ event, details }) => [event, details]);

test('maps of Explore, the results and the mean of all heads need the run alone', () => {
  for (const changes of [{}, { tab: 'results' }, { tab: 'layers' }, { added_panel: { kind: 'attention', method: 'crt', pass: 0, block: 1, head: null } }]) {
    assert.deepEqual(events(changes), []);
  }
});

test('an added panel needs what it was made of, where it is seen', () => {
  const explainer = { kind: 'explainer', method: 'crt', name: 'gradcam' };
  assert.deepEqual(events({ added_panel: explainer }), [['explain', { method: 'crt', name: 'gradcam', classes: [2] }]]);
  assert.deepEqual(events({ added_panel: { kind: 'attention', method: 'tscam', pass: 0, block: 1, head: 3 } }), [['load_heads', { method: 'tscam' }]]);
  assert.deepEqual(events({ added_panel: explainer, compare: { ...INITIAL.compare, view: 'difference' } }), []);
  const sides = { ...INITIAL.compare, view: 'difference', a: { method: 'added_panel' }, b: { method: 'crt' } };
  assert.deepEqual(events({ added_panel: explainer, compare: sides }), [['explain', { method: 'crt', name: 'gradcam', classes: [2] }]]);
});

test('the Ablate tab needs the columns of its open part', () => {
  const parts = Object.fromEntries(['sizes', 'modes', 'curves', 'ladder'].map((show) => [show, events({ tab: 'ablate', ablate: { show } })]));
  assert.equal(parts.sizes.length, 5);
  assert.deepEqual(parts.sizes[0], ['ablate', { size: '224', mode: 'overlap' }]);
  assert.deepEqual(parts.curves, parts.sizes);
  assert.deepEqual(parts.modes.map(([, { mode }]) => mode), ['overlap', 'non-overlap', 'bilinear', 'deconvolution']);
  assert.equal(parts.ladder.length, 2);
});

test('the Masks tab needs the masks that are switched on and that the checkpoint has', () => {
  assert.deepEqual(events({ tab: 'masks' }).map(([event]) => event), ['segment', 'walk', 'deeplab']);
  assert.deepEqual(events({ tab: 'masks', mask: { ...INITIAL.mask, crf: false, walk: false } }).map(([event]) => event), ['deeplab']);
  assert.deepEqual(events({ tab: 'masks' }, { ...run, checkpoint: { sha256: 's', relation: null } }).map(([event]) => event), ['segment']);
  const [[, details]] = events({ tab: 'masks' }, { ...run, methods: ['tscam'] });
  assert.equal(details.method, 'tscam', 'a network that the run has');
});

test('one head needs the heads of its network', () => {
  const [needed] = neededAnswers(state({ tab: 'layers', layers: { method: 'tscam', head: 2, scale: 'cell' } }), run);
  assert.deepEqual([needed.event, needed.details], ['load_heads', { method: 'tscam' }]);
  assert.match(needed.key, /^\["load_heads","a","s","336","overlap",/);
});
