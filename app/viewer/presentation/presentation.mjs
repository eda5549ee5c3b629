// Scenes one after another on the whole screen. All their runs are fetched first, so that stepping needs no server.

import { answerKey, runKey } from '../core/answers.mjs';
import { make } from '../core/dom.mjs';
import { sentenceOf } from '../core/rpc.mjs';
import { scaleLines } from '../explore/draw.mjs';
import { fileOf } from '../explore/file_cams.mjs';
import { addedClasses } from '../explore/shown_maps.mjs';
import { withShapes } from '../ground_truth/ground_truth.mjs';
import { adopt, pick } from '../core/store.mjs';
import { decode, encode, fit } from '../permalink/query.mjs';
import { givenMasks, keepMasks } from './scene_masks.mjs';
import { isWanted, wantedOf } from './scene_runs.mjs';
import { words } from './scenes.mjs';
import { KEY_LIST, adjusted, target } from './slide_keys.mjs';
import { layOut, outlineScale } from './slide_layout.mjs';

const SWIPE_MIN_PX = 48; // px
const VALUE_MS = 1400; // ms for which a value that a key has changed is shown large

/** `key`: the run of a slide, once it is fetched; `run`, `answers` and `drawn`: of its `scene`,
 * and `masks` its ground truth from files.
 * @typedef {{ title: string, claim: string, link: Crt.Link, key?: string, scene?: Crt.Scene, masks?: import('./scene_masks.mjs').SavedMask[] } & Pick<Crt.Scene, 'run' | 'answers' | 'drawn'>} Slide
 */

/** What is presented: the saved scenes, or the examples with their claims. [{ title, claim, link }]
 * @param {Crt.Scene[]} scenes
 * @param {Crt.Card[]} cards
 * @returns {Slide[]}
 */
export function slidesOf(scenes, cards) {
  if (scenes.length) return scenes.map((scene) => ({ title: scene.title, claim: '', link: decode(scene.query), run: scene.run, answers: scene.answers, drawn: scene.drawn, scene }));
  return cards.map(({ id, title, claim = '', view = '' }) => ({ title, claim, link: decode(`v=1&pic=ex.${id}${view ? `&${view}` : ''}`) }));
}

/** The screen as the only slide.
 * @param {Crt.View} view
 * @param {Crt.State} state
 * @returns {Slide}
 */
function slideOf({ run }, state) {
  const link = decode(encode(state, run, true));
  return { title: state.classes.map((index) => run.classes[index]).join(' + '), claim: '', link: { ...link, settings: { ...link.settings, added_panel: state.added_panel } } };
}

/** @param {Crt.Page} page */
export function mountPresentation(page) {
  const { root, at, store, view, current, onRun, onDraw, announce } = page;
  /** @typedef {{ slides: Slide[], runs: Map<string, Crt.View>, index: number, former: { view: Crt.View | null, masks: import('./scene_masks.mjs').SavedMask[], state: Crt.State, focus: Element | null }, full: boolean, aside: HTMLElement[], ended: AbortController }} Shown */
  /** @type {Shown | null} */
  let shown = null; // { slides, runs, index, former } while presenting
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let fading;
  at('present-key-list').append(...KEY_LIST.flatMap(([keys, effect]) => [make('dt', { text: keys }), make('dd', { text: effect })]));
  at('present-start').addEventListener('click', start);
  at('present-next').addEventListener('click', () => step(1));
  at('present-back').addEventListener('click', () => step(-1));
  at('present-end').addEventListener('click', stop);
  at('present-help').addEventListener('click', () => showKeys(at('present-keys').hidden));
  at('present-keys-close').addEventListener('click', () => showKeys(false));
  document.addEventListener('fullscreenchange', () => shown?.full && !document.fullscreenElement && stop());
  document.addEventListener('keydown', press, true);
  window.addEventListener('resize', () => {
    if (!shown) return;
    scaleLines(outlineScale({ width: window.innerWidth, height: window.innerHeight }));
    store.set({});
  });
  root.addEventListener('click', (event) => { // cells and curves of a tab would leave the slide
    if (shown && event.target instanceof Element && event.target.closest('[role="tabpanel"]:not([data-tab="explore"])')) event.stopPropagation();
  }, true);
  swipe();
  onDraw((state, now) => {
    if (!shown?.slides.length) return;
    at('present-words').textContent = state.tab === 'results' ? '' : words(state, now.run, (state.added_panel && page.addedPanels[state.added_panel.kind]?.(state.added_panel, now)?.title) ?? '');
    queueMicrotask(() => shown?.slides.length && layOut(page, state, now.image)); // after the parts that were loaded later
  });
  onRun((next) => {
    if (!shown || (next && [...shown.runs.values()].includes(next))) return;
    if (!next) { // the image was removed
      shown.former.view = null;
      return stop();
    }
    const { former } = shown;
    const state = stateWith(former, next); // an answer to an earlier request
    Object.assign(former, { view: next, masks: givenNow(), state });
    queueMicrotask(() => {
      if (former.state.absolute.cam === null) former.state = { ...former.state, ...pick(store.get(), ['absolute']) };
      if (shown?.slides.length) go(shown.index);
    });
  });
  root.addEventListener('crt-run-failed', () => {
    if (shown?.former.view?.run.pending) shown.former.view = null; // what is missing will not come
  });

  async function start() {
    const mine = /** @type {Shown} */ ({ slides: [], runs: new Map(), index: 0, former: { view: view(), masks: givenNow(), state: store.get(), focus: document.activeElement }, full: false, aside: [], ended: new AbortController() });
    shown = mine;
    root.dataset.present = 'waiting';
    for (const role of ['present-head', 'present-foot']) at(role).hidden = false;
    for (const role of ['present-count', 'present-claim', 'present-words', 'present-note', 'present-value']) at(role).textContent = '';
    showKeys(false);
    at('present-title').textContent = 'Preparing the scenes…';
    at('present-progress').hidden = false;
    at('present-progress').value = 0;
    scaleLines(outlineScale({ width: window.innerWidth, height: window.innerHeight }));
    at('present-title').focus();
    mine.aside = setAside(root);
    root.requestFullscreen?.().then(() => {
      mine.full = true;
      if (!shown) document.exitFullscreen(); // ended meanwhile
    }, () => {}); // refused or missing: the window is filled
    const slides = slidesOf(page.scenes.list(), page.cards);
    if (page.saved && mine.former.view && !slides.length) slides.push(slideOf(mine.former.view, mine.former.state));
    const gone = [];
    for (const [index, slide] of slides.entries()) {
      at('present-title').textContent = `Preparing scene ${index + 1} of ${slides.length}…`;
      at('present-progress').value = index / slides.length;
      const trouble = await fetchRun(slide, mine);
      if (shown !== mine) return; // ended meanwhile
      if (trouble) gone.push(trouble);
      else mine.slides.push(slide);
    }
    root.dataset.present = 'on';
    at('present-progress').hidden = true;
    if (!mine.slides.length) {
      at('present-title').textContent = 'There is nothing to present';
      at('present-note').textContent = gone[0] ?? 'Save a scene first.';
      return;
    }
    at('present-note').textContent = gone.length ? `${gone.length} of ${slides.length} scenes left out: ${gone[0]}` : '';
    go(0);
  }

  /** The ground truth from files of the image on the page. */
  function givenNow() {
    const now = view();
    return now ? givenMasks(store.get(), now) : [];
  }

  /** Keep the run of a slide -> a sentence why there is none, or ''.
   * @param {Slide} slide
   * @param {Shown} mine
   */
  async function fetchRun(slide, mine) {
    const now = mine.former.view;
    try {
      if (slide.scene) {
        slide.link = await page.scenes.link(slide.scene);
        slide.masks = await page.scenes.masks(slide.scene);
      }
      await page.need(slide.link.settings.tab); // the server may be away later
      if (slide.link.settings.added_panel?.kind === 'attention') await page.need('layers');
      if (slide.run) {
        slide.key = slide.run;
        await page.scenes.restore(slide);
        const own = now && runKey(now.run) === slide.run ? now : mine.runs.get(slide.run) ?? await page.scenes.view(slide);
        if (own) mine.runs.set(slide.run, own);
        if (own) return '';
      }
      const wanted = wantedOf(slide.link, now?.run ?? null);
      slide.key = Object.values(wanted).join('|');
      if (now && isWanted(wanted, now.run)) mine.runs.set(slide.key, now);
      if (!mine.runs.has(slide.key)) mine.runs.set(slide.key, await page.open(await page.link.fetch(wanted, mine.ended.signal)));
      return '';
    } catch (error) {
      return sentenceOf(error);
    }
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
    keepMasks(kept.run.imageId, slide.masks ?? []);
    if (view() !== kept) page.showRun(kept);
    const { settings } = fit(slide.link, kept, store.get());
    const next = { ...store.get(), ...settings };
    const { added_panel: added } = next;
    const computed = added?.kind === 'explainer' && addedClasses(next, kept.run).every((classes) => page.answers.get(answerKey('explain', { method: added.method, name: added.name, classes }, kept.run)));
    const given = added?.kind === 'file' && fileOf(kept.run.imageId, added.id);
    const added_panel = added?.kind === 'attention' || computed || given ? added : null; // another explainer would need the server
    const { drawn } = shown.former.state;
    store.set({ ...settings, added_panel, drawn: slide.drawn ? withShapes({ ...store.get(), drawn }, kept.run, slide.drawn) : drawn });
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
    clearTimeout(fading);
    scaleLines(1);
    for (const role of ['present-head', 'present-foot']) at(role).hidden = true;
    for (const node of aside) node.inert = false;
    if (full && document.fullscreenElement) document.exitFullscreen();
    if (former.view) keepMasks(former.view.run.imageId, former.masks);
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
      if (at('present-keys').hidden) stop();
      else showKeys(false);
      return;
    }
    if (event.key === ' ' && event.target instanceof Element && event.target.closest('button')) return; // the button itself
    if (root.dataset.present !== 'on' || !shown.slides.length) return; // scenes are being prepared, or there are none
    const to = target(event.key, shown.index, shown.slides.length);
    const change = adjusted(event.key, store.get(), current(), page.answers);
    if (event.key === '?') showKeys(at('present-keys').hidden);
    else if (to !== null) go(to);
    else if (change) {
      store.set(change.changes);
      showValue(change.text);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {boolean} open */
  function showKeys(open) {
    const was = !at('present-keys').hidden;
    at('present-keys').hidden = !open;
    at('present-help').setAttribute('aria-expanded', open ? 'true' : 'false');
    if (open) at('present-keys-close').focus();
    else if (was) at('present-help').focus();
  }

  /** Show a value large for a moment.
   * @param {string} text
   */
  function showValue(text) {
    clearTimeout(fading);
    at('present-value').textContent = text;
    announce(text);
    fading = setTimeout(() => { at('present-value').textContent = ''; }, VALUE_MS);
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
}

/** The state from before the presentation, with what an image that has come meanwhile changes of it.
 * @param {{ view: Crt.View | null, state: Crt.State }} former
 * @param {Crt.View} next
 * @returns {Crt.State}
 */
export function stateWith({ view, state }, { run }) {
  const removed = state.classes.length ? { ...run, imageId: '' } : null; // the user's settings have stayed
  return { ...state, ...adopt(state, run, view?.run ?? removed) };
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
