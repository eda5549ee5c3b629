import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as c from '../../app/viewer/explore/file_cams.mjs';
import { isSavedFile } from '../../app/viewer/explore/saved_cams.mjs';
import { createAnswers } from '../../app/viewer/core/answers.mjs';
import { createKept } from '../../app/viewer/presentation/kept.mjs';
import { shownFile } from '../../app/viewer/presentation/scene_cams.mjs';
import { createSceneContents } from '../../app/viewer/presentation/scene_contents.mjs';
import { eventOf, keysOf, lostFiles, openKept, packKept, readSceneFile, writeSceneFile } from '../../app/viewer/presentation/scene_file.mjs';
import { importWords } from '../../app/viewer/presentation/scenes.mjs';
import { encode } from '../../app/viewer/permalink/query.mjs';
import { INITIAL } from '../../app/viewer/core/store.mjs';

const map = (h, w, ...values) => ({ data: Float32Array.from({ length: h * w }, (_, i) => values[i] ?? i), h, w });
const keep = (image, name, ...maps) => c.fileOf(image, c.keepCams(image, name, c.camsForImage(new Map(maps), ['cat'], [20, 30])));
const run = {
  run: 'r', imageId: 'abc', classes: ['cat', 'dog'], methods: ['crt'], maxLoops: 1, source: [20, 30], scores: { crt: [[0.5, 0.1], [0.6, 0.2]] },
  chosen: { checkpoint: '', size: '336', mode: 'overlap' }, checkpoint: { modes: ['overlap'] },
};
const RUN = JSON.stringify(['run', 'abc', 's', '336', 'overlap']);
const mine = keep('abc', 'Mine', ['cat', map(2, 3)], ['dog', map(2, 3, 5, 4, 3, 2, 1, 0)], ['cow', map(2, 3)]);
const state = { ...INITIAL, classes: [0], added_panel: { kind: 'file', id: mine.id } };
const compare = (kind, a, b) => ({ ...state, compare: { ...INITIAL.compare, view: kind, a, b } });
const ADDED = { method: 'added_panel', class: 'dog' };

/** Scenes with what is kept of them, in memory. */
function contents(...entries) {
  const kept = createKept(Promise.resolve(null));
  for (const [key, value] of entries) kept.put(key, value);
  return createSceneContents(/** @type {any} */ ({ answers: createAnswers() }), kept);
}
const sceneOf = (now, file) => ({ title: 'A', query: encode(now, run, true), run: RUN, file });

test('a scene takes the maps of the file that is on the screen, with the classes of the checkpoint', () => {
  const [key, saved] = shownFile(state, run);
  assert.equal(eventOf(key), c.CAMS_KEY);
  assert.deepEqual([saved.name, saved.cams.map(({ label }) => label)], ['Mine', ['cat', 'dog']]);
  assert.ok(shownFile(compare('swipe', ADDED, { method: 'crt' }), run));
  assert.equal(shownFile(compare('swipe', { method: 'crt' }, { method: 'crt' }), run), null, 'it is not on the screen');
  for (const changes of [{ tab: 'layers' }, { added_panel: null }, { added_panel: { kind: 'file', id: 999 } }]) assert.equal(shownFile({ ...state, ...changes }, run), null);
  assert.equal(shownFile(state, { ...run, classes: ['horse'] }), null);
});

test('a scene file holds them, and a scene shows the same file again', async () => {
  const [key, saved] = shownFile(state, run);
  const scene = sceneOf(compare('difference', ADDED, { method: 'crt' }), key);
  const found = readSceneFile(writeSceneFile([scene], new Map([[key, saved]])));
  assert.deepEqual([found.scenes, [...found.kept.keys()], [...keysOf([scene])]], [[scene], [key], [RUN, key]]);
  const shown = contents([RUN, run], ...found.kept);
  const { settings } = await shown.link(scene);
  assert.deepEqual([settings.added_panel, settings.compare.a], [{ kind: 'file', id: mine.id }, ADDED]);
  c.rename(mine, 'Other');
  const again = (await shown.link(scene)).settings.added_panel;
  assert.notEqual(again.id, mine.id, 'it has another name now');
  assert.deepEqual([c.fileOf('abc', again.id).name, [...c.fileOf('abc', again.id).cams.get('dog').map.data].map(Math.round)], ['Mine', [5, 4, 3, 2, 1, 0]]);
  assert.deepEqual((await shown.link(scene)).settings.added_panel, again, 'once');
});

test('maps given later under the same name leave those of a scene as they are', async () => {
  const [key, saved] = shownFile({ ...state, added_panel: { kind: 'file', id: keep('abc', 'Twice', ['cat', map(2, 3)]).id } }, run);
  keep('abc', 'Twice', ['cat', map(2, 3, 9)]);
  const { settings } = await contents([RUN, run], [key, saved]).link(sceneOf(state, key));
  assert.equal(c.fileOf('abc', settings.added_panel.id).cams.get('cat').map.data[0], 0);
});

test('without its maps, or with maps that do not fit the image, a scene is shown without them', async () => {
  const [key, saved] = shownFile({ ...state, added_panel: { kind: 'file', id: keep('abc', 'Fits', ['cat', map(2, 3)]).id } }, run);
  const scene = sceneOf(compare('swipe', ADDED, { method: 'crt' }), key);
  for (const entries of [[], [[RUN, run]], [[key, saved]], [[RUN, { ...run, source: [30, 20] }], [key, saved]]]) {
    const { settings } = await contents(...entries).link(scene);
    assert.deepEqual([settings.added_panel, settings.compare.a.method], [null, INITIAL.compare.a.method]);
  }
  assert.equal((await contents([RUN, run], [key, saved]).link({ ...scene, query: 'v=1&l=1' })).settings.added_panel, null);
});

test('maps that cannot be drawn are not kept, and their number is given', () => {
  const [key, saved] = shownFile({ ...state, added_panel: { kind: 'file', id: keep('abc', 'Checked', ['cat', map(2, 3)]).id } }, run);
  const [cam] = saved.cams;
  assert.ok(isSavedFile(saved));
  const wrongCams = [
    { label: '' }, { label: 3 }, { h: 1 }, { h: 1.5 }, { h: 513, w: 2 }, { w: '3' }, { max: -1 }, { max: null }, { max: Infinity }, { max: 1e39 }, { low: 'a' }, { low: 9, high: 1 }, { high: NaN },
    { size: [2] }, { size: [1, 3] }, { size: [2, 5000] }, { size: null }, { values: null }, { values: '' }, { values: cam.values.slice(4) }, { values: `${cam.values}AAAA` }, { values: cam.values.replace(/.$/, '%') },
  ];
  const wrong = [
    null, 3, [], {}, { ...saved, name: '' }, { ...saved, name: 'x'.repeat(61) }, { ...saved, name: 3 }, { ...saved, cams: {} }, { ...saved, cams: [] }, { ...saved, cams: [cam, cam] }, { ...saved, cams: [null] },
    ...wrongCams.map((one) => ({ ...saved, cams: [{ ...cam, ...one }] })),
  ];
  for (const one of wrong) assert.equal(isSavedFile(one), false, JSON.stringify(one)?.slice(0, 200));
  const large = { ...cam, h: 512, w: 512, values: `${'A'.repeat(4 * Math.ceil((2 * 512 * 512) / 3) - 1)}=` };
  assert.ok(isSavedFile({ ...saved, cams: [large] }));
  assert.ok(!isSavedFile({ ...saved, cams: Array.from({ length: 5 }, (_, i) => ({ ...large, label: String(i) })) }), 'more values than a file may have');
  assert.equal(openKept(packKept(new Map([[key, { ...saved, cams: [{ ...cam, h: 3 }] }]]))).size, 0);
  const scene = sceneOf(state, key);
  const { scenes, kept } = readSceneFile(JSON.stringify({ version: 1, scenes: [scene, scene], kept: { [key]: { name: 'x' } } }));
  assert.deepEqual([scenes.length, kept.size, lostFiles(scenes, kept)], [2, 0, 1]);
  assert.equal(importWords(2, 0, false, 1), '2 scenes added. 1 map from a file left out, which cannot be read.');
  assert.deepEqual(readSceneFile(JSON.stringify({ version: 1, scenes: [{ ...scene, file: RUN }] })).scenes.map(({ file }) => file), [undefined]);
});
