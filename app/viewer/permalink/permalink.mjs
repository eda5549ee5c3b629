// Links: the address follows the page, and a link that is opened brings its screen back.

import { PERSONAL_SETTINGS, address, decode, encode, fit, notice, imageOf } from './query.mjs';

const NOT_ANSWERED = 'The server has not answered: check the connection and try again.';
const NO_IMAGE = 'none';
const ADDRESS_DELAY_MS = 400; // ms without a change before the address follows
const TIMEOUT_MS = { known: 60_000, networks: 600_000 }; // ms to wait for the server
const RETRY_MS = { known: 8_000, networks: 20_000 }; // ms after which it is asked again

/** @param {Crt.Page} page */
export function mountPermalink(page) {
  const { root, at, store, view, current, onRun, onDraw, onAnswer, say, speak } = page;
  const waiting = new Map(); // key of a question -> what takes its answer
  let line = Promise.resolve(); // questions go one after another, so that no answer is overwritten by the next
  let pending = null; // a link whose settings the next run takes
  let timer = null;
  let count = 0;

  page.link = { open, expect, request, query: () => encode(store.get(), current().run) };
  onAnswer('reopen', (got) => waiting.get(got.key)?.(got));
  onRun(({ run }) => pending && pending.missed !== run.imageId && queueMicrotask(() => pending && take(current())));
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

  const first = decode(window.location.search);
  if (first.linked) open(first);
  else if (first.problems.length) say(notice(first.problems));

  /** Bring the screen of a link back: at once if its run is on the page, else with the server's help. */
  function open(link) {
    pending = link;
    const now = view();
    const chosen = now?.run.chosen;
    const here = now && (!link.image || link.image === imageOf(now.run))
      && (link.checkpoint ?? '') === chosen?.checkpoint && (!link.size || link.size === chosen?.size) && (link.mode ?? 'overlap') === chosen?.mode;
    if (here) take(now);
    else if (now || link.image || link.checkpoint || link.size || link.mode) show({ pic: link.image ?? '', checkpoint: link.checkpoint ?? '', size: link.size ?? '', mode: link.mode ?? '' });
    else wait('');
  }

  /** Say what is wrong with the pending link; its settings wait for an image other than the one on the page. */
  function wait(message) {
    const wrong = pending ? notice(pending.problems) : '';
    say([message, wrong].filter(Boolean).join(' '));
    if (pending) pending = { ...pending, problems: [], missed: view()?.run.imageId ?? NO_IMAGE };
  }

  /** The next run, which somebody else asks for, takes the settings of this link; but tastes stay the reader's own. */
  function expect(link) {
    pending = { ...link, keep: PERSONAL_SETTINGS };
  }

  function take(now) {
    const { settings, problems } = fit(pending, now, store.get());
    for (const name of pending.keep ?? []) delete settings[name];
    const message = notice([...pending.problems, ...problems]);
    pending = null;
    store.set(settings);
    if (message) say(message);
  }

  async function show(wanted) {
    const got = await request({ act: 'show', ...wanted });
    if (got.state === 'gone' || got.state === 'failed') wait(got.error);
  }

  /** Ask the server with `reopen`; networks look if they must. The answer always comes, `state` says which it is. */
  function request(details) {
    const told = line.then(() => talk({ ...details, key: `${Date.now()}-${++count}` }));
    line = told;
    return told;
  }

  /** An answer may be lost on its way into the page, and to ask twice does no harm: what came late is known by its key. */
  async function talk(question) {
    let looking = false;
    let until = Date.now() + TIMEOUT_MS.known;
    page.ask('reopen', question);
    while (Date.now() < until) {
      const got = await answer(question.key, looking ? RETRY_MS.networks : RETRY_MS.known);
      if (got && got.state !== 'look') {
        if (looking) tell('');
        return got;
      }
      if (got && !looking) {
        looking = true;
        until = Date.now() + TIMEOUT_MS.networks;
        tell('The networks look at the image …');
        page.ask('reopen', { ...question, networks: true });
      } else if (!got) page.ask('reopen', question);
    }
    tell('');
    return { state: 'failed', error: NOT_ANSWERED };
  }

  function answer(key, patience) {
    return new Promise((resolve) => {
      waiting.set(key, resolve);
      setTimeout(resolve, patience, null);
    }).finally(() => waiting.delete(key));
  }

  /** The address names what is on the page; inside a frame the page around it is told, as Spaces wants. */
  function follow() {
    if ((pending && !pending.missed) || !view() || root.dataset.present) return;
    const query = address(window.location.search, page.link.query());
    if (query === window.location.search) return;
    window.history.replaceState(window.history.state, '', `${query}${window.location.hash}`);
    if (window.parent === window) return;
    const around = window.location.ancestorOrigins?.[0] ?? (document.referrer ? new URL(document.referrer).origin : null);
    if (around && around !== 'null') window.parent.postMessage({ queryString: query }, around);
  }

  async function copy() {
    const { run } = current();
    const query = page.link.query();
    const url = `${window.location.origin}${window.location.pathname}?${query}`;
    const written = write(url); // at once: later the click would no longer count
    const kept = run.example ? { state: 'kept' } : await request({ act: 'keep' });
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
    const done = copied ? 'Link copied.' : 'Copy the link from this field.';
    tell(`${done}${kept.state === 'kept' ? image : ` The image is not in it: ${kept.error}`}${left}`);
    speak(at('permalink-note').textContent);
  }

  function tell(text) {
    at('permalink-note').textContent = text;
    at('permalink-note').hidden = !text;
  }
}

async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // no clipboard here: an insecure address, or not allowed
  }
}
