// Scenes: titled links, kept in this browser, in the order in which they are presented.

import { decode } from '../permalink/query.mjs';
import { refinedWords } from '../explore/maps.mjs';
import { countWords, loopWords } from '../core/words.mjs';
import { make, percent } from '../core/dom.mjs';
import { METHOD_TITLES, shownMethods } from '../core/store.mjs';

export const STORAGE_KEY = 'crt-scenes';
export const MAX_SCENES = 60;
export const TITLE_MAX_CHARS = 120; // characters
const QUERY_MAX_CHARS = 1500;
const FILE_MAX_BYTES = 500_000; // bytes of a file of scenes

/** @typedef {{ scenes: Crt.Scene[], left: number, problem: string }} SceneFile */

/** The text of a file or of the browser's storage -> { scenes: [{ title, query }], left: how many were no scenes }.
 * @param {string} text
 * @returns {SceneFile}
 */
export function readScenes(text) {
  let found;
  try {
    found = JSON.parse(text);
  } catch {
    return { scenes: [], left: 0, problem: 'This is no file of scenes: it is not JSON.' };
  }
  if (found?.version !== 1 || !Array.isArray(found.scenes)) {
    return { scenes: [], left: 0, problem: 'This is no file of scenes of version 1.' };
  }
  const scenes = found.scenes.filter(isScene).slice(0, MAX_SCENES).map((/** @type {Crt.Scene} */ { title, query }) => ({ title: title.trim().slice(0, TITLE_MAX_CHARS), query }));
  return { scenes, left: found.scenes.length - scenes.length, problem: '' };
}

/** Scenes -> the text that `readScenes` takes.
 * @param {Crt.Scene[]} scenes
 */
export function writeScenes(scenes) {
  return `${JSON.stringify({ version: 1, scenes }, null, 1)}\n`;
}

/** The list with the scene at `from` moved by `by` positions.
 * @param {Crt.Scene[]} scenes
 * @param {number} from
 * @param {number} by
 */
export function moved(scenes, from, by) {
  const to = from + by;
  if (from < 0 || to < 0 || to >= scenes.length) return scenes;
  const rest = scenes.filter((_, i) => i !== from);
  return [...rest.slice(0, to), scenes[from], ...rest.slice(to)];
}

/** Where a scene lies in a list that another tab may have changed since; -1 if it is gone.
 * @param {Crt.Scene[]} scenes
 * @param {Crt.Scene} scene
 */
export const sceneIndex = (scenes, { title, query }) => scenes.findIndex((one) => one.title === title && one.query === query);

/** What a state shows of a run, in words.
 * @param {Crt.State} state
 * @param {Crt.Run} run
 */
export function words(state, run) {
  const names = state.classes.map((index) => run.classes[index]).join(' + ');
  const methods = shownMethods(state, run);
  const parts = [names, methods.map((name) => METHOD_TITLES[name]).join(', ') || 'the image'];
  if (methods.includes('crt')) parts.push(`CRT with ${loopWords(state.loops)}`);
  if (methods.some((name) => name === 'crt' || name === 'tscam')) {
    parts.push(state.refined ? refinedWords(state, methods.includes('crt') ? state.loops : 0) : 'not refined');
  }
  const [height, width] = run.input;
  parts.push(`threshold ${percent(state.threshold)}`, `input ${width} × ${height} px, ${countWords(run.tiles, 'tile')}, ${run.mode}`);
  return parts.join(' · ');
}

/** @param {Partial<Record<keyof Crt.Scene, unknown>> | null} one */
function isScene(one) {
  return typeof one?.title === 'string' && typeof one?.query === 'string' && one.query.length <= QUERY_MAX_CHARS && decode(one.query).linked;
}

/** @param {Crt.Page} page */
export function mountScenes(page) {
  const { at, store, view, current } = page;
  const drawer = at('scenes');
  const key = page.saved ? `${STORAGE_KEY}-${page.saved.id}` : STORAGE_KEY; // a file of its own has its own scenes
  const stored = () => storedScenes(key, page.saved?.scenes ?? []);
  const kept = stored();
  let scenes = kept?.scenes ?? [];
  page.scenes = { list: () => scenes };
  if (page.saved) at('scenes-empty').textContent = 'No scenes yet: Present then shows this screen.';
  window.addEventListener('storage', ({ key: changed }) => { // another tab has changed them; null: it has cleared all that is stored
    if (changed !== key && changed !== null) return;
    scenes = stored()?.scenes ?? [];
    list();
  });

  at('scenes-open').addEventListener('click', () => {
    at('scenes-title').value = suggestion();
    at('scenes-add').disabled = at('scenes-title').disabled = !view();
    showNote(kept?.problem ?? '');
    list();
    drawer.showModal();
  });
  at('scenes-close').addEventListener('click', () => drawer.close());
  drawer.addEventListener('click', (/** @type {MouseEvent} */ event) => event.target === drawer && drawer.close()); // beside the drawer
  at('scenes-form').addEventListener('submit', (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    add();
  });
  at('scenes-export').addEventListener('click', () => {
    const url = URL.createObjectURL(new Blob([writeScenes(scenes)], { type: 'application/json' }));
    make('a', { href: url, download: 'scenes.json' }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  });
  at('scenes-import').addEventListener('change', async (/** @type {Crt.InputEvent} */ event) => {
    const file = event.target.files?.[0];    if (!file) return;
    const got = file.size > FILE_MAX_BYTES ? { scenes: [], left: 0, problem: 'This file is too large for scenes.' } : readScenes(await file.text());
    event.target.value = '';
    if (got.problem) return showNote(got.problem);
    let room = got.scenes;
    const problem = save((known) => {
      room = got.scenes.slice(0, MAX_SCENES - known.length);
      return [...known, ...room];
    });
    const left = got.left + got.scenes.length - room.length;
    return showNote(problem || `${room.length} ${room.length === 1 ? 'scene' : 'scenes'} added${left ? `, ${left} left out` : ''}.`);
  });

  async function add() {
    const scene = { title: at('scenes-title').value.trim() || suggestion(), query: page.link.query() };
    const problem = save((known) => (known.length < MAX_SCENES ? [...known, scene] : known));
    if (problem) return showNote(problem);
    if (sceneIndex(scenes, scene) < 0) return showNote(`${MAX_SCENES} scenes are the most: delete one.`);
    const number = scenes.length;
    if (current().run.example || page.saved) return showNote(`Scene ${number} added.`);
    showNote(`Scene ${number} added.`);
    const trouble = await page.link.keep();
    return showNote(trouble ? `Scene ${number} added without its image: ${trouble}` : `Scene ${number} added. The server keeps the image for an hour.`);
  }

  /** Change the list as it is kept now, which another tab may have changed -> why it cannot be kept, or ''.
   * @param {(known: Crt.Scene[]) => Crt.Scene[]} change
   */
  function save(change) {
    scenes = change(stored()?.scenes ?? scenes);
    list();
    try {
      window.localStorage.setItem(key, writeScenes(scenes));
      return '';
    } catch {
      return 'This browser keeps nothing: export the scenes before you leave the page.';
    }
  }

  function list() {
    at('scenes-list').replaceChildren(...scenes.map((scene, index) => row(scene, index)));
    at('scenes-empty').hidden = scenes.length > 0;
    at('scenes-export').disabled = !scenes.length;
  }

  /**
   * @param {Crt.Scene} scene
   * @param {number} index
   */
  function row(scene, index) {
    const button = (/** @type {string} */ text, /** @type {string} */ label, /** @type {() => void} */ act, disabled = false) => make('button', {
      type: 'button', class: 'plain', text, 'aria-label': `${label}: ${scene.title}`, title: label, disabled, on: { click: act },
    });
    const name = make('input', { type: 'text', value: scene.title, maxlength: TITLE_MAX_CHARS, 'aria-label': `Title of scene ${index + 1}` });
    name.addEventListener('change', () => showNote(save((known) => {
      const position = sceneIndex(known, scene);
      return known.map((one, i) => (i === position ? { ...one, title: name.value.trim() || one.title } : one));
    })));
    const shift = (/** @type {number} */ by) => () => {
      const problem = save((known) => moved(known, sceneIndex(known, scene), by));
      const position = sceneIndex(scenes, scene);
      at('scenes-list').children[position]?.querySelector('input').focus();
      showNote(problem || `${scene.title} is now scene ${position + 1}.`);
    };
    return make('li', {}, [name, make('span', { class: 'row' }, [
      button('Show', 'Show this scene', () => {
        drawer.close();
        page.link.open(decode(scene.query));
      }),
      button('↑', 'Move up', shift(-1), index === 0),
      button('↓', 'Move down', shift(1), index === scenes.length - 1),
      button('Delete', 'Delete', () => {
        const problem = save((known) => known.filter((_, i) => i !== sceneIndex(known, scene)));
        showNote(problem || `${scene.title} deleted.`);
        at('scenes-title').focus();
      }),
    ])]);
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
 * @returns {SceneFile | null}
 */
function storedScenes(key, first) {
  try {
    return readScenes(window.localStorage.getItem(key) ?? writeScenes(first));
  } catch {
    return null;
  }
}
