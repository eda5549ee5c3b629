// The added panel of a file: a map of another method that the user chooses or drops. It is read in this page
// (cam_file.mjs) and kept for its image (file_cams.mjs).

import { make } from '../core/dom.mjs';
import { loaded } from '../core/later.mjs';
import { RequestError } from '../core/rpc.mjs';
import { BadCam, isDeepPng, isGreyPng, sizeProblem } from './cam_rules.mjs';
import { NAME_MAX_CHARS, camsForImage, fileOf, filesOf, firstName, keepCams, keepSaved, panelOf, rename } from './file_cams.mjs';
import { ADDED_PANEL } from './shown_maps.mjs';

const loadReader = () => import('./cam_file.mjs');
const OPTION = 'file'; // and the file's number: the value of its option
const HEAD_BYTES = 26; // of a PNG, up to its colour type

/** What becomes of a file that is dropped on the Explore tab: 'cam'; 'mask', which is ground truth; 'png' for one or the other, by its
 *  depth. `onMaps`: on the maps, where masks are dropped too.
 * @param {string} name
 * @param {boolean} onMaps
 */
export function dropKind(name, onMaps) {
  const ending = /\.(npy|npz|png)$/i.exec(name)?.[1].toLowerCase();
  if (!onMaps || ending === 'npy' || ending === 'npz') return 'cam';
  return ending === 'png' ? 'png' : 'mask';
}

/** @param {Crt.Page} page */
export function mountFilePanel(page) {
  const { root, at, store, view, onRun, onDraw } = page;
  const select = at('added_panel');
  const group = make('optgroup', { label: 'Files' });
  let listed = ''; // the files of the group
  let opened = false; // whether the file of an interactive page is kept

  at('cam-name').maxLength = NAME_MAX_CHARS;
  at('cam-file').addEventListener('change', (/** @type {Crt.InputEvent} */ event) => {
    take(event.target.files?.[0]);
    event.target.value = ''; // so that the same file can be given again
  });
  select.addEventListener('change', () => {
    const [kind, id] = select.value.split(' ');
    if (kind === OPTION) store.set({ added_panel: { kind: 'file', id: Number(id) } });
  });
  at('cam-name').addEventListener('change', (/** @type {Crt.InputEvent} */ event) => {
    const file = shownFile(store.get());
    if (!file) return;
    rename(file, event.target.value);
    event.target.value = file.name;
    store.set({});
  });
  mountDrop(root.querySelector('[role="tabpanel"][data-tab="explore"]'));

  onRun((next, before) => {
    if (next && page.saved?.file && !opened) {
      opened = true;
      keepSaved(next.run.imageId, page.saved.file);
    }
    if (next?.run.imageId !== before?.run.imageId) note('');
  });
  onDraw((state, { run }) => {
    list(filesOf(run.imageId));
    const file = shownFile(state);
    if (state.added_panel?.kind === 'file') select.value = file ? `${OPTION} ${file.id}` : '';
    at('cam-name-field').hidden = !file;
    if (file && document.activeElement !== at('cam-name')) at('cam-name').value = file.name;
  });
  page.addedPanels.file = (/** @type {Crt.FilePanel} */ { id }, { run }, classes = store.get().classes) => panelOf(fileOf(run.imageId, id), classes.map((index) => run.classes[index]));

  /** @param {Crt.State} state */
  function shownFile({ added_panel }) {
    const now = view();
    return now && added_panel?.kind === 'file' ? fileOf(now.run.imageId, added_panel.id) : null;
  }

  /** The files among the panels that can be added; in an interactive page they are the only ones.
   * @param {import('./file_cams.mjs').FileCams[]} files
   */
  function list(files) {
    const now = JSON.stringify(files.map(({ id, name }) => [id, name]));
    if (now !== listed) group.replaceChildren(...files.map(({ id, name }) => make('option', { value: `${OPTION} ${id}`, text: name })));
    listed = now;
    if (!files.length) group.remove();
    else if (group.parentElement !== select) select.append(group);
    select.dataset.files = files.length ? 'yes' : 'no';
    if (page.saved) for (const other of select.querySelectorAll('optgroup')) if (other !== group) other.remove();
  }

  /** @param {File | undefined} file */
  async function take(file) {
    const now = view();
    if (!file || !now) return;
    const { imageId, source, classes } = now.run;
    note(`${file.name} is being read…`);
    try {
      const problem = sizeProblem(file.size);
      if (problem) throw new BadCam(problem);
      const { readCams, readWords } = await loaded(loadReader);
      const read = await readCams(new Uint8Array(await file.arrayBuffer()), classes);
      if (view()?.run.imageId !== imageId) return; // another image came meanwhile, and took the note away
      const { compare, classes: chosen } = store.get();
      const compared = compare.view !== 'side' && compare.view !== 'classes';
      const own = compared && compare.a.class !== undefined && classes.includes(compare.a.class) ? compare.a.class : null;
      const shown = own === null ? chosen.map((index) => classes[index]) : [own];
      const id = keepCams(imageId, firstName(file.name), camsForImage(read, shown, source));
      note(readWords(file.name, read, shown));
      // Where two maps are compared, it is the first of them, with the class of that side.
      store.set({ added_panel: { kind: 'file', id }, compare: compared ? { ...compare, a: { method: ADDED_PANEL, ...(own === null ? {} : { class: own }) } } : compare });
    } catch (error) {
      if (!(error instanceof BadCam || error instanceof DOMException || error instanceof RequestError)) throw error;
      if (error instanceof RequestError) note(error.message); // what reads it has not arrived
      else note(error instanceof BadCam ? `${file.name}: ${error.message}` : `${file.name} could not be read: choose it again.`);
    }
  }

  /** @param {HTMLElement | null} zone */
  function mountDrop(zone) {
    const over = (/** @type {boolean} */ here) => { at('cam-box').dataset.over = here ? 'yes' : 'no'; };
    const hasFiles = (/** @type {DragEvent} */ event) => view() && [...(event.dataTransfer?.types ?? [])].includes('Files');
    const inside = (/** @type {string} */ role, /** @type {Event} */ event) => at(role).contains(/** @type {Node} */ (event.target));
    zone?.addEventListener('dragover', (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      over(!inside('panels', event)); // the maps have an outline of their own
    });
    zone?.addEventListener('dragleave', () => over(false));
    zone?.addEventListener('drop', (event) => {
      over(false);
      const file = event.dataTransfer?.files[0];
      if (!hasFiles(event) || !file) return;
      event.preventDefault();
      const kind = dropKind(file.name, inside('panels', event));
      if (kind === 'mask') return; // the maps take it
      event.stopPropagation();
      at('panels').dataset.over = 'no';
      if (kind === 'cam') take(file);
      else takePng(file);
    }, true);
  }

  /** A PNG on the maps is a mask unless it has 16 bits a value; a button makes a doubtful one a map. `take` shows why one cannot be opened.
   * @param {File} file
   */
  async function takePng(file) {
    const head = await file.slice(0, HEAD_BYTES).arrayBuffer().then((bytes) => new Uint8Array(bytes), () => null);
    if (!head || isDeepPng(head)) return take(file);
    const doubt = await page.takeMask(file);
    if (!doubt || !isGreyPng(head)) return;
    note(`${doubt.text} `);
    const click = () => {
      doubt.undo();
      take(file);
    };
    at('cam-note').append(make('button', { type: 'button', class: 'plain', text: 'Use as a map instead', on: { click } }));
  }

  /** @param {string} text */
  function note(text) {
    at('cam-note').textContent = text;
  }
}
