import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createMessage } from '../../app/viewer/core/message.mjs';
import { returned } from '../../app/viewer/permalink/permalink.mjs';
import { INITIAL } from '../../app/viewer/core/store.mjs';

/** A message whose text is what its node holds. */
function fake() {
  const node = { hidden: true, children: [], replaceChildren(...children) { this.children = children; } };
  return { node, message: createMessage(/** @type {any} */ (node), (text) => /** @type {any} */ (`[${text}]`)) };
}

test('a failure goes when a request succeeds, a notice stays', () => {
  const { node, message } = fake();
  message.fail('No connection.', () => {});
  assert.deepEqual([node.hidden, node.children], [false, ['No connection.', ' ', '[Try again]']]);
  message.succeed();
  assert.deepEqual([node.hidden, node.children], [true, ['']]);
  message.show('Checkpoint changed; maps recomputed.');
  message.succeed();
  assert.deepEqual([node.hidden, node.children], [false, ['Checkpoint changed; maps recomputed.']]);
});

test('what an example has set gives way, unless the user has changed it since', () => {
  const former = { visible: INITIAL.visible, loops: 3, refined: true };
  const lent = { visible: { ...INITIAL.visible, resnet: false }, loops: 1, refined: false };
  assert.deepEqual(returned({ ...INITIAL, ...lent }, lent, former), former);
  assert.deepEqual(returned({ ...INITIAL, ...lent, loops: 2 }, lent, former), { visible: INITIAL.visible, refined: true });
});
