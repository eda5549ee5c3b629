// Scenes one after another on the whole screen. All their runs are fetched first, so that stepping needs no server.

import { sentenceOf } from '../core/rpc.mjs';
import { decode, encode, fit, imageOf } from '../permalink/query.mjs';
import { words } from './scenes.mjs';

const PANEL_GAP_PX = 16; // px between panels, as in present.css
const SWIPE_MIN_PX = 48; // px
const PANEL_MIN_PX = 140; // px of a panel; below it the page scrolls
const NARROW_PANEL_PX = 280; // px of a panel whose caption is cut short
/** @type {Record<string, number>} */
const KEYS = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, ' ': 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1, Home: -Infinity, End: Infinity };

/** Columns, and the width of a panel, that make `count` panels largest in a box. `aspect`: width / height of the
 *  image; `extra`: height of a panel around its image.
 * @param {number} count
 * @param {number} aspect
 * @param {{ width: number, height: number }} box
 * @param {number} extra
 */
export function arrange(count, aspect, box, extra) {
  let best = { columns: 1, width: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const wide = (box.width - (columns - 1) * PANEL_GAP_PX) / columns;
    const high = ((box.height - (rows - 1) * PANEL_GAP_PX) / rows - extra) * aspect;
    const width = Math.floor(Math.min(wide, high));
    if (width > best.width) best = { columns, width };
  }
  return best.width > 0 ? best : { columns: 1, width: Math.floor(box.width) };
}

/** Where a key leads from slide `index` of `count`, or null if it is none of ours.
 * @param {string} key
 * @param {number} index
 * @param {number} count
 */
export function target(key, index, count) {
  if (!Object.hasOwn(KEYS, key)) return null;
  return Math.min(count - 1, Math.max(0, index + KEYS[key]));
}

/** `key`: the run of a slide, once it is fetched.
 * @typedef {{ title: string, claim: string, link: Crt.Link, key?: string }} Slide
 */

/** What is presented: the saved scenes, or the examples with their claims. [{ title, claim, link }]
 * @param {Crt.Scene[]} scenes
 * @param {Crt.Card[]} cards
 * @returns {Slide[]}
 */
export function slidesOf(scenes, cards) {
  if (scenes.length) return scenes.map(({ title, query }) => ({ title, claim: '', link: decode(query) }));
  return cards.map(({ id, title, claim = '', view = '' }) => ({ title, claim, link: decode(`v=1&pic=ex.${id}${view ? `&${view}` : ''}`) }));
}

/** The screen as the only slide.
 * @param {Crt.View} view
 * @param {Crt.State} state
 * @returns {Slide}
 */
const slideOf = ({ run }, state) => ({ title: state.classes.map((index) => run.classes[index]).join(' + '), claim: '', link: decode(encode(state, run)) });

/** The run of a link, beside the one on the page, null for none; '' leaves it to the server, which takes the checkpoint's first.
 * @param {Crt.Link} link
 * @param {Crt.Run | null} run
 * @returns {import('../permalink/permalink.mjs').Wanted}
 */
export function wantedOf({ image, checkpoint, size, mode }, run) {
  const same = (checkpoint ?? '') === run?.chosen.checkpoint;
  return { pic: image ?? (run ? imageOf(run) : ''), checkpoint: checkpoint ?? '', size: size ?? '', mode: mode ?? (same ? run.checkpoint.modes[0] : '') };
}

/** @param {Crt.Page} page */
export function mountPresentation(page) {
  const { root, at, store, view, current, onRun, onDraw, announce } = page;
  /** @typedef {{ slides: Slide[], runs: Map<string, Crt.View>, index: number, former: { view: Crt.View | null, state: Crt.State, focus: Element | null }, full: boolean, aside: HTMLElement[], ended: AbortController }} Shown */
  /** @type {Shown | null} */
  let shown = null; // { slides, runs, index, former } while presenting
  at('present-start').addEventListener('click', start);
  at('present-next').addEventListener('click', () => step(1));
  at('present-back').addEventListener('click', () => step(-1));
  at('present-end').addEventListener('click', stop);
  document.addEventListener('fullscreenchange', () => shown?.full && !document.fullscreenElement && stop());
  document.addEventListener('keydown', press, true);
  window.addEventListener('resize', () => shown && layout());
  swipe();
  onDraw((state, now) => {
    if (!shown?.slides.length) return;
    at('present-words').textContent = words(state, now.run);
    layout();
  });
  onRun((next) => {
    if (!shown || next?.run.pending || (next && [...shown.runs.values()].includes(next))) return;
    if (!next) { // the image was removed
      shown.former.view = null;
      return stop();
    }
    shown.former.view = next; // an answer to an earlier request
    queueMicrotask(() => shown?.slides.length && go(shown.index));
  });

  async function start() {
    const mine = /** @type {Shown} */ ({ slides: [], runs: new Map(), index: 0, former: { view: view(), state: store.get(), focus: document.activeElement }, full: false, aside: [], ended: new AbortController() });
    shown = mine;
    root.dataset.present = 'waiting';
    for (const role of ['present-head', 'present-foot']) at(role).hidden = false;
    for (const role of ['present-count', 'present-claim', 'present-words', 'present-note']) at(role).textContent = '';
    at('present-title').textContent = 'Preparing the scenes…';
    at('present-title').focus();
    mine.aside = setAside(root);
    root.requestFullscreen?.().then(() => { mine.full = true; }, () => {}); // refused or missing: the window is filled
    const slides = slidesOf(page.scenes.list(), page.cards);
    if (page.saved && mine.former.view && !slides.length) slides.push(slideOf(mine.former.view, mine.former.state));
    const gone = [];
    for (const [index, slide] of slides.entries()) {
      at('present-title').textContent = `Preparing scene ${index + 1} of ${slides.length}…`;
      const trouble = await fetchRun(slide, mine);
      if (shown !== mine) return; // ended meanwhile
      if (trouble) gone.push(trouble);
      else mine.slides.push(slide);
    }
    root.dataset.present = 'on';
    if (!mine.slides.length) {
      at('present-title').textContent = 'There is nothing to present';
      at('present-note').textContent = gone[0] ?? 'Save a scene first.';
      return;
    }
    at('present-note').textContent = gone.length ? `${gone.length} of ${slides.length} scenes left out: ${gone[0]}` : '';
    go(0);
  }

  /** Keep the run of a slide -> a sentence why there is none, or ''.
   * @param {Slide} slide
   * @param {Shown} mine
   */
  async function fetchRun(slide, mine) {
    const now = mine.former.view;
    const wanted = wantedOf(slide.link, now?.run ?? null);
    slide.key = Object.values(wanted).join('|');
    const chosen = now?.run.chosen;
    if (chosen && slide.key === [imageOf(now.run), chosen.checkpoint, chosen.size, chosen.mode].join('|')) mine.runs.set(slide.key, now);
    if (mine.runs.has(slide.key)) return '';
    try {
      mine.runs.set(slide.key, await page.open(await page.link.fetch(wanted, mine.ended.signal)));
    } catch (error) {
      return sentenceOf(error);
    }
    return '';
  }

  /** @param {number} by slides from the one that is shown */
  function step(by) {
    if (shown) go(shown.index + by);
  }

  /** @param {number} index */
  function go(index) {
    if (!shown) return;
    const { slides, runs } = shown;
    shown.index = Math.min(slides.length - 1, Math.max(0, index));
    const slide = slides[shown.index];
    const kept = runs.get(slide.key ?? '');
    if (!kept) return; // every slide has its run once it is fetched
    if (view() !== kept) page.showRun(kept);
    const { settings } = fit(slide.link, kept, store.get());
    const added_panel = settings.added_panel?.kind === 'attention' ? settings.added_panel : null; // another explainer would need the server
    store.set({ ...settings, added_panel, tab: 'explore' });
    at('present-title').textContent = slide.title;
    at('present-claim').textContent = slide.claim;
    at('present-claim').hidden = !slide.claim;
    at('present-count').textContent = `${shown.index + 1} of ${slides.length}`;
    at('present-back').disabled = shown.index === 0;
    at('present-next').disabled = shown.index === slides.length - 1;
    announce(`Slide ${shown.index + 1} of ${slides.length}: ${slide.title}. ${slide.claim}`);
    if (!root.contains(document.activeElement)) at('present-title').focus();
  }

  function stop() {
    if (!shown) return;
    const { former, aside, full, ended } = shown;
    shown = null;
    ended.abort();
    delete root.dataset.present;
    for (const role of ['present-head', 'present-foot']) at(role).hidden = true;
    for (const node of aside) node.inert = false;
    if (full && document.fullscreenElement) document.exitFullscreen();
    if (view() !== former.view) page.showRun(former.view);
    store.set(former.state);
    at('present-start').focus();
    announce('The presentation has ended.');
  }

  /** @param {KeyboardEvent} event */
  function press(event) {
    if (!shown || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') {
      event.preventDefault();
      stop();
      return;
    }
    if (event.key === ' ' && event.target instanceof Element && event.target.closest('button')) return; // the button itself
    const to = target(event.key, shown.index, shown.slides.length);
    if (to === null || !shown.slides.length) return;
    event.preventDefault();
    event.stopPropagation();
    go(to);
  }

  function swipe() {
    /** @type {Crt.Point | null} */
    let from = null;
    root.addEventListener('crt-pick', (event) => shown && event.stopImmediatePropagation(), true); // it would ask the server
    root.addEventListener('pointercancel', () => { from = null; });
    root.addEventListener('pointerdown', (event) => { // a second finger makes it no swipe
      from = shown?.slides.length && event.pointerType === 'touch' && event.isPrimary ? { x: event.clientX, y: event.clientY } : null;
    });
    root.addEventListener('pointerup', (event) => {
      if (!from || !shown || !event.isPrimary) return;
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      from = null;
      if (Math.abs(dx) > SWIPE_MIN_PX && Math.abs(dx) > 2 * Math.abs(dy)) step(dx < 0 ? 1 : -1);
    });
  }

  /** Panels as large as the screen allows; twice, because what is around an image may grow when it gets narrow. */
  function layout() {
    const panels = at('panels');
    const articles = [...panels.children];
    if (!articles.length) return;
    const { image } = current();
    const style = window.getComputedStyle(root);
    const around = parseFloat(style.paddingTop) + parseFloat(style.paddingBottom) + 2 * parseFloat(style.rowGap || '0');
    const heads = at('present-head').offsetHeight + at('present-foot').offsetHeight;
    const box = { width: panels.clientWidth, height: root.clientHeight - heads - around };
    for (let pass = 0; pass < 2; pass++) {
      const extra = Math.max(...articles.map((panel) => [...panel.children].reduce((sum, part) => sum + (part.matches('.stage') ? 0 : part.offsetHeight), 2)));
      const { columns, width } = arrange(articles.length, image.naturalWidth / image.naturalHeight, box, extra);
      panels.style.setProperty('--present-columns', columns);
      panels.style.setProperty('--panel', `${Math.max(width, PANEL_MIN_PX)}px`);
      panels.dataset.narrow = width < NARROW_PANEL_PX ? 'yes' : 'no';
    }
  }
}

/** Everything on the page beside the path to `root` made inert; returns what has been changed.
 * @param {HTMLElement} root
 */
function setAside(root) {
  /** @type {HTMLElement[]} */
  const aside = [];
  for (let node = /** @type {HTMLElement | null} */ (root); node && node !== document.body; node = node.parentElement) {
    for (const other of /** @type {Iterable<HTMLElement>} */ (node.parentElement?.children ?? [])) {
      if (other !== node && !other.inert) {
        other.inert = true;
        aside.push(other);
      }
    }
  }
  return aside;
}
