import assert from 'node:assert/strict';
import test from 'node:test';

import { answerKey, createAnswers, runKey } from '../../app/viewer/core/answers.mjs';

const run = (changes = {}) => ({ imageId: 'a', checkpoint: { sha256: 's' }, chosen: { size: '336', mode: 'overlap' }, ...changes });
const answer = (bytes = 10) => ({ id: '1', request: 'r', bytes: new ArrayBuffer(bytes), ms: 3 });

test('an answer is requested once for the same run and details', async () => {
  const answers = createAnswers();
  let asked = 0;
  const ask = async () => {
    asked++;
    return answer();
  };
  const first = await answers.through('walk', { loops: 1 }, run(), ask);
  assert.deepEqual(Object.keys(first), ['bytes', 'ms']); // what belongs to the request alone is left out
  assert.equal(await answers.through('walk', { loops: 1 }, run(), ask), first);
  assert.equal(asked, 1);
  await answers.through('walk', { loops: 2 }, run(), ask);
  await answers.through('walk', { loops: 1 }, run({ imageId: 'b' }), ask);
  await answers.through('walk', { loops: 1 }, run({ checkpoint: { sha256: 't' } }), ask);
  await answers.through('walk', { loops: 1 }, run({ chosen: { size: '448', mode: 'overlap' } }), ask);
  assert.equal(asked, 5);
});

test('a column of an ablation is the same at every size of the page', async () => {
  const answers = createAnswers();
  await answers.through('ablate', { size: '448', mode: 'overlap' }, run(), async () => answer());
  const other = run({ chosen: { size: '224', mode: 'bilinear' } });
  assert.equal(answers.keysOf('ablate', other).length, 1);
  assert.equal(answers.get(answerKey('ablate', { size: '448', mode: 'overlap' }, other)).ms, 3);
  assert.deepEqual(answers.keysOf('segment', other), []);
});

test('what changes something at the server, or concerns no run, is requested each time', async () => {
  const answers = createAnswers();
  let asked = 0;
  const ask = async () => ({ n: ++asked });
  for (let i = 0; i < 2; i++) {
    await answers.through('export', {}, run(), ask);
    await answers.through('walk', {}, null, ask);
  }
  assert.equal(asked, 4);
});

test('a failed request is not kept', async () => {
  const answers = createAnswers();
  await assert.rejects(answers.through('walk', {}, run(), async () => { throw new Error('busy'); }), /busy/);
  assert.equal((await answers.through('walk', {}, run(), async () => answer())).ms, 3);
});

test('the answers that were not used for longest go first, and the newest stays', () => {
  const answers = createAnswers(13_000); // two of 3000 bytes with their headers, not three
  for (const key of ['a', 'b']) answers.put(key, answer(3000));
  answers.get('a');
  answers.put('c', answer(3000));
  assert.equal(answers.get('b'), undefined);
  assert.ok(answers.get('a') && answers.get('c'));
  answers.put('d', answer(50_000));
  assert.ok(answers.get('d'));
  assert.equal(answers.get('a'), undefined);
  answers.put('d', answer(10));
  answers.put('e', answer(3000));
  assert.ok(answers.get('d') && answers.get('e'), 'what is put again counts once');
});

test('a run is named by its image, checkpoint, size and mode', () => {
  assert.equal(runKey(run()), runKey({ ...run(), run: 'another id' }));
  assert.notEqual(runKey(run()), runKey(run({ chosen: { size: '336', mode: 'bilinear' } })));
});
