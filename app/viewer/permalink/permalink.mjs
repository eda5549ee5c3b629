// Links: the address follows the page, and a link that is opened brings its screen back.

import { PERSONAL_SETTINGS, address, decode, encode, fit, problemMessage, imageOf } from './query.mjs';
import { RequestError, isDropped, mayPass, newestOf, sentenceOf } from '../core/rpc.mjs';
import { createNotice } from '../core/notice.mjs';
import { pick } from '../core/store.mjs';
import { NEEDS_APP } from '../core/words.mjs';

/** Settings of an example that the next image does not keep.
 * @type {(keyof Crt.State)[]}
 */
const LENT = ['visible', 'loops', 'refined'];
const NO_IMAGE = 'none';
const COMPUTING = 'Computing…';
const ADDRESS_DELAY_MS = 400; // ms without a change before the address follows

/** @typedef {import('./query.mjs').Link} Link */
/** Image, checkpoint, size and mode of a run; '' for what the server decides.
 * @typedef {{ pic: string, checkpoint: string, size: string, mode: string }} Wanted
 */

/** Those settings of `former` whose value is still the one that was lent.
 * @param {Crt.State} state
 * @param {Partial<Crt.State>} settings as they were lent
 * @param {Partial<Crt.State>} former
 * @returns {Partial<Crt.State>}
 */
export function returned(state, settings, former) {
  const kept = LENT.filter((name) => JSON.stringify(state[name]) === JSON.stringify(settings[name]));
  return pick(former, kept);
}

/** @param {Crt.Page} page */
export function mountPermalink(page) {
  const { root, at, store, view, current, request, onRun, onDraw, showMessage, showFailure, announce } = page;
  const opening = newestOf(request);
  /** @type {Link | null} */
  let pending = null; // a link whose settings the run of its image takes; `missed`: its image is gone, so that another's run takes them
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let copying = false;
  const showNote = createNotice(at('permalink-note'));
  /** @type {{ example: string | null | undefined, settings: Partial<Crt.State>, former: Partial<Crt.State> } | null} */
  let lent = null; // what an example has set of LENT, and what was set before

  page.link = { open, expect, fetch: fetchRun, keep, query: (saved = false) => encode(store.get(), current().run, saved) };
  onRun((next) => {
    at('copy-link').disabled = !next;
    if (!next || next.run.pending) return; // the link may be about the next image, and a part lacks what it sets
    const { run } = next;
    if (lent && run.example !== lent.example) queueMicrotask(() => lent && takeBack(run)); // the run sets its own limits first
    if (!pending || pending.missed === run.imageId) return;
    if (pending.image && !pending.missed && pending.image !== imageOf(run)) drop(); // another image was chosen meanwhile
    else queueMicrotask(() => pending && take(current()));
  });
  root.addEventListener('crt-run-repeated', () => {
    if (pending && !pending.missed && (!pending.image || pending.image === imageOf(current().run))) take(current());
  });
  root.addEventListener('crt-upload', () => pending?.missed || drop()); // the user's own image wins
  root.addEventListener('crt-run-failed', () => pending?.missed || drop());
  onDraw(() => {
    clearTimeout(timer);
    timer = setTimeout(follow, ADDRESS_DELAY_MS);
  });
  root.addEventListener('crt-settings', (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    const now = view();
    const { size, mode, linked } = decode(`v=1&s=${detail?.size}&m=${detail?.mode}`);
    if (linked && size && mode && now) show({ pic: '', checkpoint: now.run.chosen.checkpoint, size, mode });
  });
  at('copy-link').addEventListener('click', copy);

  const first = decode(page.saved?.query || window.location.search); // a file without a screen takes a link, else the defaults
  if (page.saved) pending = page.saved.query || first.linked ? first : null; // the run in the file takes it
  else if (first.linked) open(first);
  else if (first.problems.length) showMessage(problemMessage(first.problems));

  /** Bring the screen of a link back: at once if its run is on the page, else with the server's help, or as `kept` has it
   *  where the server has not.
   * @param {Link} link
   * @param {() => Promise<Crt.View | null>} [kept]
   */
  function open(link, kept) {
    pending = link;
    const now = view();
    if (now && isOf(link, now.run)) take(now);
    else if (now || link.image || link.checkpoint || link.size || link.mode) show({ pic: link.image ?? '', checkpoint: link.checkpoint ?? '', size: link.size ?? '', mode: link.mode ?? '' }, kept);
    else wait('');
  }

  /** Say what is wrong with the pending link; its settings wait for an image other than the one on the page.
   * @param {string} message
   */
  function wait(message) {
    const wrong = pending ? problemMessage(pending.problems) : '';
    showMessage([message, wrong].filter(Boolean).join(' '));
    if (pending) pending = { ...pending, problems: [], missed: view()?.run.imageId ?? NO_IMAGE };
  }

  /** The run of this link's image, which another feature requests, takes its settings except the personal ones.
   *  Gives a function that takes the expectation back.
   * @param {Link} link
   */
  function expect(link) {
    const mine = { ...link, keep: PERSONAL_SETTINGS };
    pending = mine;
    return () => {
      if (pending === mine) pending = null;
    };
  }

  /** @param {Crt.View} now */
  function take(now) {
    if (!pending) return;
    const { keep: kept, image } = pending;
    const { settings, problems } = fit(pending, now, store.get());
    for (const name of kept ?? []) delete /** @type {Record<string, unknown>} */ (settings)[name];
    const message = problemMessage([...pending.problems, ...problems]);
    pending = null;
    const isExample = kept && image === imageOf(now.run);
    lent = isExample ? { example: now.run.example, settings: pick(settings, LENT), former: lent?.former ?? pick(store.get(), LENT) } : null;
    store.set(settings);
    if (message) showMessage(message);
  }

  /** What an example has set gives way to what was set before it, unless the user has changed it since.
   * @param {Crt.Run} run
   */
  function takeBack(run) {
    if (!lent) return;
    const { settings, former } = lent;
    lent = null;
    store.set(returned(store.get(), settings, { ...former, loops: Math.min(former.loops ?? run.maxLoops, run.maxLoops) }));
  }

  function drop() {
    opening.cancel();
    pending = null;
  }

  /**
   * @param {Wanted} wanted
   * @param {() => Promise<Crt.View | null>} [kept]
   */
  async function show(wanted, kept) {
    const link = pending;
    try {
      const got = page.saved && kept ? { state: 'gone', message: NEEDS_APP } : await reopened({ act: 'show', ...wanted }, opening.request);
      if (got.state !== 'gone') return;
      const found = await kept?.();
      if (pending !== link) return; // another image was chosen meanwhile
      if (found) page.showRun(found);
      else wait(got.message);
    } catch (error) {
      if (isDropped(error)) return;
      pending = null;
      showFailure(sentenceOf(error), mayPass(error) ? () => {
        showMessage('');
        if (link) open(link, kept);
        else show(wanted);
      } : undefined);
    }
  }

  /** The server's answer to a link; the networks run if they must.
   * @param {object} details
   * @param {Crt.Requests['request']} ask
   */
  async function reopened(details, ask) {
    const got = await ask('reopen', details, { acrossRuns: true });
    if (got.state !== 'run') return got;
    showNote(COMPUTING, 'under way');
    try {
      return await ask('reopen_run', details, { acrossRuns: true });
    } finally {
      if (at('permalink-note').textContent === COMPUTING) showNote('');
    }
  }

  /** The value of a run, to be shown later. Throws RequestError.
   * @param {Wanted} wanted
   * @param {AbortSignal} signal
   * @returns {Promise<Crt.Run & Crt.Bytes>}
   */
  async function fetchRun(wanted, signal) {
    const got = await reopened({ act: 'fetch', ...wanted }, (event, details, options) => request(event, details, { ...options, signal }));
    if (got.state === 'gone') throw new RequestError('failed', got.message);
    return got.view;
  }

  /** Have the server keep the image on the page -> why it does not, or ''. */
  async function keep() {
    if (current().run.example || page.saved) return '';
    try {
      await request('keep');
      return '';
    } catch (error) {
      return sentenceOf(error);
    }
  }

  /** The address names what is on the page; inside a frame it is sent to the page around it, as Spaces require. */
  function follow() {
    if ((pending && !pending.missed) || !view() || root.dataset.present || page.saved) return;
    const query = address(window.location.search, page.link.query());
    if (query === window.location.search) return;
    window.history.replaceState(window.history.state, '', `${query}${window.location.hash}`);
    if (window.parent === window) return;
    const around = window.location.ancestorOrigins?.[0] ?? (document.referrer ? new URL(document.referrer).origin : null);
    if (around && around !== 'null') window.parent.postMessage({ queryString: query }, around);
  }

  async function copy() {
    if (copying) return;
    copying = true;
    at('copy-link').setAttribute('aria-busy', 'true');
    try {
      await copyLink();
    } finally {
      copying = false;
      at('copy-link').removeAttribute('aria-busy');
    }
  }

  async function copyLink() {
    const { run } = current();
    const query = page.link.query();
    const url = `${window.location.origin}${window.location.pathname}?${query}`;
    const written = write(url); // at once: later the click would no longer count
    const trouble = await keep();
    const copied = await written;
    const field = at('permalink-url');
    field.hidden = copied;
    field.value = url;
    if (!copied) {
      field.focus();
      field.select();
    }
    const image = run.example ? '' : ' The server keeps the image for an hour.';
    const named = decode(query).names.length;
    const left = named < store.get().classes.length ? ` It names ${named} of the ${store.get().classes.length} classes.` : '';
    const file = store.get().added_panel?.kind === 'file' ? ' The map from a file is not in it.' : '';
    const done = copied ? 'Link copied.' : 'Copy the link from this field.';
    showNote(`${done}${trouble ? ` The image is not in it: ${trouble}` : image}${left}${file}`, trouble ? 'failed' : 'done');
    announce(at('permalink-note').textContent);
  }
}

/** Whether a run is the one of a link.
 * @param {Link} link
 * @param {Crt.Run} run
 */
function isOf(link, run) {
  const { checkpoint, size, mode } = run.chosen;
  return (!link.image || link.image === imageOf(run)) && (link.checkpoint ?? '') === checkpoint
    && (!link.size || link.size === size) && (link.mode ?? run.checkpoint.modes[0]) === mode;
}

/** @param {string} text */
async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // no clipboard here: an insecure address, or not allowed
  }
}
