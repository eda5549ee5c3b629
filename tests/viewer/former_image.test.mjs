import assert from 'node:assert/strict';
import { test } from 'node:test';

import { follow, nameOf } from '../../app/viewer/explore/former_image.mjs';

test('the former image is the last other one that the upload has shown, also when it was removed', () => {
  const none = { current: null, former: null };
  const first = follow(none, 'a');
  assert.equal(first.current, 'a');
  assert.equal(follow(first, 'a').former, null); // drawn again
  const replaced = follow(first, 'b');
  assert.deepEqual(replaced, { current: 'b', former: 'a' });
  assert.deepEqual(follow({ ...replaced, taken: true }, 'a'), { current: 'a', former: 'b' }); // undo can be undone
  assert.equal(follow({ ...replaced, taken: true }, 'b').former, 'a'); // until the upload shows it
  const removed = follow(replaced, null);
  assert.deepEqual(removed, { current: null, former: 'b' });
  assert.equal(follow(removed, null).former, 'b');
  assert.deepEqual(follow(removed, 'c'), { current: 'c', former: 'b' });
  assert.deepEqual(follow({ ...removed, taken: true }, 'b'), { current: 'b', former: null });
});

test('a file keeps its name', () => {
  assert.equal(nameOf('http://h/x/gradio_api/file=/tmp/gradio/ab/a%20b%23.tif?x=1'), 'a%20b%23.tif');
  assert.equal(nameOf('http://h/'), 'image');
});
