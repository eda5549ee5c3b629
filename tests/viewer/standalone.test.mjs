import assert from 'node:assert/strict';
import test from 'node:test';

import { createHost } from '../../app/viewer/standalone/standalone.mjs';
import { createRequests } from '../../app/viewer/core/rpc.mjs';
import { NEEDS_APP } from '../../app/viewer/core/words.mjs';
import { INITIAL } from '../../app/viewer/core/store.mjs';
import { describeSaved } from '../../app/viewer/export/export.mjs';

test('without a server each request fails with one sentence, the next one too', async () => {
  const host = createHost({ value: null });
  const { request } = createRequests({
    send: host.trigger, watch: () => {}, drop: () => {}, download: async () => new ArrayBuffer(0), subject: () => null,
    onAnswer: (event, listener) => host.watch(`${event}_answer`, () => listener(host.props[`${event}_answer`])),
    later: () => {},
  });
  for (const event of ['explain', 'explain', 'inspect']) {
    await assert.rejects(request(event, {}), { kind: 'failed', message: NEEDS_APP });
  }
});

test('a saved screen has its link, the shapes of its image, and the scenes about its run alone', () => {
  const run = {
    imageId: 'a'.repeat(40), classes: ['cat'], checkpoint: { modes: ['overlap', 'bilinear'] }, chosen: { checkpoint: '', size: '336', mode: 'overlap' },
  };
  const shape = { label: 'cat', polygon: [[0, 0], [1, 0], [1, 1]] };
  const mine = `v=1&pic=sha.${'a'.repeat(32)}&s=336`;
  const queries = [mine, `${mine}&m=bilinear`, `${mine}&k=other`, mine.replace('336', '448'), mine.replaceAll('a', 'b'), `${mine}&l=1`];
  const scenes = queries.map((query, i) => ({ title: String(i), query }));
  const saved = describeSaved(/** @type {any} */ ({
    store: { get: () => ({ ...INITIAL, drawn: { [run.imageId]: [shape], other: [shape, shape] } }) },
    scenes: { list: () => scenes }, link: { query: () => 'v=1' }, current: () => ({ run }),
  }));
  assert.deepEqual(saved, { query: 'v=1', scenes: [scenes[0], scenes[5]], drawn: [shape] });
});
