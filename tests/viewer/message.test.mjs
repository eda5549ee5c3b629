import assert from 'node:assert/strict';
import { test } from 'node:test';

import { NOTICE_MS, createMessage } from '../../app/viewer/core/message.mjs';
import { returned } from '../../app/viewer/permalink/permalink.mjs';
import { INITIAL } from '../../app/viewer/core/store.mjs';

/** A message whose text is what its node holds. */
function fake() {
  const node = { hidden: true, ariaLive: null, children: [], replaceChildren(...children) { this.children = children; } };
  const clicks = {};
  const timers = [];
  const button = (text, click) => {
    clicks[text] = click;
    return `[${text || 'x'}]`;
  };
  const message = createMessage(/** @type {any} */ (node), /** @type {any} */ (button), (call, ms) => timers.push([call, ms]));
  return { node, message, clicks, timers };
}

test('a failure goes when a later request succeeds, a notice stays', () => {
  const { node, message } = fake();
  const earlier = message.begin();
  message.fail('No connection.', () => {});
  const shown = [false, ['No connection.', ' ', '[Try again]', ' ', '[x]']];
  assert.deepEqual([node.hidden, node.children], shown);
  earlier();
  assert.deepEqual([node.hidden, node.children], shown);
  message.begin()();
  assert.deepEqual([node.hidden, node.children], [true, ['']]);
  message.show('Checkpoint changed; maps recomputed.');
  message.begin()();
  assert.deepEqual([node.hidden, node.children], [false, ['Checkpoint changed; maps recomputed.', ' ', '[x]']]);
});

test('a part that could not be loaded is only forgotten when one is loaded', () => {
  const { node, message } = fake();
  message.fail('A part could not be loaded.', () => {}, 'load');
  message.begin()();
  message.show('');
  assert.equal(node.children[0], 'A part could not be loaded.');
  message.begin('load')();
  assert.deepEqual([node.hidden, node.children], [true, ['']]);
  message.fail('No connection.');
  message.begin('load')();
  assert.deepEqual(node.children, ['No connection.', ' ', '[x]']);
});

test('a run that failed is only forgotten when a run succeeds', () => {
  const { node, message } = fake();
  message.fail('Rate limit reached.', () => {}, 'run');
  message.begin()();
  assert.equal(node.children[0], 'Rate limit reached.');
  message.begin('run')();
  assert.deepEqual([node.hidden, node.children], [true, ['']]);
});

test('the place of a request that waits is shown where there is no other message', () => {
  const { node, message } = fake();
  message.wait('Waiting for 2 other requests, about 9 s.');
  assert.deepEqual([node.hidden, node.children, node.ariaLive], [false, ['Waiting for 2 other requests, about 9 s.'], 'off']);
  message.fail('No connection.', () => {});
  assert.equal(node.ariaLive, null);
  message.wait('Waiting for 1 other request, about 4 s.');
  assert.deepEqual(node.children, ['No connection.', ' ', '[Try again]', ' ', '[x]']);
  message.begin()();
  assert.deepEqual([node.hidden, node.children], [false, ['Waiting for 1 other request, about 4 s.']]);
  message.wait('');
  assert.deepEqual([node.hidden, node.children], [true, ['']]);
});

test('a notice goes by itself, unless it stays or there is another one; a failure does not', () => {
  const { node, message, timers } = fake();
  message.show('is loaded.');
  message.show('Loading…', true);
  assert.deepEqual(timers.map(([, ms]) => ms), [NOTICE_MS]);
  timers[0][0]();
  assert.equal(node.children[0], 'Loading…');
  message.show('is loaded.');
  timers[1][0]();
  assert.equal(node.hidden, true);
  message.fail('No connection.');
  assert.deepEqual([timers.length, node.hidden], [2, false]);
});

test('the user can close a notice and a failure', () => {
  const { node, message, clicks } = fake();
  for (const shown of [message.show, message.fail]) {
    shown('A sentence.');
    assert.equal(node.hidden, false);
    clicks['']();
    assert.deepEqual([node.hidden, node.children], [true, ['']]);
  }
});

test('what an example has set gives way, unless the user has changed it since', () => {
  const former = { visible: INITIAL.visible, loops: 3, refined: true };
  const lent = { visible: { ...INITIAL.visible, resnet: false }, loops: 1, refined: false };
  assert.deepEqual(returned({ ...INITIAL, ...lent }, lent, former), former);
  assert.deepEqual(returned({ ...INITIAL, ...lent, loops: 2 }, lent, former), { visible: INITIAL.visible, refined: true });
});
