import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createLater } from '../../app/viewer/core/later.mjs';
import { RequestError } from '../../app/viewer/core/rpc.mjs';

test('a part is loaded and mounted once, when it is first needed', async () => {
  const mounted = [];
  let loads = 0;
  const later = createLater({ masks: async () => `part ${++loads}` }, (part) => mounted.push(part));
  assert.deepEqual([later.isHere('masks'), loads], [false, 0]);
  await Promise.all([later.need('masks'), later.need('masks')]);
  await later.need('masks');
  assert.deepEqual([mounted, loads, later.isHere('masks')], [['part 1'], 1, true]);
});

test('a part stands on another, which is mounted before it', async () => {
  const mounted = [];
  const later = createLater({ talk: (need) => need('scenes').then(async () => 'talk'), scenes: async () => 'scenes' }, (part) => mounted.push(part));
  await later.need('talk');
  assert.deepEqual([mounted, later.isHere('scenes')], [['scenes', 'talk'], true]);
});

test('a name without a part needs nothing', async () => {
  const later = createLater({}, () => assert.fail());
  for (const name of ['explore', 'toString', '']) {
    assert.ok(later.isHere(name));
    await later.need(name);
  }
});

test('a part that cannot be loaded fails with a sentence, and is tried again', async () => {
  let broken = true;
  const mounted = [];
  const later = createLater({ masks: async () => (broken ? Promise.reject(new TypeError('Failed to fetch')) : 'part') }, (part) => mounted.push(part));
  await assert.rejects(later.need('masks'), (error) => error instanceof RequestError && /check the connection/.test(error.message) && error.cause instanceof TypeError);
  assert.equal(later.isHere('masks'), false);
  broken = false;
  await later.need('masks');
  assert.deepEqual([mounted, later.isHere('masks')], [['part'], true]);
});
