import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answerBytes, downloaded } from '../../app/viewer/core/download.mjs';
import { fileAddress } from '../../app/viewer/core/gradio_files.mjs';

globalThis.window = /** @type {any} */ ({ gradio_config: { root: 'http://h/prefix' } });

test('a file has its address below the root of the page', () => {
  assert.equal(fileAddress('/tmp/a b.zip'), 'http://h/prefix/gradio_api/file=/tmp/a%20b.zip');
});

test('a download that fails is an error with a sentence, whatever the reason', async (context) => {
  const answers = [new Response('gone', { status: 404 }), new TypeError('Failed to fetch'), new Response('abc')];
  context.mock.method(globalThis, 'fetch', async () => {
    const next = answers.shift();
    if (next instanceof Error) throw next;
    return next;
  });
  for (let i = 0; i < 2; i++) await assert.rejects(downloaded('/tmp/a.zip'), { name: 'RequestError', message: /could not be downloaded/ });
  assert.equal(new TextDecoder().decode(await answerBytes({ file: '/tmp/a.zip' })), 'abc');
});
