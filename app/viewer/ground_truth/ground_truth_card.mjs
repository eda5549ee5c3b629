// The card 'Ground truth': where the truth of the chosen classes comes from, and a mask PNG that the user gives. The file
// is read in this page and sent nowhere.

import { readMask } from './mask_png.mjs';
import { BadPng } from './png.mjs';
import { dropFile, hasFile, keepFile, shapesOf, groundTruthOf, withShapes } from './ground_truth.mjs';

const MASK_MAX_BYTES = 64e6;
/** @type {Record<string, string>} */
const SOURCES = { example: "the example's mask", file: 'your PNG', drawn: 'drawn by you' };

/** Where the truth of each chosen class comes from, in words.
 * @param {string[]} names
 * @param {(string | null)[]} sources
 */
export function sourceWords(names, sources) {
  const known = names.map((name, i) => `${name}: ${SOURCES[sources[i] ?? ''] ?? 'none yet'}`);
  return known.join(' · ');
}

/** @param {Crt.Page} page */
export function mountGroundTruthCard({ at, store, view, current, onDraw, onRun }) {
  const note = (/** @type {string} */ text) => { at('ground-truth-note').textContent = text; };

  at('ground-truth-file').addEventListener('change', (/** @type {Crt.InputEvent} */ event) => {
    take(event.target.files?.[0]);
    event.target.value = ''; // so that the same file can be given again
  });
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
    at('ground-truth-source').textContent = sourceWords(names, sources);
    at('ground-truth-clear').hidden = !shapesOf(state, run).some((shape) => names.includes(shape.label)) && !hasFile(run.imageId, names);
  });

  /** @param {File | undefined} file */
  async function take(file) {
    const now = view();
    if (!file || !now) return;
    const { run } = now;
    const { classes } = store.get();
    note(`${file.name} is being read …`);
    try {
      if (file.size > MASK_MAX_BYTES) throw new BadPng(`This file has ${Math.round(file.size / 1e6)} MB: give a mask of at most ${MASK_MAX_BYTES / 1e6} MB.`);
      const bytes = new Uint8Array(await file.arrayBuffer());
      const mask = await readMask(bytes, { classes: run.classes, chosen: run.classes[classes[classes.length - 1]], source: run.source });
      keepFile(run.imageId, mask, mask.values);
      note([`${file.name} was read.`, ...mask.messages].join(' '));
      const state = store.get();
      const shapes = shapesOf(state, run).filter((shape) => !Object.hasOwn(mask.values, shape.label));
      store.set({ drawn: withShapes(state, run, shapes), ground_truth: true });
    } catch (error) {
      if (!(error instanceof BadPng || error instanceof DOMException)) throw error;
      note(error instanceof BadPng ? error.message : 'This file could not be read: choose it again.');
    }
  }
}
