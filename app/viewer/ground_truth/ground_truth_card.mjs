// The card 'Ground truth': where the truth of the chosen classes comes from, and a mask PNG that the user gives. The file
// is read in this page; the file itself is not sent.

import { loaded } from '../core/later.mjs';
import { RequestError } from '../core/rpc.mjs';
import { BadPng } from './bad_png.mjs';
import { dropFile, hasFile, keepFile, keepSoftFile, moveCutoff, shapesOf, groundTruthOf, withShapes } from './ground_truth.mjs';
import { percent } from '../core/dom.mjs';

const loadReader = () => import('./mask_png.mjs');
const MASK_MAX_BYTES = 64e6;
const DEFAULT_CUTOFF = 0.5; // of soft edges
/** @type {Record<string, string>} */
const SOURCES = { example: 'the mask of this image', file: 'your PNG', drawn: 'drawn by you' };

/** Where the truth of each chosen class comes from, in words. `cutoffs`: of the files with soft edges, by class.
 * @param {string[]} names
 * @param {(string | null)[]} sources
 * @param {Record<string, number>} [cutoffs]
 */
export function sourceWords(names, sources, cutoffs = {}) {
  const cut = (/** @type {string} */ name) => (Object.hasOwn(cutoffs, name) ? `, cut off at ${percent(cutoffs[name])}` : '');
  const known = names.map((name, i) => `${name}: ${SOURCES[sources[i] ?? ''] ?? 'none yet'}${cut(name)}`);
  return known.join(' · ');
}

/** @param {Crt.Page} page */
export function mountGroundTruthCard(page) {
  const { at, store, view, current, onDraw, onRun } = page;
  const note = (/** @type {string} */ text) => { at('ground-truth-note').textContent = text; };

  at('ground-truth-file').addEventListener('change', (/** @type {Crt.InputEvent} */ event) => {
    take(event.target.files?.[0]);
    event.target.value = ''; // so that the same file can be given again
  });
  page.takeMask = take;
  for (const role of ['ground-truth-card', 'panels']) {
    const box = at(role);
    const files = (/** @type {DragEvent} */ event) => [...(event.dataTransfer?.types ?? [])].includes('Files');
    const over = (/** @type {DragEvent} */ event, /** @type {boolean} */ here) => {
      if (!files(event)) return;
      event.preventDefault();
      box.dataset.over = here ? 'yes' : 'no';
    };
    box.addEventListener('dragover', (/** @type {DragEvent} */ event) => over(event, true));
    box.addEventListener('dragleave', (/** @type {DragEvent} */ event) => over(event, false));
    box.addEventListener('drop', (/** @type {DragEvent} */ event) => {
      over(event, false);
      if (files(event)) take(event.dataTransfer?.files[0]);
    });
  }
  at('ground-truth-clear').addEventListener('click', () => {
    const state = store.get();
    const { run } = current();
    const labels = state.classes.map((index) => run.classes[index]);
    dropFile(run.imageId, labels);
    note('');
    store.set({ drawn: withShapes(state, run, shapesOf(state, run).filter((shape) => !labels.includes(shape.label))) });
  });
  onRun((next, before) => next?.run.imageId !== before?.run.imageId && note(''));
  onDraw((state, now) => {
    const { run } = now;
    const names = state.classes.map((index) => run.classes[index]);
    const sources = state.classes.map((index) => groundTruthOf({ ...state, classes: [index] }, now).source);
    const { cutoffs } = groundTruthOf(state, now);
    at('ground-truth-source').textContent = sourceWords(names, sources, cutoffs);
    showCutoff(cutoffs);
    at('ground-truth-clear').hidden = !shapesOf(state, run).some((shape) => names.includes(shape.label)) && !hasFile(run.imageId, names);
  });

  at('cutoff').addEventListener('input', (/** @type {Crt.InputEvent} */ { target }) => {
    const now = current();
    for (const label of Object.keys(groundTruthOf(store.get(), now).cutoffs)) moveCutoff(now.run.imageId, label, Number(target.value));
    store.set({}); // the outline follows
  });

  /** @param {Record<string, number>} cutoffs */
  function showCutoff(cutoffs) {
    const [cutoff] = Object.values(cutoffs);
    at('cutoff-field').hidden = cutoff === undefined;
    if (cutoff === undefined) return;
    at('cutoff').value = String(cutoff);
    at('cutoff-value').textContent = percent(cutoff);
  }

  /** @type {Crt.Page['takeMask']} */
  async function take(file) {
    const now = view();
    if (!file || !now) return null;
    let labels = /** @type {string[]} */ ([]);
    const undo = () => {
      dropFile(run.imageId, labels);
      note('');
    };
    const { run } = now;
    const { classes } = store.get();
    note(`${file.name} is being read …`);
    try {
      if (file.size > MASK_MAX_BYTES) throw new BadPng(`This file has ${Math.round(file.size / 1e6)} MB: give a mask of at most ${MASK_MAX_BYTES / 1e6} MB.`);
      const bytes = new Uint8Array(await file.arrayBuffer());
      const { readMask } = await loaded(loadReader);
      const mask = await readMask(bytes, { classes: run.classes, chosen: run.classes[classes[classes.length - 1]], source: run.source });
      if (mask.soft) keepSoftFile(run.imageId, mask, Object.keys(mask.values)[0], DEFAULT_CUTOFF);
      else keepFile(run.imageId, mask, mask.values);
      labels = Object.keys(mask.values);
      const text = [`${file.name} was read.`, ...mask.messages].join(' ');
      note(text);
      const state = store.get();
      const shapes = shapesOf(state, run).filter((shape) => !Object.hasOwn(mask.values, shape.label));
      store.set({ drawn: withShapes(state, run, shapes), ground_truth: true });
      return mask.soft ? { text, undo } : null;
    } catch (error) {
      if (!(error instanceof BadPng || error instanceof DOMException || error instanceof RequestError)) throw error;
      const text = error instanceof BadPng || error instanceof RequestError ? error.message : 'This file could not be read: choose it again.';
      note(text);
      return { text, undo };
    }
  }
}
