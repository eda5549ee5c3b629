// Scenes: titled links with what they show, kept in this browser, in the order in which they are presented.

import { decode, fit } from '../permalink/query.mjs';
import { refinedWords } from '../explore/maps.mjs';
import { ADDED_PANEL, shownMaps, shownNames } from '../explore/shown_maps.mjs';
import { countWords, loopWords } from '../core/words.mjs';
import { sentenceOf } from '../core/rpc.mjs';
import { runKey } from '../core/answers.mjs';
import { make, percent } from '../core/dom.mjs';
import { METHOD_TITLES } from '../core/store.mjs';
import { shapesOf } from '../ground_truth/ground_truth.mjs';
import { createKept, openDatabase } from './kept.mjs';
import { neededAnswers } from './scene_answers.mjs';
import { shownFile } from './scene_cams.mjs';
import { createSceneContents } from './scene_contents.mjs';
import { FILE_MAX_BYTES, MAX_SCENES, TITLE_MAX_CHARS, imageIdOf, keysOf, lostFiles, moved, openKept, readSceneFile, readScenes, sceneIndex, writeSceneFile, writeScenes } from './scene_file.mjs';
import { createSceneList } from './scene_list.mjs';
import { areMasks, keepMasks, shownMasks } from './scene_masks.mjs';
import { keptRun } from './scene_runs.mjs';
import { thumbnailOf } from './thumbnail.mjs';

export const STORAGE_KEY = 'crt-scenes';
const UNKEPT = 'This browser keeps nothing: export the scenes before you leave the page.';
const FULL = 'This browser has no room for more scenes: export them before you leave the page.';
const NO_ROOM = 'This browser has no room for its maps: export the scenes before you leave the page.';
const TOO_LARGE = `These scenes take more than ${FILE_MAX_BYTES / 2 ** 20} MB: delete some, or show their images at a smaller input size.`;

/** @typedef {import('./scene_file.mjs').SceneList} SceneList */
/** @typedef {ReturnType<typeof readSceneFile>} SceneFile */

/** What a state shows of a run, in words. `added`: the title of the added panel.
 * @param {Crt.State} state
 * @param {Crt.Run} run
 * @param {string} [added]
 */
export function words(state, run, added = '') {
  const methods = [...new Set(shownMaps(state, run).map(({ method }) => method))];
  if (state.compare.view === 'side' && added) methods.push(ADDED_PANEL);
  const titles = methods.map((name) => METHOD_TITLES[name] ?? added).filter(Boolean);
  const parts = [shownNames(state, run), titles.join(', ') || 'the image'];
  if (methods.includes('crt')) parts.push(`CRT with ${loopWords(state.loops)}`);
  if (methods.some((name) => name === 'crt' || name === 'tscam')) {
    parts.push(state.refined ? refinedWords(state, methods.includes('crt') ? state.loops : 0) : 'not refined');
  }
  const [height, width] = run.input;
  parts.push(`threshold ${percent(state.threshold)}`, `input ${width} × ${height} px, ${countWords(run.tiles, 'tile')}, ${run.mode}`);
  return parts.join(' · ');
}

/** How many scenes came in.
 * @param {number} added
 * @param {number} left
 * @param {boolean} replaced
 * @param {number} [lost] maps from files that cannot be read
 */
export function importWords(added, left, replaced, lost = 0) {
  const without = lost ? ` ${countWords(lost, 'map')} from a file left out, which cannot be read.` : '';
  return `${countWords(added, 'scene')} ${replaced ? 'opened in place of those before' : 'added'}${left ? `, ${left} left out` : ''}.${without}`;
}

/** @param {Crt.Page} page */
export function mountScenes(page) {
  const { at, root, store, view, current, onRun } = page;
  const drawer = at('scenes');
  const key = page.saved ? `${STORAGE_KEY}-${page.saved.id}` : STORAGE_KEY; // a file of its own has its own scenes
  const saved = page.saved?.talk?.scenes ?? page.saved?.scenes ?? [];
  const stored = () => storedScenes(key, saved);
  const atFirst = stored();
  const kept = createKept(page.saved ? Promise.resolve(null) : openDatabase());
  const shown = createSceneContents(page, kept);
  const rows = createSceneList(at('scenes-list'), { rename, move, show, remove });
  let scenes = atFirst?.scenes ?? saved;
  let ahead = false; // of what the browser keeps, because it had no room for the last change
  /** @type {SceneFile | null} */
  let opened = null; // a file that waits for the choice between replace and add
  page.scenes = { list: () => scenes, view: shown.view, restore: shown.restore, link: shown.link, masks: shown.masks, contents: (signal) => shown.all(scenes, signal) };
  if (page.saved) {
    at('scenes-empty').textContent = 'No scenes yet: Present then shows this screen.';
    shown.take(openKept(page.saved.talk?.kept));
    onRun((next) => next && kept.put(...keptRun(next))); // the run of the file is in it once, apart from its scenes
    let { masks } = page.saved;
    onRun((next) => {
      if (next && areMasks(masks)) keepMasks(next.run.imageId, masks ?? []);
      masks = undefined; // it belongs to the first run, the file's own
    });
  }
  window.addEventListener('storage', ({ key: changed }) => { // another tab has changed them; null: it has cleared all that is stored
    if (changed !== key && changed !== null) return;
    const now = stored()?.scenes ?? [];
    scenes = ahead ? [...scenes, ...now.filter((scene) => sceneIndex(scenes, scene) < 0)] : now;
    list();
  });

  at('scenes-open').addEventListener('click', () => {
    at('scenes-title').value = suggestion();
    at('scenes-add').disabled = at('scenes-title').disabled = !view();
    showNote(atFirst?.problem ?? '');
    choose(null);
    list();
    drawer.showModal();
  });
  at('scenes-close').addEventListener('click', () => drawer.close());
  drawer.addEventListener('click', (/** @type {MouseEvent} */ event) => event.target === drawer && drawer.close()); // beside the drawer
  at('scenes-form').addEventListener('submit', (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    add();
  });
  at('scenes-export').addEventListener('click', exportFile);
  at('scenes-import').addEventListener('change', async (/** @type {Crt.InputEvent} */ event) => {
    const file = event.target.files?.[0];
    event.target.value = ''; // the same file can be chosen again
    if (!file) return;
    if (file.size > FILE_MAX_BYTES) return showNote('This file is too large for scenes.');
    const text = await file.text().catch(() => null); // moved or changed since it was chosen
    if (text === null) return showNote(`${file.name} could not be read: choose it again.`);
    const got = readSceneFile(text);
    if (got.problem) return showNote(got.problem);
    if (scenes.length) choose(got);
    else bring(got, false);
  });
  at('scenes-replace').addEventListener('click', () => opened && bring(opened, true));
  at('scenes-join').addEventListener('click', () => opened && bring(opened, false));
  at('scenes-cancel').addEventListener('click', () => {
    choose(null);
    at('scenes-import').focus();
  });

  /** Ask whether a file replaces the scenes that are here; null asks nothing any more.
   * @param {SceneFile | null} got
   */
  function choose(got) {
    opened = got;
    at('scenes-choice').hidden = !got;
    if (!got) return;
    showNote('');
    at('scenes-question').textContent = `The file has ${countWords(got.scenes.length, 'scene')}, and ${countWords(scenes.length, 'scene')} ${scenes.length === 1 ? 'is' : 'are'} here already.`;
    at('scenes-join').focus();
  }

  /** Take the scenes of a file.
   * @param {SceneFile} got
   * @param {boolean} replace
   */
  function bring(got, replace) {
    choose(null);
    shown.take(got.kept);
    let room = got.scenes;
    const problem = save((known) => {
      const before = replace ? [] : known;
      room = got.scenes.slice(0, MAX_SCENES - before.length);
      return [...before, ...room];
    });
    kept.keepOnly(keysOf(scenes));
    showNote(problem || importWords(room.length, got.left + got.scenes.length - room.length, replace, lostFiles(room, got.kept)));
    at('scenes-title').focus();
  }

  async function add() {
    const now = current();
    const state = store.get();
    const panel = /** @type {Element} */ (root.querySelector(`[role="tabpanel"][data-tab="${state.tab}"]`));
    const file = shownFile(state, now.run);
    const masks = shownMasks(state, now);
    const query = page.link.query(file !== null);
    const needed = neededAnswers({ ...state, ...fit(decode(query), now, state).settings }, now.run); // as the link has it, whose numbers are rounded
    const loaded = state.tab === 'layers' ? page.answers.keysOf('load_heads', now.run) : []; // the rollout
    const drawn = shapesOf(state, now.run);
    const answers = [...new Set([...needed.map((one) => one.key), ...loaded])];
    /** @type {Crt.Scene} */
    const scene = {
      title: at('scenes-title').value.trim() || suggestion(), query, thumb: thumbnailOf(panel, now.image), run: runKey(now.run),
      ...(drawn.length ? { drawn } : {}), ...(answers.length ? { answers } : {}), ...(file ? { file: file[0] } : {}), ...(masks ? { masks: masks[0] } : {}),
    };
    const problem = save((known) => (known.length < MAX_SCENES ? [...known, scene] : known));
    if (problem) return showNote(problem);
    if (sceneIndex(scenes, scene) < 0) return showNote(`${MAX_SCENES} scenes are the most: delete one.`);
    const added = `Scene ${scenes.length} added.`;
    showNote(added);
    const lasts = [await kept.put(...keptRun(now)), !file || await kept.put(...file), !masks || await kept.put(...masks)].every(Boolean);
    const missing = await shown.keep(answers, needed);
    const linked = !now.run.example && !page.saved;
    const trouble = linked ? await page.link.keep() : ''; // its link then works too, as long as the server keeps the image
    const notes = [missing, linked && !trouble ? 'The server keeps the image for an hour.' : '', lasts || page.saved ? '' : NO_ROOM];
    if (at('scenes-note').textContent === added) showNote([added, ...notes].filter(Boolean).join(' ')); // not in place of a newer note
  }

  async function exportFile() {
    at('scenes-export').disabled = true;
    showNote('Collecting what the scenes show…');
    try {
      const got = await shown.all(scenes, new AbortController().signal);
      const text = writeSceneFile(got.scenes, got.kept);
      if (text.length > FILE_MAX_BYTES) return showNote(TOO_LARGE);
      const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
      make('a', { href: url, download: 'scenes.json' }).click();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
      const missing = got.scenes.length - got.whole;
      return showNote(missing ? `Exported. ${countWords(missing, 'scene')} without ${missing === 1 ? 'its' : 'their'} image, which is no longer on the server.` : 'Exported, with images and maps.');
    } catch (error) {
      return showNote(sentenceOf(error));
    } finally {
      at('scenes-export').disabled = !scenes.length;
    }
  }

  /** @param {Crt.Scene} scene */
  async function show(scene) {
    drawer.close();
    await shown.restore(scene); // before the tab requests them
    const { drawn } = store.get();
    const imageId = imageIdOf(scene.run);
    keepMasks(imageId, await shown.masks(scene));
    if (scene.drawn && imageId && !drawn[imageId]?.length) store.set({ drawn: { ...drawn, [imageId]: scene.drawn } });
    page.link.open(await shown.link(scene), () => shown.view(scene));
  }

  /** Change the list as it is kept now, which another tab may have changed -> why it cannot be kept, or ''.
   * @param {(known: Crt.Scene[]) => Crt.Scene[]} change
   */
  function save(change) {
    const known = stored();
    scenes = change(ahead ? scenes : known?.scenes ?? scenes);
    list();
    try {
      window.localStorage.setItem(key, writeScenes(scenes));
      ahead = false;
      return '';
    } catch {
      ahead = true;
      return known ? FULL : UNKEPT;
    }
  }

  function list() {
    rows.draw(scenes);
    at('scenes-empty').hidden = scenes.length > 0;
    at('scenes-export').disabled = !scenes.length;
  }

  /** @param {Crt.Scene} scene @param {string} title */
  function rename(scene, title) {
    showNote(save((known) => {
      const position = sceneIndex(known, scene);
      return known.map((one, i) => (i === position ? { ...one, title } : one));
    }));
  }

  /** @param {Crt.Scene} scene @param {number} by */
  function move(scene, by) {
    const problem = save((known) => moved(known, sceneIndex(known, scene), by));
    const position = sceneIndex(scenes, scene);
    rows.focus(position);
    showNote(problem || `${scene.title} is now scene ${position + 1}.`);
  }

  /** @param {Crt.Scene} scene */
  function remove(scene) {
    const problem = save((known) => known.filter((_, i) => i !== sceneIndex(known, scene)));
    kept.keepOnly(keysOf(scenes));
    showNote(problem || `${scene.title} deleted.`);
    at('scenes-title').focus();
  }

  function suggestion() {
    const now = view();
    if (!now) return '';
    const title = page.cards.find((card) => card.id === now.run.example)?.title ?? 'My image';
    const { classes, loops, refined } = store.get();
    const names = classes.map((index) => now.run.classes[index]).join(' + ');
    return `${title}: ${names}, ${loopWords(loops)}${refined ? ', refined' : ''}`.slice(0, TITLE_MAX_CHARS);
  }

  /** @param {string} text */
  function showNote(text) {
    at('scenes-note').textContent = text; // a live region of its own, as the page behind a dialog is silent
  }
}

/** What this browser keeps under a key, as readScenes gives it, or the scenes to begin with; null where it cannot keep
 *  anything; saving then fails with a message.
 * @param {string} key
 * @param {Crt.Scene[]} first
 * @returns {SceneList | null}
 */
function storedScenes(key, first) {
  try {
    return readScenes(window.localStorage.getItem(key) ?? writeScenes(first));
  } catch {
    return null;
  }
}
