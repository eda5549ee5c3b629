// What becomes of events in Gradio's queue. Gradio hands a custom component nothing about one that fails: it shows a
// toast, and `watch` never fires. So this module reads along in `window.fetch`. What it relies on in the client of
// Gradio 6.31 (`submit` and `open_stream`):
//
// - `trigger(event, details)` becomes one POST to `queue/join` for each listener, a JSON text with `event_data: details`.
// - Its answer is 200 with `event_id`, or a refusal: 503 for a full queue, 429 from our own limit, each with `detail`.
// - The messages of all events come through one GET of `queue/data`, an event stream of lines `data: {msg, event_id, …}`.
//   `progress` holds the place of an event that waits in `progress_data[0].desc`, and then nothing. `process_completed` is
//   the last one of an event, with `success` and, if that is false, `output.error`. Where the stream is open already, they
//   may come before the answer to the POST.
// - A POST or a stream whose connection fails makes Gradio give up: it takes no event any more and loads the page anew,
//   without the user's image, as soon as the server answers. A stream that ends early is never opened again. Therefore
//   Gradio gets a refusal in place of the lost POST, and in place of the rest of the stream an error for every open event
//   and the `close_stream` that lets it open another.
//
// tests/browser/test_failures.py holds each of these.

import { SILENCE_MS, TIMEOUT } from './rpc.mjs';

const JOIN = /\/gradio_api\/queue\/join(\?|$)/;
const DATA = /\/gradio_api\/queue\/data(\?|$)/;
export const NO_CONNECTION = 'No connection to the server: check the network and try again.';
const BUSY = 'The server is busy: try again in a minute.';
const FAILED = 'Something went wrong on the server: try again.';

/** Observes the events that `fetch` sends -> { fetch, watch, drop }. `watch(request, listener)` has `listener(news)` called
 *  with what becomes of the event whose details hold this `request`: { alive } for a sign of life, { failed: sentence } or
 *  { completed }. Both of the latter are the last. `drop(request)`: what this event brings from now on changes nothing on
 *  the page, whichever components it was for. `onOther(listener)`: of the events of other components, only why they failed.
 *  `onWaiting(listener)`: the place of the newest event that waits for others on the server, as a sentence; empty for none.
 * @param {typeof fetch} plain
 * @param {(call: () => void, ms: number) => unknown} [later]
 * @returns {Crt.Queue}
 */
export function observeQueue(plain, later = (call, ms) => setTimeout(call, ms)) {
  /** @type {Map<string, (news: Crt.QueueNews) => void>} */
  const listeners = new Map(); // by the id of a request
  /** @type {Map<string, string | null>} */
  const open = new Map(); // id of an event in the queue -> id of the request, null for an event of other components
  /** @type {Set<string>} */
  const dropped = new Set(); // ids of requests
  /** @type {Set<string>} */
  const inParts = new Set(); // ids of events of which a part has come
  /** @type {Map<string, object>} */
  const lives = new Map(); // of other components -> newest sign of life
  let joining = 0; // POSTs whose answer has not come
  /** @type {(() => void)[]} */
  let afterJoin = []; // called when the next of these answers has come

  /** @type {((sentence: string) => void)[]} */
  const others = [];
  /** @type {((sentence: string) => void)[]} */
  const onWaiting = [];
  /** @type {Map<string, string>} */
  const waiting = new Map(); // id of a request -> its place, as a sentence

  /** @param {string} request @param {string} sentence */
  function wait(request, sentence) {
    if (waiting.get(request) === (sentence || undefined)) return;
    waiting.delete(request);
    if (sentence) waiting.set(request, sentence);
    const newest = [...waiting.values()].pop() ?? '';
    for (const listener of onWaiting) listener(newest);
  }

  /** @param {string | null | undefined} request @param {Crt.QueueNews} news */
  function notify(request, news) {
    if (!request) {
      if (news.failed) for (const listener of others) listener(news.failed);
      return;
    }
    const listener = listeners.get(request);
    if (!news.alive) {
      wait(request, '');
      listeners.delete(request);
      dropped.delete(request);
    }
    listener?.(news);
  }

  /** @param {string} event @param {string | null | undefined} request */
  function live(event, request) {
    if (request) return notify(request, { alive: true });
    const sign = {};
    lives.set(event, sign);
    later(() => lives.get(event) === sign && lives.delete(event) && open.delete(event) && notify(null, { failed: TIMEOUT }), SILENCE_MS);
  }

  /** @param {RequestInfo | URL} input @param {RequestInit} [options] */
  async function join(input, options) {
    joining++;
    try {
      return await registered(requestOf(options?.body), await plain(input, options).catch(() => null));
    } finally {
      joining--;
      const proceeding = afterJoin;
      afterJoin = [];
      for (const proceed of proceeding) proceed();
    }
  }

  /** What Gradio gets for the answer to a POST, null for a lost one.
   * @param {string | null} request
   * @param {Response | null} answer
   */
  async function registered(request, answer) {
    if (!answer) {
      notify(request, { failed: NO_CONNECTION });
      return json({ detail: NO_CONNECTION }, 502);
    }
    const body = await answer.clone().json().catch(() => null);
    if (answer.ok && typeof body?.event_id === 'string') {
      open.set(body.event_id, request);
      live(body.event_id, request);
    } else notify(request, { failed: refusalOf(answer, body) });
    return answer;
  }

  /** @param {RequestInfo | URL} input @param {RequestInit} [options] */
  async function stream(input, options) {
    /** @type {Response | null} */
    let answer = null;
    try {
      answer = await plain(input, options);
    } catch (error) {
      if (isAbort(error)) throw error;
    }
    if (answer?.ok && answer.body) return new Response(follow(answer.body), { status: 200, headers: answer.headers });
    return new Response(farewell(), { headers: { 'Content-Type': 'text/event-stream' } });
  }

  /** The stream of the server, line by line, whose end is always one that Gradio understands.
   * @param {ReadableStream<Uint8Array>} body
   */
  function follow(body) {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    const encoder = new TextEncoder();
    let rest = ''; // of a line whose end has not come
    let closed = false; // by the server, in its own words
    /** @param {string} line */
    const read = async (line) => {
      if (!line.startsWith('data:')) return `${line}\n`;
      const message = JSON.parse(line.slice(5));
      // Without this wait the failure of an event would be lost where it comes before the event is known here.
      while (message.event_id && !open.has(message.event_id) && joining) await new Promise((resolve) => { afterJoin.push(() => resolve(null)); });
      closed ||= message.msg === 'close_stream';
      const shown = withoutDropped(message);
      take(message);
      return shown === message ? `${line}\n` : `data: ${JSON.stringify(shown)}\n`;
    };
    return new ReadableStream({
      async pull(controller) {
        try {
          while (true) {
            const { done, value } = await reader.read();
            if (done) break;
            const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
            rest = lines.pop() ?? '';
            if (!lines.length) continue;
            for (const line of lines) controller.enqueue(encoder.encode(await read(line)));
            return;
          }
        } catch (error) {
          if (isAbort(error)) return controller.error(error);
        }
        if (!closed) controller.enqueue(encoder.encode(`\n\n${farewell()}`));
        controller.close();
      },
      cancel: (reason) => reader.cancel(reason),
    });
  }

  /** The result of an event whose request is dropped leaves every component as it is. One that comes in several parts is
   *  handed on: Gradio sends the later parts as differences from the one before, and it only fills answers of the viewer.
   * @param {any} message
   */
  function withoutDropped(message) {
    const request = open.get(message.event_id);
    if (message.msg === 'process_generating') inParts.add(message.event_id);
    const whole = message.msg === 'process_completed' && !inParts.delete(message.event_id);
    if (!whole || !request || !dropped.has(request) || !Array.isArray(message.output?.data)) return message;
    return { ...message, output: { ...message.output, data: message.output.data.map(() => ({ __type__: 'update' })) } };
  }

  /** @param {any} message */
  function take(message) {
    if (message.msg === 'unexpected_error') {
      for (const request of [...open.values()]) notify(request, { failed: FAILED });
      open.clear();
      return;
    }
    if (!open.has(message.event_id)) return;
    const request = open.get(message.event_id);
    if (message.msg === 'progress' && request) wait(request, String(message.progress_data?.[0]?.desc ?? ''));
    if (message.msg !== 'process_completed') return live(message.event_id, request);
    open.delete(message.event_id);
    const error = message.output?.error;
    notify(request, message.success ? { completed: true } : { failed: typeof error === 'string' && error ? error : FAILED });
  }

  /** The end of a stream: an error for each event that is open. */
  function farewell() {
    const ended = [...open.entries()];
    open.clear();
    for (const [, request] of ended) notify(request, { failed: NO_CONNECTION });
    return [
      ...ended.map(([event_id]) => ({ msg: 'process_completed', event_id, success: false, title: 'Error', output: { error: NO_CONNECTION } })),
      { msg: 'close_stream', event_id: null },
    ].map((message) => `data: ${JSON.stringify(message)}\n\n`).join('');
  }

  return {
    fetch(input, options) {
      const url = typeof input === 'string' ? input : input instanceof URL ? input.href : input.url;
      if (JOIN.test(url)) return join(input, options);
      return DATA.test(url) ? stream(input, options) : plain(input, options);
    },
    watch(request, listener) {
      listeners.set(request, listener);
    },
    drop(request) {
      if (listeners.has(request)) dropped.add(request);
    },
    onOther: (listener) => others.push(listener),
    onWaiting: (listener) => onWaiting.push(listener),
  };
}

/** @type {Crt.Queue | null} */
let installed = null;

/** The queue of this page; its `fetch` is the window's from now on. */
export function pageQueue() {
  if (!installed) {
    installed = observeQueue(window.fetch.bind(window));
    window.fetch = installed.fetch;
  }
  return installed;
}

/** The id of the request in the text that goes to the queue; null for an event of other components.
 * @param {unknown} body
 */
function requestOf(body) {
  if (typeof body !== 'string') return null;
  const request = JSON.parse(body).event_data?.request;
  return typeof request === 'string' ? request : null;
}

/** Why the queue takes an event not, in a sentence.
 * @param {Response} answer
 * @param {any} body
 */
function refusalOf({ status, headers }, body) {
  const detail = typeof body?.detail === 'string' ? body.detail : '';
  if (status === 429) return detail || `Rate limit reached; try again in ${headers.get('Retry-After') ?? 60} s.`;
  if (status === 503) return BUSY;
  return detail || FAILED;
}

/** @param {unknown} error */
const isAbort = (error) => error instanceof DOMException && error.name === 'AbortError';

/** @param {object} content @param {number} status */
const json = (content, status) => new Response(JSON.stringify(content), { status, headers: { 'Content-Type': 'application/json' } });
