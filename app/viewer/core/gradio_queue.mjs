// What becomes of the viewer's events in Gradio's queue. Gradio tells a custom component nothing about an event that
// fails: it shows a toast, and the component's `watch` never fires. So this module reads along where the page talks with
// the server, in `window.fetch`. What it relies on in the client of Gradio 6.31 (`submit` and `open_stream`):
//
// - `trigger(event, details)` becomes one POST to `queue/join` for each listener, a JSON text with `event_data: details`.
// - Its answer is 200 with `event_id`, or a refusal: 503 for a full queue, 429 from our own limit, each with `detail`.
// - The messages of all events come through one GET of `queue/data`, an event stream of lines `data: {msg, event_id, …}`.
//   `process_completed` is the last one of an event, with `success` and, if that is false, `output.error`.
// - A POST or a stream whose connection fails makes Gradio give up: it takes no event any more and loads the page anew,
//   without the user's image, as soon as the server answers. A stream that ends early is never opened again. Therefore
//   `open` hands Gradio what it can go on from: a refusal in place of the lost POST, and in place of the rest of the
//   stream an error for every event that is open, and then the `close_stream` that lets it open another.
//
// tests/browser/test_failures.py holds each of these.

const JOIN = /\/gradio_api\/queue\/join(\?|$)/;
const DATA = /\/gradio_api\/queue\/data(\?|$)/;
export const NO_CONNECTION = 'No connection to the server: check the network and try again.';
const BUSY = 'The server is busy: try again in a minute.';
const FAILED = 'Something went wrong on the server: try again.';

/** Observes the events that `fetch` sends -> { fetch, watch }. `watch(request, listener)` has `listener(news)` called with
 *  what becomes of the event whose details hold this `request`: { alive } for a sign of life, { failed: sentence } or
 *  { completed }. Both of the latter are the last. `onOther(listener)`: of the events of other components, only why they
 *  failed.
 * @param {typeof fetch} plain
 * @returns {Crt.Queue}
 */
export function observeQueue(plain) {
  /** @type {Map<string, (news: Crt.QueueNews) => void>} */
  const listeners = new Map(); // by the id of a request
  /** @type {Map<string, string | null>} */
  const open = new Map(); // id of an event in the queue -> id of the request, null for an event of other components

  /** @type {((sentence: string) => void)[]} */
  const others = [];

  /** @param {string | null | undefined} request @param {Crt.QueueNews} news */
  function tell(request, news) {
    if (!request) {
      if (news.failed) for (const listener of others) listener(news.failed);
      return;
    }
    const listener = listeners.get(request);
    if (!news.alive) listeners.delete(request);
    listener?.(news);
  }

  /** @param {RequestInfo | URL} input @param {RequestInit} [options] */
  async function join(input, options) {
    const request = requestOf(options?.body);
    /** @type {Response} */
    let answer;
    try {
      answer = await plain(input, options);
    } catch {
      tell(request, { failed: NO_CONNECTION });
      return json({ detail: NO_CONNECTION }, 502);
    }
    const body = await answer.clone().json().catch(() => null);
    if (answer.ok && typeof body?.event_id === 'string') {
      open.set(body.event_id, request);
      tell(request, { alive: true });
    } else tell(request, { failed: refusalOf(answer, body) });
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

  /** The stream of the server, whose end is always one that Gradio understands.
   * @param {ReadableStream<Uint8Array>} body
   */
  function follow(body) {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    let rest = '';
    let closed = false; // by the server, in its own words
    /** @param {string} text */
    const read = (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (!line.startsWith('data:')) continue;
        const message = JSON.parse(line.slice(5));
        closed ||= message.msg === 'close_stream';
        take(message);
      }
    };
    return new ReadableStream({
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) {
            read(decoder.decode(value, { stream: true }));
            controller.enqueue(value);
            return;
          }
        } catch (error) {
          if (isAbort(error)) return controller.error(error);
        }
        if (!closed) controller.enqueue(new TextEncoder().encode(`\n\n${farewell()}`)); // a line that broke off is none
        controller.close();
      },
      cancel: (reason) => reader.cancel(reason),
    });
  }

  /** @param {any} message */
  function take(message) {
    if (message.msg === 'unexpected_error') {
      for (const request of [...open.values()]) tell(request, { failed: FAILED });
      open.clear();
      return;
    }
    if (!open.has(message.event_id)) return;
    const request = open.get(message.event_id);
    if (message.msg !== 'process_completed') return tell(request, { alive: true });
    open.delete(message.event_id);
    const error = message.output?.error;
    tell(request, message.success ? { completed: true } : { failed: typeof error === 'string' && error ? error : FAILED });
  }

  /** The end of a stream: an error for each event that is open. */
  function farewell() {
    const ended = [...open.entries()];
    open.clear();
    for (const [, request] of ended) tell(request, { failed: NO_CONNECTION });
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
    onOther: (listener) => others.push(listener),
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
