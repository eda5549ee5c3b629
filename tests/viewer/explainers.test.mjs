import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createAnswers } from '../../app/viewer/core/answers.mjs';
import { INITIAL } from '../../app/viewer/core/store.mjs';
import { mountExplainers } from '../../app/viewer/explore/explainers.mjs';

const run = { run: 'r', imageId: 'p', classes: ['cat', 'dog', 'cow'], methods: ['resnet', 'crt'], checkpoint: { sha256: 's' }, chosen: { size: '336', mode: 'overlap' } };
const view = { run, prediction: { contentSize: () => [1, 2] } };
const added_panel = { kind: 'explainer', method: 'crt', name: 'gradcam' };
const compare = { ...INITIAL.compare, view: 'difference', a: { method: 'added_panel' }, b: { method: 'added_panel', class: 'cow' } };
const answered = () => new Promise((done) => setTimeout(done));

/** The page as far as an explainer needs it: `sent` are the classes of its requests, `fails` those that the server refuses. */
function pageWith(first) {
  const listeners = [];
  const page = {
    state: first, sent: [], waiting: [],
    at: () => ({ addEventListener() {}, value: '' }),
    store: { get: () => page.state, set() { page.draw(); } },
    onDraw: (listener) => listeners.push(listener), onRun() {}, addedPanels: {}, answers: createAnswers(), saved: null, announce() {},
    request: (event, { classes }) => {
      page.sent.push(classes);
      return new Promise((resolve, reject) => page.waiting.push({ resolve: () => resolve({ ms: 2, arrays: { maps: { shape: [1, 1, 2], scale: classes[0] + 1, offset: 0 } }, bytes: Uint16Array.of(0x3c00, 0).buffer }), reject }));
    },
    draw: (changes = {}) => {
      page.state = { ...page.state, ...changes };
      for (const listener of listeners) listener(page.state, view);
    },
    maxOf: (classes) => page.addedPanels.explainer(added_panel, view, classes).max,
  };
  mountExplainers(page);
  return page;
}

test('the map of each class on the screen is requested, one after another', async () => {
  const page = pageWith({ ...INITIAL, classes: [0], added_panel, compare });
  page.draw();
  assert.deepEqual(page.sent, [[0]]);
  page.draw({ threshold: 0.5 });
  assert.deepEqual(page.sent, [[0]], 'it is under way');
  page.waiting.shift().resolve();
  await answered();
  assert.deepEqual([page.sent, page.maxOf([0]), page.maxOf([2])], [[[0], [2]], 1, 0]);
  page.waiting.shift().resolve();
  await answered();
  assert.deepEqual([page.sent.length, page.maxOf([2])], [2, 3]);
  page.draw({ compare: { ...compare, b: { method: 'crt' } } });
  page.draw({ compare });
  assert.equal(page.sent.length, 2, 'both are known');
});

test('a map that cannot be had names its reason, keeps the others, and is tried again on demand', async () => {
  const page = pageWith({ ...INITIAL, classes: [0], added_panel, compare });
  page.draw();
  const error = console.error;
  console.error = () => {}; // an error that is none of the server's is logged
  page.waiting.shift().reject(new Error('refused'));
  await answered();
  console.error = error;
  page.waiting.shift().resolve();
  await answered();
  assert.deepEqual([page.sent, page.maxOf([0]), page.maxOf([2])], [[[0], [2]], 0, 3]);
  const { note, retry } = page.addedPanels.explainer(added_panel, view, [0]);
  assert.match(note, /could not be shown/);
  page.draw();
  assert.equal(page.sent.length, 2, 'not by itself');
  retry();
  assert.deepEqual(page.sent[2], [0]);
});

test('what is no longer shown is not requested', () => {
  const page = pageWith({ ...INITIAL, classes: [0], added_panel: null, compare });
  page.draw();
  page.draw({ added_panel, compare: { ...compare, a: { method: 'crt' }, b: { method: 'resnet' } } });
  assert.deepEqual(page.sent, []);
  page.draw({ added_panel: { ...added_panel, method: 'tscam' }, compare: { ...compare, view: 'side' } });
  assert.deepEqual(page.sent, [], 'the run has no such network');
});
