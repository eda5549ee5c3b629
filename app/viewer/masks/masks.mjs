// The Masks tab: from the maps of the chosen classes to masks, at the threshold, through the dense CRF and by the random
// walk; and what the segmentation network makes of the image.

import { colorize } from '../maths/color_scale.mjs';
import { upsample } from '../maths/resample.mjs';
import { colorTable } from '../maths/colormaps.mjs';
import { contextOf, gridSize, toCanvas } from '../explore/draw.mjs';
import { labelMap } from '../maths/labels.mjs';
import { LABEL_COLORS } from '../core/constants.mjs';
import { createMaskColors } from './mask_colors.mjs';
import { createMask, openLabels, openWalk } from './mask_requests.mjs';
import { cellText, createFigures, iouText, measureLabel, paintMask, prepareFigure, swatchOf } from './mask_views.mjs';
import { describeMasks, sourceMethod } from './mask_export.mjs';
import { byChosen, groundTruthLabels, randomWalkLabels, seen, shownClasses } from './mask_labels.mjs';
import { KNOBS, WALK_KNOBS, maskDetails, presetOf, presetValues, walkDetails } from './mask_settings.mjs';
import { answerKey } from '../core/answers.mjs';
import { make } from '../core/dom.mjs';
import { setRange } from '../core/settings.mjs';
import { loopWords } from '../core/words.mjs';
import { METHOD_TITLES, currentMap } from '../core/store.mjs';
import { groundTruthOf } from '../ground_truth/ground_truth.mjs';

const SWITCHES = /** @type {const} */ (['crf', 'walk', 'deeplab', 'contours', 'boxes']);
const CAPTIONS = {
  'mask-seed': 'Seed at the threshold',
  'mask-refined': 'After the dense CRF',
  'mask-random-walk': 'After the random walk',
  'mask-segmentation': 'The segmentation network',
  'mask-ground-truth': 'Ground truth',
  'mask-edges': 'Predicted boundaries',
};

/** The masks that can be saved, by their figure. */
/** @type {Record<string, string>} */
const TILES = { 'mask-seed': 'seed', 'mask-refined': 'crf', 'mask-random-walk': 'walk', 'mask-segmentation': 'deeplab', 'mask-ground-truth': 'ground_truth' };

/** @typedef {import('./mask_requests.mjs').Labels} Labels */
/** @typedef {import('./mask_requests.mjs').Walk} Walk */
/** @template T @typedef {import('./mask_requests.mjs').MaskState<T>} MaskState */
/** @typedef {import('./mask_labels.mjs').LabelMap} LabelMap */
/** @typedef {{ current: boolean, failure?: string }} Asked */

/** @param {Crt.Page} page */
export function mountMasks(page) {
  const { at, store, request, onDraw, onRun } = page;
  const set = (/** @type {Partial<Crt.State['mask']>} */ changes) => store.set({ mask: { ...store.get().mask, ...changes } });
  const figures = createFigures(at('mask-views'), CAPTIONS, TILES, (tile) => page.exportFile('mask', { tile }));
  const maskColors = createMaskColors();
  const colorsOf = (/** @type {Crt.State} */ state, /** @type {Crt.View} */ view) => maskColors(state, view, shownClasses(state.classes, made.deeplab.state()?.newest ?? null));
  page.exports.masks = (state, view) => describeMasks(state, view, colorsOf(state, view));
  const redraw = () => store.set({});
  const made = {
    segment: createMask('segment', openLabels, request, redraw), walk: createMask('walk', openWalk, request, redraw), deeplab: createMask('deeplab', openLabels, request, redraw),
  };
  /** @type {Record<keyof typeof made, string>} */
  const notes = { segment: 'mask-note', walk: 'walk-note', deeplab: 'deeplab-note' };
  const events = /** @type {(keyof typeof made)[]} */ (Object.keys(made));
  const retries = Object.fromEntries(events.map((event) => {
    const button = make('button', { type: 'button', class: 'plain', text: 'Try again', hidden: true, on: { click: () => made[event].retry() } });
    at(notes[event]).after(button);
    return [event, button];
  }));

  at('mask-method').addEventListener('change', (/** @type {Crt.InputEvent} */ event) => set({ method: event.target.value }));
  setRange(at('mask-threshold'), 'threshold');
  at('mask-threshold').addEventListener('input', (/** @type {Crt.InputEvent} */ event) => store.set({ threshold: Number(event.target.value) }));
  at('mask-preset').addEventListener('change', (/** @type {Crt.InputEvent} */ event) => event.target.value !== 'own' && set(presetValues(event.target.value)));
  for (const name of SWITCHES) {
    at(`mask-${name}`).addEventListener('change', (/** @type {Crt.InputEvent} */ event) => set({ [name]: event.target.checked }));
  }
  const addSlider = (/** @type {string} */ host) => (/** @type {readonly [string, string, number, number, number, ...unknown[]]} */ [name, title, min, max, step]) => {
    const input = make('input', {
      type: 'range', id: `crt-mask-${name}`, min, max, step, on: { input: (/** @type {Crt.InputEvent} */ event) => set({ [name]: Number(event.target.value) }) },
    });
    const output = make('output', { for: input.id });
    at(host).append(make('div', { class: 'field' }, [make('label', { for: input.id, text: title }), output, input]));
    return { name, input, output };
  };
  const knobs = KNOBS.map(addSlider('mask-sliders'));
  const walkKnobs = WALK_KNOBS.map(addSlider('walk-sliders'));

  onRun((view) => {
    for (const mask of Object.values(made)) mask.clear();
    if (!view) return;
    const { run } = view;
    at('mask-method').replaceChildren(...run.methods.map((method) => make('option', { value: method, text: METHOD_TITLES[method] })));
    const { relation, segmentation } = run.checkpoint;
    at('mask-walk-box').hidden = !relation;
    at('mask-deeplab-box').hidden = !segmentation;
    at('mask-missing').textContent = missing(relation, segmentation);
  });
  onDraw((state, view) => {
    if (state.tab !== 'masks') return;
    const { run } = view;
    const own = ownState(state, run);
    made.segment.want(own.mask.crf ? maskDetails(own) : null);
    made.walk.want(run.checkpoint.relation && own.mask.walk ? walkDetails(own) : null);
    made.deeplab.want(run.checkpoint.segmentation && own.mask.deeplab ? {} : null);
  });
  onDraw((state, view) => {
    if (state.tab !== 'masks') return;
    const own = ownState(state, view.run);
    show(own);
    draw(own, view, own.mask.method, { segment: made.segment.state(), walk: made.walk.state(), deeplab: made.deeplab.state() });
  });

  /** The state with a method that the run has; in a file of its own with those masks that the file has.
   * @param {Crt.State} state
   * @param {Crt.Run} run
   * @returns {Crt.State}
   */
  function ownState(state, run) {
    const own = { ...state, mask: { ...state.mask, method: sourceMethod(state, run) } };
    if (!page.saved) return own;
    const known = (/** @type {string} */ event, /** @type {object} */ details) => Boolean(page.answers.get(answerKey(event, details, run))); // the server makes all others
    const { crf, walk, deeplab } = own.mask;
    return { ...own, mask: { ...own.mask, crf: crf && known('segment', maskDetails(own)), walk: walk && known('walk', walkDetails(own)), deeplab: deeplab && known('deeplab', {}) } };
  }

  /** @param {Crt.State} state */
  function show({ mask, threshold }) {
    at('mask-method').value = mask.method;
    at('mask-threshold').value = threshold;
    at('mask-threshold-value').textContent = `${Math.round(100 * threshold)} % of max`;
    for (const name of SWITCHES) at(`mask-${name}`).checked = mask[name];
    at('mask-preset').value = presetOf(mask);
    at('mask-preset').disabled = !mask.crf;
    for (const { name, input, output } of [...knobs, ...walkKnobs]) {
      const value = /** @type {Record<string, any>} */ (mask)[name];
      input.value = value;
      input.disabled = !(name.startsWith('walk') ? mask.walk : mask.crf);
      output.textContent = (WALK_KNOBS.find((knob) => knob[0] === name)?.[5] ?? String)(value);
    }
  }

  /**
   * @param {Crt.State} state
   * @param {Crt.View} view
   * @param {string} method
   * @param {{ segment: MaskState<Labels> | null, walk: MaskState<Walk> | null, deeplab: MaskState<Labels> | null }} states
   */
  function draw(state, view, method, { segment, walk, deeplab }) {
    const { run, prediction, image } = view;
    const maps = state.classes.map((index) => currentMap({ ...state, classes: [index] }, prediction, method));
    const grid = gridSize(image.naturalWidth, image.naturalHeight);
    const [h, w] = grid;
    const { loops, refined } = maps[0];
    at('mask-settings').textContent = [method === 'crt' ? loopWords(loops) : '', refined ? 'refined' : 'not refined']
      .filter((text) => text && (prediction.isTransformer(method) || text !== 'not refined')).join(', ');
    const colored = colorsOf(state, view);
    const colorOf = (/** @type {number} */ index) => LABEL_COLORS[colored.get(index) ?? 0];
    /** @type {Crt.RGB[]} */
    const colors = [[0, 0, 0], ...state.classes.map(colorOf)];
    const names = ['background', ...state.classes.map((index) => run.classes[index])];
    const chosen = names.slice(1).join(', ');
    const seed = { labels: labelMap(maps.map(({ map, contentSize }) => upsample(map, contentSize, h, w)), state.threshold), h, w };

    /** @type {{ colors: Crt.RGB[], names: string[] }} */
    const all = { colors: [[0, 0, 0], ...run.classes.map((_, index) => colorOf(index))], names: ['background', ...run.classes] };
    const propagated = walk?.newest?.maps?.length === state.classes.length ? randomWalkLabels(walk.newest, state.mask.walkThreshold, grid) : null;
    const parsed = deeplab?.newest?.labels ? deeplab.newest : null;
    const truths = state.classes.map((index) => groundTruthOf({ ...state, classes: [index] }, view));
    /** Draw one figure. Gives the mask only if it is the one wanted.
     * @param {string} role
     * @param {LabelMap | null} mask
     * @param {Asked | null} asked
     * @param {string} label
     */
    const put = (role, mask, asked, label, palette = { colors, names }) => {
      const { canvas } = figures[role];
      prepareFigure(figures[role], image, Boolean(mask), asked);
      if (!asked) return null;
      if (mask) paintMask(canvas, image, mask, palette.colors, palette.names, state.mask);
      canvas.setAttribute('aria-label', mask ? label : `${label}: ${asked.failure || 'computing…'}`);
      return asked.current ? mask : null;
    };
    /** @type {[string, string, Asked | null, LabelMap | null][]} */
    const columns = [
      ['Seed', 'mask-seed', { current: true }, put('mask-seed', seed, { current: true }, `Seed of ${chosen}`)],
      ['CRF', 'mask-refined', segment, put('mask-refined', segment?.newest?.labels ? segment.newest : null, segment, `Mask of ${chosen} after the dense CRF`)],
      ['Walk', 'mask-random-walk', walk, put('mask-random-walk', propagated, walk, `Mask of ${chosen} after the random walk`)],
      ['DeepLab', 'mask-segmentation', deeplab, byChosen(put('mask-segmentation', parsed, deeplab, 'Segmentation network', all), state.classes)],
    ];
    const measured = columns.flatMap(([title, role, asked, mask]) => {
      if (!asked) return [];
      const found = mask && truths.map((truth, k) => measureLabel(mask, k + 1, truth));
      figures[role].status.textContent = found ? iouText(names.slice(1), found) : asked.failure ? '' : 'Computing…';
      return [{ title, found }];
    });
    const others = parsed && deeplab ? shownClasses(state.classes, parsed).slice(state.classes.length) : [];
    figures['mask-segmentation'].legend.replaceChildren(...others.map((index) => make('span', {}, [swatchOf(colorOf(index)), make('span', { text: run.classes[index] })])));
    drawEdges(walk, state, image);
    const cost = (/** @type {Labels | Walk} */ got) => `${Math.round(got.ms)} ms at ${got.w} × ${got.h} px`;
    at(notes.segment).textContent = note(segment, cost);
    at(notes.walk).textContent = note(walk, cost);
    at(notes.deeplab).textContent = note(deeplab, (got) => `${seen(got, run.classes)}; ${cost(got)}`);
    for (const [event, asked] of Object.entries({ segment, walk, deeplab })) retries[event].hidden = !asked?.failure || !asked.passes;

    const known = truths.some((truth) => truth.complete);
    const { figure, canvas } = figures['mask-ground-truth'];
    figure.hidden = !known;
    if (known) paintMask(canvas, image, { labels: groundTruthLabels(truths, h, w), h, w }, colors, names, state.mask);
    canvas.setAttribute('aria-label', `Ground truth of ${chosen}`);

    at('mask-heads').replaceChildren(...['Label', ...measured.map(({ title }) => title)].map((text) => make('th', { scope: 'col', text })));
    at('mask-rows').replaceChildren(...names.slice(1).map((name, k) => {
      const cells = measured.map(({ found }) => make('td', { text: cellText(found && found[k]) }));
      return make('tr', {}, [make('th', { scope: 'row' }, [swatchOf(colors[k + 1]), make('span', { text: name })]), ...cells]);
    }));
  }

  /**
   * @param {MaskState<Walk> | null} walk
   * @param {Crt.State} state
   * @param {HTMLImageElement} image
   */
  function drawEdges(walk, state, image) {
    const { canvas, status } = figures['mask-edges'];
    const edge = walk?.newest?.edge;
    prepareFigure(figures['mask-edges'], image, Boolean(edge), walk);
    status.textContent = !walk || walk.current || walk.failure ? '' : 'Computing…';
    canvas.setAttribute('aria-label', walk?.failure ? `Predicted boundaries: ${walk.failure}` : 'Predicted boundaries: computing…');
    if (!edge) return;
    [canvas.height, canvas.width] = edge.shape.slice(-2);
    contextOf(canvas).drawImage(toCanvas(colorize(edge.data, 1, colorTable(state.colormap)), canvas.width, canvas.height), 0, 0);
    canvas.setAttribute('aria-label', 'Predicted boundaries, from 0 to 1');
  }
}

/** The line below a figure.
 * @template T
 * @param {MaskState<T> | null} asked
 * @param {(mask: T) => string} describe
 */
function note(asked, describe) {
  if (!asked) return '';
  return asked.failure || (asked.current && asked.newest ? describe(asked.newest) : 'Computing…');
}

/** What this checkpoint does not have.
 * @param {number | null | undefined} relation
 * @param {boolean | undefined} segmentation
 */
export function missing(relation, segmentation) {
  if (!relation && !segmentation) return 'This checkpoint has no IRN and no segmentation network, so there is no random walk and no segmentation to show.';
  if (!relation) return 'This checkpoint has no IRN, so there is no random walk to show.';
  return segmentation ? '' : 'This checkpoint has no segmentation network, so there is no segmentation to show.';
}
