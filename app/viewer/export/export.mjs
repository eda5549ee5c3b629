// The export menu: what the tab shows as files, which the server makes, and the maps as a Python program.
//
// For others: `page.exports`, functions (state, view) by tab that give what differs there from `describeView`, and
// `page.exportFile(kind, more)`, which asks for a file of the tab that is open.

import { runKey } from '../core/answers.mjs';
import { downloaded } from '../core/download.mjs';
import { make } from '../core/dom.mjs';
import { createNotice } from '../core/notice.mjs';
import { countWords } from '../core/words.mjs';
import { packBits, toBase64 } from './bits.mjs';
import { gridSize } from '../explore/draw.mjs';
import { fileOf, toSave } from '../explore/file_cams.mjs';
import { ADDED_PANEL, shownMaps } from '../explore/shown_maps.mjs';
import { isDropped, sentenceOf } from '../core/rpc.mjs';
import { exported } from '../core/settings.mjs';
import { createFigureDialog } from './figure_dialog.mjs';
import { snippet } from './snippet.mjs';
import { groundTruthOf, shapesOf } from '../ground_truth/ground_truth.mjs';
import { decode, imageOf } from '../permalink/query.mjs';
import { FILE_MAX_BYTES, packKept } from '../presentation/scene_file.mjs';
import { givenMasks } from '../presentation/scene_masks.mjs';
import { withSaved } from './talk_file.mjs';

const SAVED_MS = 60_000; // ms for which a browser may still read what it saves
/** @type {Record<string, string>} */
const KINDS = { zip: 'the ZIP', png: 'the PNG', pdf: 'the PDF', svg: 'the SVG', mask: 'the mask', page: 'the interactive page' };

/** What the server needs to draw the screen again. `added`: the added panel for classes, as page.addedPanels makes it, or null.
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @param {(classes: number[]) => Crt.AddedPanel | null} [added]
 */
export function describeView(state, view, added = () => null) {
  const [rows, columns] = gridSize(view.image.naturalWidth, view.image.naturalHeight);
  const side = state.compare.view === 'side';
  const shown = shownMaps(state, view.run);
  return {
    ...exported(state), absolute: exported(state, 'absolute'), classes: state.classes, rows, columns,
    maps: shown.filter(({ method }) => method !== ADDED_PANEL).map((one) => describeMap(one, state, view, rows, columns)),
    image: side && state.visible.input,
    difference: state.compare.view === 'difference',
    ground_truth: state.ground_truth ? describeGroundTruth(groundTruthOf(state, view), rows, columns) : null,
    added_panel: describeAdded(shown.filter(({ method }) => method === ADDED_PANEL), state, view, added, rows, columns),
  };
}

/** The added panel with its letters; a list of its maps where they are of other classes than those chosen, each with its classes and
 *  their ground truth; null where there is none. In a grid a class without a map keeps its place.
 * @param {import('../explore/shown_maps.mjs').ShownMap[]} shown its maps on the screen but for those side by side
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @param {(classes: number[]) => Crt.AddedPanel | null} added
 * @param {number} rows
 * @param {number} columns
 */
function describeAdded(shown, state, view, added, rows, columns) {
  if (!shown.some(({ subject }) => subject)) {
    const panel = shown.length || state.compare.view === 'side' ? added(state.classes) : null;
    return panel && panel.map.data.length > 1 ? { ...describeAddedPanel(panel), letters: shown.map(({ letter }) => letter).join('') } : null;
  }
  return shown.flatMap(({ letter, own }) => {
    const classes = own.classes ?? state.classes;
    const panel = added(classes);
    if (!panel || (letter && panel.map.data.length < 2)) return [];
    const truth = state.ground_truth ? describeGroundTruth(groundTruthOf({ ...state, classes }, view), rows, columns) : null;
    return { ...describeAddedPanel(panel), letters: letter, classes, ground_truth: truth };
  });
}

/** A map; where it may be of other classes than those chosen, with its classes and their ground truth.
 * @param {import('../explore/shown_maps.mjs').ShownMap} map
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @param {number} rows
 * @param {number} columns
 */
function describeMap({ method, letter, own, subject }, state, view, rows, columns) {
  const { classes = state.classes, ...rest } = own;
  if (!subject) return { ...rest, method, letter };
  const truth = state.ground_truth ? describeGroundTruth(groundTruthOf({ ...state, classes }, view), rows, columns) : null;
  return { ...rest, method, letter, classes, ground_truth: truth };
}

/**
 * @param {Crt.GroundTruth} truth
 * @param {number} rows
 * @param {number} columns
 */
function describeGroundTruth({ polygons, complete, cutoffs, raster, ignore }, rows, columns) {
  const rounded = (/** @type {number} */ value) => Number(Math.min(1, Math.max(0, value)).toFixed(5));
  const inside = complete ? raster(rows, columns) : null;
  const unsure = complete ? ignore(rows, columns) : null;
  return {
    polygons: polygons.map((ring) => ring.map((point) => point.map(rounded))),
    inside: inside && packBits(inside),
    ignore: unsure && packBits(unsure),
    cutoffs,
  };
}

/** @param {Crt.AddedPanel} panel */
function describeAddedPanel({ title, note, unit, map, contentSize }) {
  const values = Float32Array.from(map.data, (value) => Math.max(0, value));
  return { title, note, unit, h: map.h, w: map.w, down: contentSize[0], across: contentSize[1], values: toBase64(new Uint8Array(values.buffer)) };
}

/** What an interactive page opens with: the screen as a link has it, the scenes about its run, the shapes drawn on its
 *  image, and the map from a file if it is shown. A scene about another image, size, mode or checkpoint would need the server.
 * @param {Crt.Page} page
 */
export function describeSaved({ store, scenes, link, current }) {
  const { run } = current();
  const { checkpoint, size, mode } = run.chosen;
  const [first] = run.checkpoint.modes;
  const own = (/** @type {Crt.Scene} */ { query }) => {
    const scene = decode(query);
    return scene.image === imageOf(run) && (scene.checkpoint ?? '') === checkpoint && scene.size === size && (scene.mode ?? first) === mode;
  };
  const { added_panel } = store.get();
  const given = added_panel?.kind === 'file' ? fileOf(run.imageId, added_panel.id) : null;
  const file = given && toSave(given, run.classes);
  const listed = scenes.list().filter(own).map(({ title, query }) => ({ title, query }));
  return { query: link.query(true), scenes: listed, drawn: shapesOf(store.get(), run), ...(file ? { file } : {}) };
}

/** What a file of its own gets of the scenes: those with a run, and what they show beside the run of the page.
 * @param {{ scenes: Crt.Scene[], kept: Map<string, import('../presentation/scene_file.mjs').Kept> }} contents
 * @param {string} own key of the run of the page
 */
export function talkOf({ scenes, kept }, own) {
  return { scenes: scenes.filter(({ run }) => run && kept.has(run)), kept: packKept(new Map([...kept].filter(([key]) => key !== own))) };
}

/** How many of `total` scenes are in a file.
 * @param {number} count
 * @param {number} total
 */
export function talkWords(count, total) {
  const left = total - count;
  return `${countWords(count, 'scene')}${left ? `; ${left} left out, as ${left === 1 ? 'its image is' : 'their images are'} no longer on the server` : ''}`;
}

/** Whether the menu offers a kind of file: a page of its own has no server to make it, and without an image there is none to compute.
 * @param {string} kind
 * @param {{ saved: boolean, image: boolean }} here
 */
export const offers = (kind, { saved, image }) => (kind === 'python' ? image : !saved && (image || kind !== 'page'));

/** Bytes in words: 940 kB, 1.7 MB.
 * @param {number} count
 */
export const bytesWords = (count) => (count < 1e6 ? `${Math.max(1, Math.round(count / 1e3))} kB` : `${(count / 1e6).toFixed(1)} MB`);

/** @param {Crt.Page} page */
export function mountExport(page) {
  const { root, at, store, current, onRun } = page;
  const button = at('export-open');
  const menu = at('export-menu');
  /** @type {HTMLElement[]} */
  const all = [...menu.querySelectorAll('[role="menuitem"]')];
  let items = all; // those that are offered
  /** @type {AbortController | null} */
  let making = null; // while the server makes a file
  let ofImage = true; // what it makes
  const showNote = createNotice(at('export-note'));

  button.addEventListener('click', () => (menu.hidden ? open(0) : close()));
  button.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    open(event.key === 'ArrowDown' ? 0 : -1);
  });
  menu.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    const here = items.findIndex((item) => item === document.activeElement);
    /** @type {Record<string, number>} */
    const targets = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: items.length - 1 };
    const to = targets[event.key];    if (to !== undefined) items[(to + items.length) % items.length].focus();
    else if (event.key === 'Escape') close(true);
    else if (event.key === 'Tab') return close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  root.addEventListener('pointerdown', (event) => !menu.hidden && !at('export').contains(event.target) && close());
  root.addEventListener('focusin', (event) => !menu.hidden && !at('export').contains(event.target) && close());
  for (const item of all) {
    item.addEventListener('click', () => {
      close(true);
      if (item.dataset.kind === 'python') copy();
      else if (item.dataset.kind === 'figure') dialog.open();
      else makeFile(item.dataset.kind ?? '');
    });
  }
  onRun((now) => {
    at('export-code').hidden = true;
    if (!now && ofImage) making?.abort();
    if (!now || !making) showNote('');
  });

  /** @param {number} index */
  function open(index) {
    items = all.filter((item) => {
      item.hidden = !offers(item.dataset.kind ?? '', { saved: page.saved !== null, image: page.view() !== null });
      return !item.hidden;
    });
    menu.hidden = false;
    button.setAttribute('aria-expanded', 'true');
    items[(index + items.length) % items.length].focus();
  }

  function close(back = false) {
    menu.hidden = true;
    button.setAttribute('aria-expanded', 'false');
    if (back) button.focus();
  }

  page.exportFile = makeFile;
  const dialog = createFigureDialog(page, describe);

  /** The event and the details by which the server makes the open tab again.
   * @returns {[string, object]}
   */
  function describe() {
    const state = store.get();
    if (state.tab === 'results') return ['export_results', { unfolded: [...at('results').children].flatMap((section, i) => (section.open ? [i] : [])) }];
    const now = current();
    const added = (/** @type {number[]} */ classes) => (state.added_panel && page.addedPanels[state.added_panel.kind]?.(state.added_panel, now, classes)) ?? null;
    return ['export', { tab: state.tab, ...describeView(state, now, added), ...page.exports[state.tab]?.(state, now) }];
  }

  /** @param {string} kind */
  async function makeFile(kind, more = {}) {
    if (making) return showNote(`${at('export-note').textContent.replace(/…$/, '')}… still computing.`, 'under way');
    const [event, shown] = kind === 'page' ? ['export', describeSaved(page)] : describe();
    const masks = kind === 'page' ? givenMasks(store.get(), current()) : [];
    const own = kind === 'page' ? runKey(current().run) : '';
    ofImage = event === 'export';
    making = new AbortController();
    const { signal } = making;
    button.setAttribute('aria-busy', 'true');
    showNote(`Making ${KINDS[kind]}…`, 'under way');
    try {
      const got = await page.request(event, { kind, ...shown, ...more }, { acrossRuns: true, signal });
      const bytes = await downloaded(got.download);
      const total = kind === 'page' ? page.scenes.list().length : 0;
      if (!total) {
        save(masks.length ? await withSaved(bytes, { masks }) : bytes, got.name);
        if (got.caption) save(new TextEncoder().encode(got.caption), got.name.replace(/\.\w+$/, '.txt'));
        return showNote(`${got.name}, ${bytesWords(got.size)}${got.caption ? ', and its caption as a text file' : ''}`);
      }
      showNote('Collecting what the scenes show…', 'under way');
      const talk = talkOf(await page.scenes.contents(signal), own);
      const whole = await withSaved(bytes, { talk, ...(masks.length ? { masks } : {}) });
      if (whole.length > FILE_MAX_BYTES) return showNote(`With ${countWords(talk.scenes.length, 'scene')} the file has ${bytesWords(whole.length)}, more than ${bytesWords(FILE_MAX_BYTES)}: delete scenes, or show their images at a smaller input size.`, 'failed');
      save(whole, got.name);
      return showNote(`${got.name}, ${bytesWords(whole.length)}, ${talkWords(talk.scenes.length, total)}`);
    } catch (error) {
      return isDropped(error) ? undefined : showNote(sentenceOf(error), 'failed');
    } finally {
      making = null;
      button.removeAttribute('aria-busy');
    }
  }

  async function copy() {
    const text = snippet(store.get(), current().run);
    const code = at('export-code');
    code.value = text;
    code.hidden = await copied(text);
    showNote(code.hidden ? 'Python copied.' : 'Copy the program from this field.');
    if (code.hidden) return;
    code.rows = text.split('\n').length;
    code.focus();
    code.select();
  }

}

/** Let the browser save a file.
 * @param {ArrayBuffer | Uint8Array<ArrayBuffer>} bytes
 * @param {string} name
 */
function save(bytes, name) {
  const url = URL.createObjectURL(new Blob([bytes]));
  make('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), SAVED_MS);
}

/** @param {string} text */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // no clipboard here: an insecure address, or not allowed
  }
}
