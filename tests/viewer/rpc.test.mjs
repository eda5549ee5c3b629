import assert from 'node:assert/strict';
import test from 'node:test';

import { RequestError, createRequests, isDropped, newestOf, sentenceOf } from '../../app/viewer/core/rpc.mjs';

const runOf = (/** @type {string} */ run, imageId = 'p1') => ({ run, imageId, checkpoint: { id: 'm1' }, chosen: { checkpoint: '', size: '336', mode: 'overlap' } });

/** A server without a browser: what is sent to it, and what it tells. */
function server() {
  const sent = [];
  const listeners = new Map();
  const watchers = new Map();
  const timers = [];
  const dropped = [];
  let shown = runOf('r1');
  const requests = createRequests({
    send: (event, details) => sent.push({ event, ...details }),
    onAnswer: (event, listener) => listeners.set(event, listener),
    watch: (request, listener) => watchers.set(request, listener),
    drop: (request) => dropped.push(request),
    subject: () => shown,
    download: async ({ data }) => {
      if (data === 'lost') throw new RequestError('failed', 'no download');
      return new Uint8Array([1, 2]).buffer;
    },
    later: (call, ms) => timers.push({ call, ms }),
  });
  const idOf = (one) => sent[one].request;
  return {
    ...requests, sent, dropped,
    show: (run) => { shown = run; },
    answer: (one, content) => listeners.get(sent[one].event)({ request: idOf(one), ...content }),
    queue: (one, news) => watchers.get(idOf(one))(news),
    pass: (ms) => timers.filter((timer) => timer.ms <= ms).forEach(({ call }) => call()),
  };
}

/** What becomes of a promise, once it has settled. */
const outcome = (promise) => promise.then((got) => got, (error) => error);
const turn = () => new Promise((done) => { setImmediate(done); });

test('the answer to a request is found by its id, and says what was on the page', async () => {
  const at = server();
  const promise = at.request('inspect', { x: 1 });
  assert.deepEqual({ ...at.sent[0], request: '' }, { event: 'inspect', x: 1, model: 'm1', shown: { image: 'p1', size: '336', mode: 'overlap' }, request: '' });
  at.answer(0, { request: 'of another page', b: 1 });
  at.answer(0, { a: 1, data: 'AQI=' });
  const got = await promise;
  assert.equal(got.a, 1);
  assert.equal(got.bytes.byteLength, 2);
  assert.equal(got.data, null);
});

test('a refusal, a lost connection and an error of the server are one sentence each, and the next request goes', async () => {
  const at = server();
  for (const [one, sentence] of ['Rate limit reached; try again in 9 s.', 'No connection to the server: check the network and try again.'].entries()) {
    const error = outcome(at.request('explain'));
    at.queue(one, { failed: sentence });
    assert.equal((await error).message, sentence);
    assert.equal(isDropped(await error), false);
    assert.equal(sentenceOf(await error), sentence);
  }
  const error = outcome(at.request('explain'));
  at.answer(2, { error: 'Choose a class.' });
  assert.equal((await error).message, 'Choose a class.');
  const good = at.request('explain');
  at.answer(3, { ok: true });
  assert.equal((await good).ok, true);
});

test('a request fails when the server says nothing about it for its timeout, and each sign of life prolongs it', async () => {
  const at = server();
  const error = outcome(at.request('walk', {}, { timeout: 50 }));
  at.queue(0, { alive: true });
  at.pass(49);
  const next = at.request('walk', {}, { timeout: 1000 });
  assert.equal(at.sent.length, 1); // the first one may still be answered
  at.pass(50);
  assert.match((await error).message, /has not answered/);
  assert.equal(at.sent.length, 2);
  at.answer(0, { late: true });
  at.answer(1, { ok: true });
  assert.equal((await next).ok, true);
});

test('only the newest timer counts', async () => {
  const timers = [];
  const at = createRequests({
    send: () => {}, onAnswer: () => {}, subject: () => null, download: async () => new ArrayBuffer(0),
    watch: (_, listener) => { listener({ alive: true }); }, drop: () => {}, later: (call) => timers.push(call),
  });
  let failed = null;
  at.request('walk').catch((error) => { failed = error; });
  timers[0]();
  await turn();
  assert.equal(failed, null);
  timers.at(-1)();
  await turn();
  assert.match(failed.message, /has not answered/);
});

test('an answer that the server has given and Gradio does not bring is missed', async () => {
  const at = server();
  const error = outcome(at.request('segment'));
  at.queue(0, { completed: true });
  at.pass(10_000);
  assert.match((await error).message, /has not arrived: try again/);
});

test('requests of one event go one after another, those of others at once', async () => {
  const at = server();
  const [first, second] = [at.request('explain', { n: 1 }), at.request('explain', { n: 2 })];
  at.request('walk').catch(() => {});
  assert.deepEqual(at.sent.map(({ event, n }) => [event, n]), [['explain', 1], ['walk', undefined]]);
  at.answer(0, { n: 1 });
  await first;
  assert.equal(at.sent[2].n, 2);
  at.answer(2, { n: 2 });
  assert.equal((await second).n, 2);
});

test('what is aborted before its turn is never sent, and what is under way is not heard any more', async () => {
  const at = server();
  const newest = newestOf(at.request);
  const outcomes = [1, 2, 3].map((n) => outcome(newest.request('inspect', { n })));
  assert.deepEqual(at.sent.map(({ n }) => n), [1]);
  at.answer(0, { n: 1 });
  await turn();
  assert.deepEqual(at.sent.map(({ n }) => n), [1, 3]);
  at.answer(1, { n: 3 });
  const [one, two, three] = await Promise.all(outcomes);
  assert.ok(isDropped(one) && isDropped(two));
  assert.equal(three.n, 3);
  const last = outcome(newest.request('inspect', { n: 4 }));
  newest.cancel();
  assert.equal((await last).kind, 'aborted');
  assert.deepEqual(at.dropped, [0, 2].map((one) => at.sent[one].request)); // the second was never sent
});

test('an abort ends what the server does, or says that it could not be told', async () => {
  const at = server();
  const controller = new AbortController();
  const left = [];
  const error = outcome(at.request('faithfulness', {}, { signal: controller.signal, onLeftRunning: (problem) => left.push(problem.message) }));
  const waiting = outcome(at.request('faithfulness', {}, { signal: controller.signal, onLeftRunning: () => assert.fail('it was never sent') }));
  controller.abort();
  assert.ok(isDropped(await error) && isDropped(await waiting));
  assert.deepEqual(at.sent.map(({ event, target }) => [event, target]), [['faithfulness', undefined], ['cancel', at.sent[0].request]]);
  at.queue(1, { failed: 'Rate limit reached; try again in 9 s.' });
  await turn();
  assert.deepEqual(left, ['Rate limit reached; try again in 9 s.']);
  assert.ok(isDropped(await outcome(at.request('walk', {}, { signal: controller.signal }))));
});

test('progress is told until the answer, and not after an abort', async () => {
  const at = server();
  const controller = new AbortController();
  const told = [];
  const promise = outcome(at.request('faithfulness', {}, { signal: controller.signal, onProgress: ({ done }) => told.push(done) }));
  at.answer(0, { progress: { done: 0.5 } });
  controller.abort();
  at.answer(0, { progress: { done: 0.7 } });
  at.answer(0, { values: [] });
  assert.ok(isDropped(await promise));
  assert.deepEqual(told, [0.5]);
});

test('a new run drops what is about the one before, but not what counts for all', async () => {
  const at = server();
  const [bound, waiting] = [outcome(at.request('explain', { n: 1 })), outcome(at.request('explain', { n: 2 }))];
  const free = at.request('ablate', {}, { acrossRuns: true });
  at.show(runOf('r2'));
  const fresh = at.request('inspect');
  at.newRun();
  assert.equal((await bound).kind, 'stale');
  assert.equal((await waiting).kind, 'stale');
  at.answer(0, { n: 1 });
  at.answer(1, { column: 1 });
  at.answer(2, { n: 3 });
  assert.equal((await free).column, 1);
  assert.equal((await fresh).n, 3);
  assert.equal(at.sent.length, 3); // the stale one that waited has never been sent
  at.show(null);
  const none = outcome(at.request('inspect'));
  at.show(runOf('r3'));
  at.newRun();
  assert.equal((await none).kind, 'stale');
});

test('a request that waits for its turn is about the run that was on the page when it was made', async () => {
  const at = server();
  const first = at.request('export', { n: 1 }, { acrossRuns: true });
  const second = at.request('export', { n: 2 }, { acrossRuns: true });
  at.show(runOf('r2', 'p2'));
  at.newRun();
  at.answer(0, {});
  await first;
  assert.equal(at.sent[1].shown.image, 'p1');
  at.answer(1, {});
  await second;
});

test('a download that fails is an error of the request', async () => {
  const at = server();
  const error = outcome(at.request('inspect'));
  at.answer(0, { data: 'lost' });
  assert.equal((await error).message, 'no download');
});

test('another checkpoint on the server is told to whoever runs the networks again', async () => {
  const at = server();
  let told = 0;
  at.onChanged(() => { told++; });
  const error = outcome(at.request('inspect'));
  at.answer(0, { error: 'Checkpoint changed; the maps are being recomputed.', changed: true });
  assert.match((await error).message, /Checkpoint changed/);
  assert.equal(told, 1);
});
