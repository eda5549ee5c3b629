// Requests of the page to the server: `await page.request(event, details)` gives the answer, or an error with a sentence
// for every way in which there may be none. Ids, timeouts and the order of requests are made here and nowhere else.

export const SILENCE_MS = 180_000; // ms without a sign of life, after which a request has failed
const DELIVERY_MS = 10_000; // ms from the server's end of a request until Gradio has handed its answer over

export const TIMEOUT = 'The server has not answered: check the connection and try again.';
const LOST = 'The answer has not arrived: try again.';
const BROKEN = 'The result could not be shown: try again or reload the page.';
const STALE = 'The image on the page has changed: try again.';
const ABORTED = 'Cancelled.';

/** Why a request has no answer. `kind`: failed, aborted by its signal, or stale, because another run is on the page. */
export class RequestError extends Error {
  /**
   * @param {'failed' | 'aborted' | 'stale'} kind
   * @param {string} message one sentence for the user
   * @param {ErrorOptions & { final?: boolean }} [options] `final`: the same request would be refused again
   */
  constructor(kind, message, options) {
    super(message, options);
    this.name = 'RequestError';
    this.kind = kind;
    this.final = options?.final ?? false;
  }
}

/** Whether this answer is no longer awaited, so that no message is due.
 * @param {unknown} error
 */
export const isDropped = (error) => error instanceof RequestError && error.kind !== 'failed';

/** Whether trying again may help.
 * @param {unknown} error
 */
export const mayPass = (error) => !(error instanceof RequestError && error.final);

/** What the user reads of an error; one that is no RequestError is a fault of the page, which its log holds.
 * @param {unknown} error
 */
export function sentenceOf(error) {
  if (error instanceof RequestError) return error.message;
  console.error(error);
  return BROKEN;
}

/** Requests and their answers, with `bytes` downloaded. Those of one event go one after another: an answer that comes
 *  with another of the same event would be overwritten on its way through Gradio's properties, and what is aborted
 *  before its turn is never sent.
 * @param {object} server
 * @param {(event: string, details: object) => void} server.send hands an event to Gradio
 * @param {(event: string, listener: (answer: Crt.Answer) => void) => void} server.onAnswer
 * @param {Crt.Queue['watch']} server.watch what becomes of an event in Gradio's queue
 * @param {Crt.Queue['drop']} server.drop lets what an event brings change nothing on the page
 * @param {() => Crt.Run | null} server.subject the run on the page
 * @param {(answer: Crt.Bytes) => Promise<ArrayBuffer>} server.download
 * @param {(call: () => void, ms: number) => unknown} [server.later]
 * @returns {Crt.Requests}
 */
export function createRequests({ send, onAnswer, watch, drop, subject, download, later = (call, ms) => setTimeout(call, ms) }) {
  const page = Math.random().toString(36).slice(2); // two pages may share one session of the server
  let count = 0;
  /** @type {Map<string, Entry>} */
  const sent = new Map(); // requests that the server has, by id
  /** @type {Map<string, Entry[]>} */
  const lines = new Map(); // by event: the first one is sent, the others wait for it
  /** @type {(() => void)[]} */
  const changed = [];

  /** @typedef {{ id: string, event: string, details: object, about: Crt.Run | null, acrossRuns: boolean, timeout: number, life: number,
   *    arrived: boolean, settled: boolean, resolve(answer: Crt.Answer): void, reject(error: RequestError): void, progress(content: any): void }} Entry */

  /** @type {Crt.Requests['request']} */
  function request(event, details = {}, { timeout = SILENCE_MS, signal, onProgress, acrossRuns = false, onLeftRunning } = {}) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(new RequestError('aborted', ABORTED));
      /** @type {Entry} */
      const entry = {
        id: `${page}-${++count}`, event, details, about: subject(), acrossRuns, timeout, life: 0, arrived: false, settled: false,
        progress: (content) => onProgress?.(content),
        resolve(answer) {
          settle(entry, signal, abort);
          resolve(answer);
        },
        reject(error) {
          settle(entry, signal, abort);
          reject(error);
        },
      };
      const abort = () => {
        const running = sent.has(entry.id) && !entry.arrived;
        entry.reject(new RequestError('aborted', ABORTED));
        if (!running) return leave(entry);
        drop(entry.id);
        if (onLeftRunning) request('cancel', { target: entry.id }, { acrossRuns: true }).catch(onLeftRunning);
      };
      signal?.addEventListener('abort', abort);
      if (!lines.has(event)) {
        lines.set(event, []);
        onAnswer(event, take);
      }
      const line = lineOf(event);
      line.push(entry);
      if (line.length === 1) start(entry);
    });
  }

  /** @param {Entry} entry @param {AbortSignal | undefined} signal @param {() => void} abort */
  function settle(entry, signal, abort) {
    entry.settled = true;
    signal?.removeEventListener('abort', abort);
  }

  /** @param {string} event */
  const lineOf = (event) => lines.get(event) ?? [];

  /** @param {Entry} entry */
  function start(entry) {
    sent.set(entry.id, entry);
    watch(entry.id, ({ alive, failed }) => {
      if (alive) return live(entry, entry.timeout, TIMEOUT);
      if (!sent.has(entry.id) || entry.arrived) return;
      if (failed) end(entry, () => entry.reject(new RequestError('failed', failed)));
      else if (entry.settled) end(entry);
      else live(entry, DELIVERY_MS, LOST);
    });
    live(entry, entry.timeout, TIMEOUT);
    const { about } = entry;
    send(entry.event, { model: about?.checkpoint.id, shown: about && { image: about.imageId, size: about.chosen.size, mode: about.chosen.mode }, ...entry.details, request: entry.id });
  }

  /** The request has so many ms until the next sign of life.
   * @param {Entry} entry
   * @param {number} ms
   * @param {string} message
   */
  function live(entry, ms, message) {
    const life = ++entry.life;
    later(() => {
      if (life === entry.life && sent.has(entry.id) && !entry.arrived) end(entry, () => entry.reject(new RequestError('failed', message)));
    }, ms);
  }

  /** The server is done with a request, or counts as done: the next of its line is sent.
   * @param {Entry} entry
   * @param {() => void} [outcome]
   */
  function end(entry, outcome) {
    sent.delete(entry.id);
    if (!entry.settled) outcome?.();
    leave(entry);
  }

  /** @param {Entry} entry */
  function leave(entry) {
    const line = lineOf(entry.event);
    const index = line.indexOf(entry);
    if (index < 0) return;
    line.splice(index, 1);
    if (index === 0 && line.length) start(line[0]);
  }

  /** @param {Crt.Answer} answer */
  async function take(answer) {
    const entry = sent.get(answer.request);
    if (!entry) return;
    if (answer.progress) {
      live(entry, entry.timeout, TIMEOUT);
      if (!entry.settled) entry.progress(answer.progress);
      return;
    }
    entry.arrived = true;
    if (answer.changed) for (const listener of changed) listener();
    if (answer.error) return end(entry, () => entry.reject(new RequestError('failed', answer.error, { final: answer.final })));
    try {
      const bytes = answer.data || answer.file ? await download(answer) : null;
      end(entry, () => entry.resolve({ ...answer, data: null, bytes }));
    } catch (error) {
      end(entry, () => entry.reject(/** @type {RequestError} */ (error)));
    }
  }

  return {
    request,
    onChanged: (listener) => changed.push(listener),
    /** Another run, or none, is on the page: answers about the one before are no longer awaited. */
    newRun() {
      const run = subject()?.run;
      for (const entry of [...lines.values()].flat()) {
        if (entry.acrossRuns || entry.about?.run === run || entry.settled) continue;
        entry.reject(new RequestError('stale', STALE));
        if (!sent.has(entry.id)) leave(entry);
      }
    },
  };
}

/** Requests of which only the newest counts: each aborts the one before. `cancel()` aborts the last.
 * @param {Crt.Requests['request']} request
 * @returns {Crt.Newest}
 */
export function newestOf(request) {
  /** @type {AbortController | null} */
  let controller = null;
  return {
    request(event, details, options = {}) {
      controller?.abort();
      controller = new AbortController();
      return request(event, details, { ...options, signal: controller.signal });
    },
    cancel() {
      controller?.abort();
      controller = null;
    },
  };
}
