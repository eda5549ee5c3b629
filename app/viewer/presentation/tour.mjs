// A tour of five steps through the method, on the image that is on the page and with its numbers.

import { overlap } from '../maths/iou.mjs';
import { upsample } from '../maths/resample.mjs';
import { gridSize } from '../explore/draw.mjs';
import { percent } from '../core/dom.mjs';
import { INITIAL, METHOD_TITLES, currentMap, pick, scoreRow } from '../core/store.mjs';
import { groundTruthOf } from '../ground_truth/ground_truth.mjs';

const LOOPS = 3; // the paper's

/** What the texts of the steps are made from.
 * @typedef {object} Facts
 * @property {Crt.Run} run
 * @property {string} names
 * @property {number} threshold
 * @property {number} loops
 * @property {number} usual
 * @property {(method: string, loops?: number) => number} p
 * @property {(method: string, own?: Partial<Crt.Settings>) => number | null} iou null without a mask
 * @property {string | null} [measured]
 */
/** @typedef {{ title: string, text: string, point: string, settings: Partial<Crt.Settings> }} Step */
/** @typedef {{ steps: Step[], panels: Record<string, boolean> }} Plan */

/** What the texts need to know of a run: names, tiles, similarities, and functions for p and IoU (null without a mask).
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @returns {Facts}
 */
export function facts(state, view) {
  const { run, prediction, image } = view;
  const truth = groundTruthOf(state, view);
  const size = gridSize(image.naturalWidth, image.naturalHeight);
  return {
    run,
    names: state.classes.map((index) => run.classes[index]).join(' + '),
    threshold: state.threshold,
    loops: Math.min(LOOPS, run.maxLoops),
    usual: Math.min(run.defaults.loops, run.maxLoops),
    p: (method, loops = 0) => Math.max(...state.classes.map((index) => scoreRow(run, method, loops)[index])),
    iou(method, own) {
      const mask = truth.complete ? truth.raster(...size) : null;
      if (!mask) return null;
      const shown = currentMap(state, prediction, method, { ...own, ...pick(run.defaults, ['blocks', 'pass_reduction']) });
      const upsampled = upsample(shown.map, shown.span, ...size);
      return overlap(upsampled.data, state.threshold * shown.max, mask, truth.ignore(...size));
    },
  };
}

/** The steps: [{ title, text, point, settings }]. `point`: the panel of a method, or a control. A step whose network the
 *  checkpoint lacks is left out.
 * @param {Facts} of
 * @returns {Step[]}
 */
export function stepsOf({ run, names, threshold, loops, usual, p, iou, measured = null }) {
  const over = measuredWords(measured, run.checkpoint);
  const cnn = ['resnet', 'crt_cnn'].find((method) => run.methods.includes(method));
  const whole = (/** @type {number | null} */ value) => `${Math.round(100 * (value ?? NaN))} %`;
  const level = `at the threshold of ${whole(threshold)}`;
  const [height, width] = run.input;
  const grid = run.grid;
  const steps = [
    cnn && {
      title: 'Image labels only', point: cnn, settings: {},
      text: `${METHOD_TITLES[cnn]}, a CNN, was trained from image labels alone, without masks or boxes. `
        + `Its map marks where it found evidence for ${names} (p ${percent(p(cnn))})${ifKnown(iou(cnn), (value) => `, and ${level} it overlaps the mask with an IoU of ${whole(value)}`)}.`,
    },
    run.methods.includes('tscam') && {
      title: 'The transformer', point: 'tscam', settings: { refined: true },
      text: 'TS-CAM is a transformer trained from the same labels; each patch attends to all others, and the map is multiplied by the attention of the class token. '
        + `It gives ${names} a probability of ${percent(p('tscam'))}${ifKnown(iou('tscam', { refined: true }), (value) => `, and ${level} its IoU is ${whole(value)}${cnn ? `, the CNN's ${whole(iou(cnn))}` : ''}`)}.`,
    },
    run.methods.includes('crt') && {
      title: 'Cut and merge', point: 'crt', settings: { refined: true },
      text: `${METHOD_TITLES.crt}'s transformer takes ${grid.tile} × ${grid.tile} pixels at a time, and ${pieces(run)}. `
        + `From the image's ${width} × ${height} pixels comes one map of ${grid.cells[1]} × ${grid.cells[0]} cells.`,
    },
    run.methods.includes('crt') && run.maxLoops > 0 && {
      title: 'The loop', point: 'loops', settings: { refined: false, loops },
      text: `CRT adds the encoder's output to its input and enters the same encoder again; the tokens' similarity from pass to pass is ${run.similarity.slice(1, loops + 1).map((value) => percent(Math.max(0, value))).join(', ')} here. `
        + `${over}, refined maps were best with two loops; without refinement, every loop from the second on helped at the usual threshold${ifKnown(iou('crt', { loops, refined: false }), (value) => `; on this image, without refinement, ${loops} loops take the IoU from ${whole(iou('crt', { loops: 0, refined: false }))} to ${whole(value)}`)}.`,
    },
    run.methods.includes('crt') && {
      title: 'Refinement', point: 'refined', settings: { refined: true, loops: usual },
      text: 'Refinement multiplies the class map by the attention of the class token, which is low on the background. '
        + `${over} it helped a lot at the usual threshold${ifKnown(iou('crt', { loops: usual, refined: true }), (value) => `; on this image it takes CRT's IoU from ${whole(iou('crt', { loops: usual, refined: false }))} to ${whole(value)}`)}.`,
    },
  ];
  return steps.flatMap((step) => step || []);
}

/** Of which networks the Results tab speaks, beside those on the page. `measured`: the sha256 of their weights, null if unknown.
 * @param {string | null} measured
 * @param {Crt.Checkpoint} checkpoint
 */
export function measuredWords(measured, checkpoint) {
  if (!measured) return 'Over the images we measured';
  const { name, sha256 } = checkpoint;
  return `Over the images of the Results tab, measured with ${measured === sha256 ? `this checkpoint, ${name}` : `other weights (${measured.slice(0, 8)}) than this checkpoint, ${name}`}`;
}

/** Steps, and the panels that stay open through them all.
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @param {string | null} measured
 * @returns {Plan}
 */
function plan(state, view, measured) {
  const steps = stepsOf({ ...facts(state, view), measured });
  return { steps, panels: Object.fromEntries(['crt', ...steps.map(({ point }) => point)].filter((name) => view.run.methods.includes(name)).map((name) => [name, true])) };
}

/**
 * @param {number | null} value
 * @param {(value: number) => string} describe
 */
const ifKnown = (value, describe) => (value === null ? '' : describe(value));

/** @param {Pick<Crt.Run, 'tiles' | 'mode'>} run */
function pieces({ tiles, mode }) {
  if (mode === 'bilinear' || mode === 'deconvolution') return 'in this mode it takes the whole image as one tile and upsamples its map';
  if (tiles === 1) return 'this image fits into one tile';
  const how = mode === 'overlap' ? 'that overlap by half; where they do, their maps are averaged' : 'side by side, whose maps are put together';
  return `this image was cut into ${tiles} tiles ${how}`;
}

/** @param {Crt.Page} page */
export function mountTour({ root, at, store, current, results, onRun, announce }) {
  const weights = results.sections.find((section) => section.weights_sha256)?.weights_sha256 ?? null;
  const card = at('tour');
  at('panels').before(card); // between the controls and the maps, so that it hides neither
  /** @type {Plan & { index: number, former: Crt.State } | null} */
  let tour = null; // { steps, index, former } while it runs
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
  onRun((next, before) => {
    at('tour-start').disabled = !next;
    if (!tour || next?.run.pending) return;
    if (!next) return end();
    queueMicrotask(() => { // when the new image's own class is chosen
      if (!tour) return;
      if (before?.run.imageId !== next.run.imageId) tour.former.classes = store.get().classes;
      Object.assign(tour, plan(tour.former, next, weights));
      show(Math.min(tour.index, tour.steps.length - 1));
    });
  });
  window.addEventListener('resize', () => tour && point(tour.steps[tour.index]));

  function begin() {
    if (tour) end();
    const former = store.get();
    tour = { ...plan(former, current(), weights), index: 0, former: { ...former } };
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
