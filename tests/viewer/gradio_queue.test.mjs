import assert from 'node:assert/strict';
import test from 'node:test';

import { NO_CONNECTION, observeQueue } from '../../app/viewer/core/gradio_queue.mjs';

const JOIN = 'http://localhost/gradio_api/queue/join?__theme=light';
const DATA = new Request('http://localhost/gradio_api/queue/data?session_hash=a');
const body = (request) => ({ method: 'POST', body: JSON.stringify({ data: [], event_data: request ? { request } : null }) });
const json = (content, status = 200, headers = {}) => new Response(JSON.stringify(content), { status, headers });
const line = (message) => new TextEncoder().encode(`data: ${JSON.stringify(message)}\n\n`);

/** A stream of these chunks, which then breaks, or ends if `error` is null. */
function streamOf(chunks, error = null) {
  const rest = [...chunks];
  return new Response(new ReadableStream({
    pull(controller) {
      if (rest.length) controller.enqueue(rest.shift());
      else if (error) controller.error(error);
      else controller.close();
    },
  }));
}

/** A queue that answers with these in turn: a Response, or an error to throw. */
function queueOf(...answers) {
  const news = [];
  const others = [];
  const timers = [];
  const queue = observeQueue(async () => {
    const next = answers.shift();
    if (next instanceof Error) throw next;
    return next;
  }, (call) => timers.push(call));
  for (const request of ['a', 'b']) queue.watch(request, (one) => news.push([request, one]));
  queue.onOther((sentence) => others.push(sentence));
  return { queue, news, others, timers };
}

const messagesOf = async (response) => (await response.text()).split('\n').filter((text) => text.startsWith('data:')).map((text) => JSON.parse(text.slice(5)));

test('a refusal is told with its sentence, and Gradio gets it as it is', async () => {
  const refusals = [
    [json({ detail: 'Rate limit reached; try again in 7 s.' }, 429), 'Rate limit reached; try again in 7 s.'],
    [new Response('', { status: 429, headers: { 'Retry-After': '3' } }), 'Rate limit reached; try again in 3 s.'],
    [json({ detail: 'Queue is full. Max size is 1 and size is 1.' }, 503), 'The server is busy: try again in a minute.'],
    [json({ detail: [{ loc: ['body'] }] }, 422), 'Something went wrong on the server: try again.'],
    [new Response('<html>', { status: 500 }), 'Something went wrong on the server: try again.'],
  ];
  for (const [answer, sentence] of refusals) {
    const { queue, news } = queueOf(answer);
    assert.equal(await queue.fetch(JOIN, body('a')), answer);
    assert.deepEqual(news, [['a', { failed: sentence }]]);
  }
});

test('a lost connection is a refusal for Gradio, which would give up otherwise', async () => {
  const { queue, news, others } = queueOf(new TypeError('Failed to fetch'), new TypeError('Failed to fetch'));
  const answer = await queue.fetch(JOIN, body('a'));
  assert.deepEqual([answer.status, (await answer.json()).detail], [502, NO_CONNECTION]);
  assert.deepEqual(news, [['a', { failed: NO_CONNECTION }]]);
  await queue.fetch(JOIN, body(null));
  assert.deepEqual(others, [NO_CONNECTION]);
});

test('the stream tells of life, success and failure, also where a line comes in two parts', async () => {
  const [head, tail] = [line({ msg: 'process_completed', event_id: 'e2', success: false, output: { error: 'No.' } })].flatMap((whole) => [whole.slice(0, 20), whole.slice(20)]);
  const { queue, news } = queueOf(json({ event_id: 'e1' }), json({ event_id: 'e2' }), streamOf([
    line({ msg: 'estimation', event_id: 'e1', rank: 0 }), head, tail, line({ msg: 'heartbeat', event_id: null }),
    line({ msg: 'process_completed', event_id: 'e1', success: true, output: { data: [] } }), line({ msg: 'close_stream', event_id: null }),
  ]));
  for (const request of ['a', 'b']) await queue.fetch(JOIN, body(request));
  const messages = await messagesOf(await queue.fetch(DATA));
  assert.equal(messages.length, 5); // handed on as they are
  assert.deepEqual(news, [
    ['a', { alive: true }], ['b', { alive: true }], ['a', { alive: true }], ['b', { failed: 'No.' }], ['a', { completed: true }],
  ]);
});

test('what becomes of an event is known, also where it comes before the answer to its POST', async () => {
  /** @type {(answer: Response) => void} */
  let answer = () => {};
  const refused = { msg: 'process_completed', event_id: 'e1', success: false, output: { error: 'No.' } };
  const stream = streamOf([line({ msg: 'heartbeat', event_id: null }), line(refused), line({ msg: 'close_stream', event_id: null })]);
  const news = [];
  const queue = observeQueue((input) => (String(input) === JOIN ? new Promise((resolve) => { answer = resolve; }) : Promise.resolve(stream)));
  queue.watch('a', (one) => news.push(one));
  const joined = queue.fetch(JOIN, body('a'));
  const messages = messagesOf(await queue.fetch(DATA));
  await new Promise((resolve) => setTimeout(resolve, 10)); // the stream has come as far as it can
  assert.deepEqual(news, []);
  answer(json({ event_id: 'e1' }));
  await joined;
  assert.deepEqual((await messages).map(({ msg }) => msg), ['heartbeat', 'process_completed', 'close_stream']);
  assert.deepEqual(news, [{ alive: true }, { failed: 'No.' }]);
});

test('a message of an unknown event waits for no longer than the POSTs that are under way', async () => {
  const { queue } = queueOf(streamOf([line({ msg: 'estimation', event_id: 'other' }), line({ msg: 'close_stream', event_id: null })]));
  assert.equal((await messagesOf(await queue.fetch(DATA))).length, 2);
});

test('what a dropped request brings leaves every component as it is, and the next of its kind is handed on', async () => {
  const output = { data: ['value', { path: 'image.png' }], duration: 1 };
  const { queue, news } = queueOf(json({ event_id: 'e1' }), json({ event_id: 'e2' }), streamOf([
    line({ msg: 'process_completed', event_id: 'e1', success: true, output }), line({ msg: 'process_completed', event_id: 'e2', success: true, output }),
  ]));
  await queue.fetch(JOIN, body('a'));
  queue.drop('a');
  queue.drop('unknown');
  await queue.fetch(JOIN, body('b'));
  const [first, second] = await messagesOf(await queue.fetch(DATA));
  const unchanged = { __type__: 'update' };
  assert.deepEqual(first, { msg: 'process_completed', event_id: 'e1', success: true, output: { data: [unchanged, unchanged], duration: 1 } });
  assert.deepEqual(second.output, output);
  assert.deepEqual(news.slice(-2), [['a', { completed: true }], ['b', { completed: true }]]);
});

test('the parts of a dropped result are handed on, because each is a difference from the one before', async () => {
  const parts = [
    { msg: 'process_generating', event_id: 'e1', output: { data: [{ progress: 0.5 }] } },
    { msg: 'process_generating', event_id: 'e1', output: { data: [[['replace', ['progress'], 0.7]]] } },
    { msg: 'process_completed', event_id: 'e1', success: true, output: { data: [[]] } },
  ];
  const { queue } = queueOf(json({ event_id: 'e1' }), streamOf(parts.map(line)));
  await queue.fetch(JOIN, body('a'));
  queue.drop('a');
  assert.deepEqual((await messagesOf(await queue.fetch(DATA))).slice(0, 3), parts);
});

for (const [name, ending] of [['breaks', new TypeError('network error')], ['ends', null]]) {
  test(`a stream that ${name} early fails every open event and is closed in Gradio's words`, async () => {
    const { queue, news, others } = queueOf(json({ event_id: 'e1' }), json({ event_id: 'e2' }), streamOf([line({ msg: 'process_starts', event_id: 'e1' }), line({ msg: 'x' }).slice(0, 9)], ending));
    await queue.fetch(JOIN, body('a'));
    await queue.fetch(JOIN, body(null));
    const text = await (await queue.fetch(DATA)).text();
    const messages = text.split('\n\n').slice(-4, -1).map((one) => JSON.parse(one.slice(5)));
    assert.deepEqual(messages.map(({ msg, event_id }) => [msg, event_id]), [['process_completed', 'e1'], ['process_completed', 'e2'], ['close_stream', null]]);
    assert.equal(messages[0].output.error, NO_CONNECTION);
    assert.deepEqual(news.at(-1), ['a', { failed: NO_CONNECTION }]);
    assert.deepEqual(others, [NO_CONNECTION]);
  });
}

test('a stream that cannot be opened ends at once', async () => {
  for (const answer of [new TypeError('Failed to fetch'), json({ detail: 'no' }, 500)]) {
    const { queue, news } = queueOf(json({ event_id: 'e1' }), answer);
    await queue.fetch(JOIN, body('a'));
    assert.deepEqual((await messagesOf(await queue.fetch(DATA))).map(({ msg }) => msg), ['process_completed', 'close_stream']);
    assert.deepEqual(news.at(-1), ['a', { failed: NO_CONNECTION }]);
  }
});

test('a server that has forgotten the session fails all requests', async () => {
  const { queue, news } = queueOf(json({ event_id: 'e1' }), streamOf([line({ msg: 'unexpected_error', event_id: null, message: 'x', session_not_found: true }), line({ msg: 'close_stream' })]));
  await queue.fetch(JOIN, body('a'));
  await messagesOf(await queue.fetch(DATA));
  assert.match(news.at(-1)[1].failed, /went wrong on the server/);
});

test('what Gradio aborts itself is no lost connection, and other addresses are left alone', async () => {
  const plain = json({ other: 1 });
  const { queue } = queueOf(new DOMException('aborted', 'AbortError'), plain);
  await assert.rejects(queue.fetch(DATA), { name: 'AbortError' });
  assert.equal(await queue.fetch(new URL('http://localhost/gradio_api/file=x')), plain);
});

test('the place of an event that waits is known until it runs, ends or fails', async () => {
  const progress = (event_id, desc) => line({ msg: 'progress', event_id, progress_data: [{ index: null, length: null, unit: null, progress: 0, desc }] });
  const { queue } = queueOf(json({ event_id: 'e1' }), json({ event_id: 'e2' }), json({ event_id: 'e3' }), streamOf([
    progress('e1', 'Waiting for 2 other requests, about 9 s.'), progress('e1', 'Waiting for 2 other requests, about 9 s.'),
    progress('e2', 'Waiting for 3 other requests.'), progress('e2', ''), progress('e3', 'Reading'),
    line({ msg: 'process_completed', event_id: 'e1', success: true, output: { data: [] } }), line({ msg: 'close_stream', event_id: null }),
  ]));
  const places = [];
  queue.onWaiting((sentence) => places.push(sentence));
  for (const request of ['a', 'b', null]) await queue.fetch(JOIN, body(request));
  await (await queue.fetch(DATA)).text();
  assert.deepEqual(places, ['Waiting for 2 other requests, about 9 s.', 'Waiting for 3 other requests.', 'Waiting for 2 other requests, about 9 s.', '']);
});

test('silence about an event of another component is reported once, and each sign of life prolongs it', async () => {
  const { queue, others, timers } = queueOf(
    json({ event_id: '1' }), json({ event_id: '2' }),
    streamOf([line({ msg: 'progress', event_id: '1', progress_data: [] }), line({ msg: 'process_completed', event_id: '2', success: true, output: {} })]),
  );
  await queue.fetch(JOIN, body(null));
  await queue.fetch(JOIN, body(null));
  const stream = await queue.fetch(DATA);
  const reader = stream.body.getReader();
  for (let part = 0; part < 4; part++) await reader.read(); // both messages, each with an empty line
  timers[0](); // a sign of life has come since
  timers[1](); // this one is done
  assert.deepEqual(others, []);
  for (const pass of timers) pass();
  assert.deepEqual(others, ['The server has not answered: check the connection and try again.']);
});
