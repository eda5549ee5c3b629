// A tour of five steps through the method, on the image that is on the page and with its numbers.

import { INITIAL, METHOD_TITLES, adopt, pick } from '../core/store.mjs';
import { facts, measuredOf, stepsOf } from './tour_steps.mjs';

/** @typedef {import('./tour_steps.mjs').Step} Step */
/** @typedef {{ steps: Step[], panels: Record<string, boolean> }} Plan */

/** Steps, and the panels that stay open through them all.
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @param {Crt.Results} results
 * @returns {Plan}
 */
function plan(state, view, results) {
  const steps = stepsOf({ ...facts(state, view), measured: measuredOf(results, view.run) });
  return { steps, panels: Object.fromEntries(['crt', ...steps.map(({ point }) => point)].filter((name) => view.run.methods.includes(name)).map((name) => [name, true])) };
}

/** @param {Crt.Page} page */
export function mountTour({ root, at, store, current, results, onRun, announce }) {
  const card = at('tour');
  at('panels').before(card); // between the controls and the maps, so that it hides neither
  /** @type {Plan & { index: number, former: Crt.State, run: Crt.Run } | null} */
  let tour = null; // { steps, index, former, run } while it runs: `run` is what its texts are about
  at('tour-start').addEventListener('click', () => begin());
  at('tour-back').addEventListener('click', () => step(-1));
  at('tour-next').addEventListener('click', () => (isLast() ? end() : step(1)));
  at('tour-end').addEventListener('click', end);
  card.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    if (event.key === 'Escape') end();
    else if (event.key === 'ArrowLeft' && tour && tour.index > 0) step(-1);
    else if (event.key === 'ArrowRight' && !isLast()) step(1);
    else return;
    event.preventDefault();
  });
  onRun((next) => {
    at('tour-start').disabled = !next;
    if (!tour || next?.run.pending) return;
    if (!next) return end();
    queueMicrotask(() => { // when the new image's own class is chosen
      if (!tour) return;
      const changes = adopt(tour.former, next.run, tour.run);
      Object.assign(tour.former, changes, changes.classes && pick(store.get(), ['classes']));
      Object.assign(tour, plan(tour.former, next, results), { run: next.run });
      show(Math.min(tour.index, tour.steps.length - 1));
    });
  });
  window.addEventListener('resize', () => tour && point(tour.steps[tour.index]));

  function begin() {
    if (tour) end();
    const former = store.get();
    tour = { ...plan(former, current(), results), index: 0, former: { ...former }, run: current().run };
    card.hidden = false;
    show(0);
  }

  /** Whether the last step is shown. */
  function isLast() {
    return tour !== null && tour.index === tour.steps.length - 1;
  }

  /** @param {number} by steps from the one that is shown */
  function step(by) {
    if (tour) show(tour.index + by);
  }

  /** @param {number} index */
  function show(index) {
    if (!tour) return;
    const { steps, former } = tour;
    const shown = steps[index];
    tour.index = index;
    const { blocks, pass_reduction } = current().run.defaults;
    store.set({
      tab: 'explore', ...pick(INITIAL, ['zoom', 'added_panel', 'compare']), blocks, pass_reduction, loops: former.loops, refined: former.refined,
      visible: { ...former.visible, ...tour.panels }, ...shown.settings,
    });
    at('tour-count').textContent = `Step ${index + 1} of ${steps.length} · checkpoint ${current().run.checkpoint.name}`;
    at('tour-title').textContent = shown.title;
    at('tour-text').textContent = shown.text.replaceAll(' %', '\u00a0%');
    at('tour-back').disabled = index === 0;
    at('tour-next').textContent = index === steps.length - 1 ? 'Done' : 'Next';
    place(shown);
    at('tour-title').focus({ preventScroll: true });
    requestAnimationFrame(() => requestAnimationFrame(() => tour && point(shown))); // when the panels are drawn
  }

  const inspector = () => /** @type {HTMLElement} */ (root.querySelector('.inspector'));

  /** Whether the controls are below the panels, as where the page is narrow. */
  const isStacked = () => inspector().getBoundingClientRect().top >= at('panels').getBoundingClientRect().bottom;

  /** The card directly before what it points at: the panels, or the controls where they are below these.
   * @param {Step} step
   */
  function place({ point: name }) {
    const home = name in METHOD_TITLES || !isStacked() ? at('panels') : inspector();
    if (card.nextElementSibling !== home) home.before(card);
  }

  /** @param {Step} target */
  function point(target) {
    place(target);
    const panel = root.querySelector(`.panel.${target.point}`);
    const node = panel ?? at(target.point).closest('label, .field');
    for (const other of root.querySelectorAll('.tour-target')) if (other !== node) other.classList.remove('tour-target');
    node.classList.add('tour-target');
    const beside = !panel && !isStacked();
    const seen = panel ?? (beside ? at('panels') : at('loops').closest('.toolbar'));
    card.dataset.side = beside ? 'beside' : 'below';
    seen.style.scrollMarginTop = `${card.offsetHeight + 16}px`;
    seen.scrollIntoView({ block: 'start', inline: 'center' });
    if (beside) node.scrollIntoView({ block: 'nearest' });
    const [mine, its] = [card.getBoundingClientRect(), node.getBoundingClientRect()];
    const middle = its.left + Math.min(its.width, 160) / 2 - mine.left;
    card.style.setProperty('--arrow', `${Math.min(mine.width - 28, Math.max(16, middle))}px`);
  }

  function end() {
    if (!tour) return;
    const { former } = tour;
    tour = null;
    card.hidden = true;
    for (const node of root.querySelectorAll('.tour-target')) node.classList.remove('tour-target');
    store.set(former);
    at('tour-start').focus();
    announce('The tour has ended.');
  }
}
