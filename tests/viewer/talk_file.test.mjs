import assert from 'node:assert/strict';
import test from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';

import { talkOf, talkWords } from '../../app/viewer/export/export.mjs';
import { withSaved } from '../../app/viewer/export/talk_file.mjs';

const HOSTILE = '</script><script>alert(1)</script>';
const record = { value: { run: 'r' }, results: {}, saved: { query: 'v=1', scenes: [], drawn: [] } };
const pack = (value) => gzipSync(JSON.stringify(value)).toString('base64');
const html = (text) => `<p>ä</p>\n<script type="text/plain" id="crt-modules">AA==</script>\n<script type="text/plain" id="crt-record">${text}</script>\n<script>boot</script>`;
const bytesOf = (text) => new TextEncoder().encode(text).buffer;

test('scenes and masks lie in the record, and nothing else of the page changes', async () => {
  const talk = { scenes: [{ title: HOSTILE, query: 'v=1&l=2', run: 'k' }], kept: { k: { data: 'AAAA', classes: [HOSTILE] } } };
  const masks = [{ label: HOSTILE, h: 1, w: 1, inside: 'gA==', ignore: null }];
  const made = new TextDecoder().decode(await withSaved(bytesOf(html(pack(record))), { talk, masks }));
  assert.ok(!made.includes('alert'));
  const [before, text, after] = made.split(/(?<=id="crt-record">)([^<]*)(?=<)/);
  assert.deepEqual(JSON.parse(gunzipSync(Buffer.from(text, 'base64'))), { ...record, saved: { ...record.saved, talk, masks } });
  assert.equal(`${before}${pack(record)}${after}`, html(pack(record)));
});

test('a page without a record is an error', async () => {
  await assert.rejects(withSaved(bytesOf('<p></p>'), { talk: { scenes: [], kept: {} } }), /no record/);
});

test('the run of the page is in the file once, and scenes without a run stay away', () => {
  const scene = (title, run) => ({ title, query: 'v=1', ...(run ? { run } : {}) });
  const kept = new Map([['own', { bytes: new ArrayBuffer(2) }], ['other', { bytes: new ArrayBuffer(1) }]]);
  const talk = talkOf({ scenes: [scene('a', 'own'), scene('b', 'other'), scene('c'), scene('d', 'gone')], kept }, 'own');
  assert.deepEqual(talk.scenes.map(({ title }) => title), ['a', 'b']);
  assert.deepEqual(talk.kept, { other: { data: 'AA==' } });
  assert.equal(talkWords(2, 4), '2 scenes; 2 left out, as their images are no longer on the server');
  assert.equal(talkWords(3, 3), '3 scenes');
});
