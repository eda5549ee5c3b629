// The Ablate tab: other input sizes, modes and loop counts of the same image, side by side, as curves and as a ladder.

import { createGrid, isMade, modesPlan, sizeWords, sizesPlan } from './grids.mjs';
import { createLadder } from './ladder.mjs';
import { SIZES, wantedBy } from './plan.mjs';
import { MODES } from '../permalink/query.mjs';
import { countable, createMeasure, createPainter } from './thumbnails.mjs';
import { createAblationCharts, loopsWords } from './ablation_charts.mjs';
import { similarityReading } from './readings.mjs';
import { describeAblation } from './ablation_export.mjs';
import { createAblationJob, keyOf, subjectOf } from './ablation_job.mjs';
import { answerKey } from '../core/answers.mjs';
import { openPrediction } from '../core/prediction.mjs';
import { lineScale } from '../explore/draw.mjs';
import { isDropped, sentenceOf } from '../core/rpc.mjs';
import { NEEDS_APP } from '../core/words.mjs';
import { NO_GROUND_TRUTH, groundTruthOf } from '../ground_truth/ground_truth.mjs';

/** @typedef {'sizes' | 'modes' | 'curves' | 'ladder'} Part */
/** @type {Record<string, string>} */
const NOUNS = { sizes: 'sizes', modes: 'modes', curves: 'sizes', ladder: 'runs' };

/** Words of the button that runs what is missing.
 * @param {string} part
 * @param {number} missing
 * @param {number} total
 */
export function runWords(part, missing, total) {
  if (!missing) return part === 'ladder' ? 'The ladder is complete' : `All ${total} ${NOUNS[part]} are here`;
  if (part === 'ladder') return missing < total ? 'Run the rest of the ladder' : 'Run the ladder';
  if (missing === total) return `Run ${total} ${NOUNS[part]}`;
  return `Run the ${missing} missing ${missing === 1 ? NOUNS[part].slice(0, -1) : NOUNS[part]}`;
}

/** The method whose maps fill the grids: CRT, or what comes nearest to it.
 * @param {Crt.Run} run
 * @param {Crt.Prediction} prediction
 */
export function gridMethod(run, prediction) {
  return ['crt', 'tscam'].find((method) => run.methods.includes(method) && prediction.isTransformer(method)) ?? run.methods[0];
}

/** @param {Crt.Page} page */
export function mountAblation(page) {
  const { root, at, store, current, request, onDraw, onRun, announce } = page;
  const measure = createMeasure();
  const job = createAblationJob(load, () => store.set({}));
  const parts = ['sizes', 'modes', 'curves', 'ladder'];
  const grids = {
    sizes: createGrid(at('ablate-sizes-grid'), at('ablate-sizes-reading'), pick),
    modes: createGrid(at('ablate-modes-grid'), at('ablate-modes-reading'), pick),
  };
  const plots = createAblationCharts(at('ablate-curves'), (threshold) => store.set({ threshold }));
  const ladder = createLadder(at('ablate-rungs'), at('ablate-ladder-reading'), pick);
  /** @type {ReturnType<typeof createPainter> | null} */
  let painter = null; // of small maps over the image
  let drawn = '';
  let round = 'sizes'; // the part of the tab whose runs were requested last
  let wasRunning = false; // whether they were at work when the page was drawn last
  let leaving = new AbortController(); // of the requests about this image and checkpoint

  for (const part of parts) at(`ablate-show-${part}`).addEventListener('click', () => store.set({ ablate: { ...store.get().ablate, show: part } }));
  at('ablate-run').addEventListener('click', () => {
    if (at('ablate-run').ariaDisabled === 'true') return;
    round = store.get().ablate.show;
    job.start(questions(round));
  });
  at('ablate-cancel').addEventListener('click', () => {
    job.stop();
    at('ablate-run').focus();
  });
  onRun((now, before) => {
    drawn = '';
    if (before && (!now || subjectOf(before.run) !== subjectOf(now.run))) {
      leaving.abort();
      leaving = new AbortController();
      job.clear();
    }
    if (now) painter = createPainter(now.image);
  });
  onDraw(draw);

  /** Take the columns that were run before, or that a scene brings.
   * @param {Crt.Run} run
   */
  function restore(run) {
    const wanted = new Map(parts.flatMap((part) => wantedBy(part, run.chosen)).map((one) => [keyOf(subjectOf(run), one), one]));
    for (const [key, { size, mode }] of wanted) {
      const { prediction, cannot } = job.get(key) ?? {};
      const got = prediction || cannot ? null : page.answers.get(answerKey('ablate', { size, mode }, run));
      if (got) job.take(key, columnIn(key, got));
    }
  }

  /** Request a column, which also counts when the size or mode on the page has changed meanwhile.
   * @param {import('./ablation_job.mjs').Wanted} wanted
   */
  async function load({ key, size, mode }) {
    /** @type {import('./ablation_job.mjs').Column} */
    let column;
    try {
      column = columnIn(key, await request('ablate', { size, mode }, { acrossRuns: true, signal: leaving.signal }));
    } catch (error) {
      if (isDropped(error)) return;
      column = { error: sentenceOf(error) };
    }
    job.take(key, column);
  }

  /** What an answer of the server holds, opened.
   * @param {string} key
   * @param {Crt.Answer} got
   * @returns {import('./ablation_job.mjs').Column}
   */
  function columnIn(key, got) {
    if (got.cannot) return { cannot: got.cannot };
    if (keyOf(`${got.image}.${got.checkpoint}`, got) !== key) return { error: 'The image or the checkpoint has changed meanwhile: run it again.' };
    return { run: { ...got, bytes: null }, prediction: openPrediction(got, got.bytes) };
  }

  page.exports.ablate = ({ ablate: { show } }) => {
    if (show === 'curves') return describeAblation(show, { charts: plots.shown() });
    const { rows, reading } = show === 'ladder' ? ladder.shown() : (show === 'modes' ? grids.modes : grids.sizes).shown();
    return describeAblation(show, { rows, readings: [at('ablate-answer').textContent, reading] });
  };

  /** @param {string} part */
  function questions(part) {
    const { run } = current();
    return wantedBy(part, run.chosen).map((one) => ({ ...one, key: keyOf(subjectOf(run), one) }));
  }

  /** Put a cell's settings into Explore: loops and refinement at once, size and mode through the fields beside it.
   * @param {Crt.SizeMode} at
   * @param {Crt.CellSettings} own
   * @param {string} method
   */
  function pick({ size, mode }, { loops, refined }, method) {
    const { visible, loops: set } = store.get();
    const { chosen } = current().run;
    store.set({ loops: method === 'crt' ? loops : set, refined, tab: 'explore', visible: { ...visible, [method]: true } });
    if (size !== chosen.size || mode !== chosen.mode) root.dispatchEvent(new CustomEvent('crt-settings', { detail: { size, mode } }));
  }

  /**
   * @param {Crt.State} state
   * @param {Crt.View} now
   */
  function draw(state, now) {
    showProgress(state);
    if (state.tab !== 'ablate') return;
    const { run, prediction, image } = now;
    restore(run);
    const found = state.ground_truth ? groundTruthOf(state, now) : NO_GROUND_TRUTH;
    const truth = countable(found, image);
    const { classes, loops, refined, blocks, pass_reduction, threshold, outline, overlay, opacity, cells, colormap, scale, absolute, visible, ablate } = state;
    const key = JSON.stringify([run.run, job.version(), classes, loops, refined, blocks, pass_reduction, threshold, outline, overlay, opacity, cells, colormap, scale, absolute, visible, ablate, found.polygons, lineScale()]);
    if (key === drawn) return;
    drawn = key;
    painter ??= createPainter(image);
    painter.under(found.polygons);
    const scene = sceneOf(state, now, truth, painter);
    for (const part of parts) {
      at(`ablate-show-${part}`).setAttribute('aria-pressed', part === ablate.show ? 'true' : 'false');
      at(`ablate-${part}`).hidden = part !== ablate.show;
    }
    at('ablate-answer').textContent = answer(scene);
    at('ablate-answer').hidden = ablate.show === 'curves'; // where it stands over its curve
    if (ablate.show === 'sizes') grids.sizes.draw(sizesPlan({ sizes: SIZES, run, state, loops: prediction.maxLoops(scene.method) }), scene);
    if (ablate.show === 'modes') grids.modes.draw(modesPlan({ modes: MODES, run, state }), scene);
    if (ablate.show === 'curves') plots.draw(scene);
    if (ablate.show === 'ladder') ladder.draw(scene);
  }

  /** All that the parts of the tab draw from.
   * @param {Crt.State} state
   * @param {Crt.View} view
   * @param {Crt.RasterTruth | null} truth
   * @param {ReturnType<typeof createPainter>} small
   * @returns {Crt.AblationScene}
   */
  function sceneOf(state, { run, prediction }, truth, small) {
    const subject = subjectOf(run);
    const here = { key: keyOf(subject, run.chosen), run, prediction };
    const columnOf = (/** @type {Crt.SizeMode} */ one) => {
      const key = keyOf(subject, one);
      const column = job.get(key);
      if (column?.prediction) return { ...column, key };
      return key === here.key ? here : { ...column, key, waits: job.waits(key) };
    };
    const sizes = SIZES.includes(run.chosen.size) ? SIZES : [...SIZES, run.chosen.size];
    const rows = sizes.map((size) => columnOf({ size, mode: run.chosen.mode })).filter(isMade).map((column) => ({
      ...column, label: sizeWords(column.key.split('/').slice(-2)[0]), size: Math.max(...column.run.input), tiles: column.run.tiles, passes: column.run.passes,
      similarity: column.run.similarity, timings: column.run.stored ? null : column.run.timings, ...column.run.distance,
    })).sort((a, b) => a.size - b.size);
    return {
      state, run, truth, rows, here, columnOf,
      paint: small.paint,
      method: gridMethod(run, prediction),
      measure: (column, method, own) => measure(state, column, method, own, truth),
      noTruth: state.ground_truth ? 'This image has no mask of every class chosen, so there is no IoU: draw one or load one.' : '"Mask outline and IoU" is switched off, so there is no IoU.',
    };
  }

  /** The question that the tab is opened for, answered from what is on the page already.
   * @param {Crt.AblationScene} scene
   */
  function answer(scene) {
    const { state, run, truth, here, method } = scene;
    if (!truth) return `${similarityReading(run.similarity, false)}`;
    const counts = Array.from({ length: here.prediction.maxLoops(method) + 1 }, (_, loops) => loops);
    return loopsWords({ refined: state.refined, curves: counts.flatMap((loops) => scene.measure(here, method, { loops }).curve ?? []) }, state, method);
  }

  /** @param {Crt.State} state */
  function showProgress(state) {
    const { running, done, total } = job.progress();
    const { show } = state.ablate;
    const wanted = questions(show);
    const missing = job.missing(wanted);
    const failed = wanted.filter(({ key }) => job.get(key)?.error).length;
    at('ablate-run').textContent = runWords(show, missing.length, wanted.length);
    at('ablate-run').ariaDisabled = page.saved || running || !missing.length ? 'true' : 'false';
    at('ablate-run').title = page.saved ? NEEDS_APP : '';
    if (!running && document.activeElement === at('ablate-cancel')) at('ablate-run').focus();
    at('ablate-cancel').hidden = at('ablate-progress').hidden = !running;
    at('ablate-progress').value = total ? done / total : 0;
    const stopped = done < total && missing.length ? `Stopped at ${done} of ${total} ${NOUNS[round]}.` : '';
    const text = running ? `${done} of ${total} ${NOUNS[round]}` : failed ? `${failed} of ${wanted.length} ${NOUNS[show]} failed: run again to try once more.` : stopped;
    if (at('ablate-status').textContent !== text) at('ablate-status').textContent = text;
    if (wasRunning && !running && done === total) announce(`${NOUNS[round][0].toUpperCase()}${NOUNS[round].slice(1)}: ${done} of ${total} are here.`);
    wasRunning = running;
  }
}
