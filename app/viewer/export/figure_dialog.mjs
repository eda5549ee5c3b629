// The dialog for a figure for print: its width, text, lines, letters and caption, with a preview at the printed size.

import { make } from '../core/dom.mjs';
import { downloaded } from '../core/download.mjs';
import { isDropped, mayPass, newestOf, sentenceOf } from '../core/rpc.mjs';

const REST_MS = 250; // ms without a change before a preview is requested
const PAGE_MM = 260; // mm of a page's height that a figure may take

/** What is chosen in the dialog, as the server takes it: app/requests/figure_options.py.
 * @param {{ width: string, font: string, lines: string, caption: string, letters: boolean }} chosen
 */
export function figureOptions({ width, font, lines, caption, letters }) {
  return { width: Number(width), font: Number(font), lines: Number(lines), caption, letters };
}

/** The size of a figure in words.
 * @param {{ width: number, height: number }} size in mm
 * @param {{ font: number }} options
 */
export function sizeWords({ width, height }, { font }) {
  const long = height > PAGE_MM ? ' It is higher than a page: choose a larger width or fewer panels.' : '';
  return `${Math.round(width)} × ${Math.round(height)} mm, smallest text ${font} pt.${long}`;
}

/** The dialog. `describe` gives the event and the details by which the server makes the open tab again.
 * @param {Crt.Page} page
 * @param {() => [string, object]} describe
 */
export function createFigureDialog(page, describe) {
  const { at, onRun } = page;
  const dialog = at('figure');
  const form = at('figure-form');
  const newest = newestOf(page.request);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let address = ''; // of the preview

  form.addEventListener('submit', (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    page.exportFile(at('figure-kind').value, { figure: chosen() });
    dialog.close();
  });
  form.addEventListener('change', (/** @type {Crt.InputEvent} */ event) => event.target !== at('figure-kind') && ask());
  at('figure-close').addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', (/** @type {MouseEvent} */ event) => event.target === dialog && dialog.close()); // beside it
  dialog.addEventListener('close', () => {
    clearTimeout(timer);
    newest.cancel();
    show('');
  });
  onRun(() => dialog.open && dialog.close()); // another image: the preview is not of it

  function chosen() {
    const value = (/** @type {string} */ name) => at(`figure-${name}`).value;
    return figureOptions({ width: value('width'), font: value('font'), lines: value('lines'), caption: value('caption'), letters: at('figure-letters').checked });
  }

  /** Request a preview when the choices rest. */
  function ask() {
    clearTimeout(timer);
    newest.cancel();
    at('figure-note').textContent = 'Computing…';
    at('figure-preview').classList.add('waiting');
    timer = setTimeout(load, REST_MS);
  }

  async function load() {
    const figure = chosen();
    try {
      const [event, details] = describe();
      const got = await newest.request(event, { ...details, kind: 'preview', figure }, { acrossRuns: true });
      const bytes = await downloaded(got.download);
      if (!dialog.open) return;
      show(URL.createObjectURL(new Blob([bytes], { type: 'image/png' })));
      at('figure-preview').style.width = `${got.width}mm`;
      at('figure-note').textContent = sizeWords(got, figure);
    } catch (error) {
      if (isDropped(error)) return;
      show(''); // the preview of other choices
      at('figure-note').replaceChildren(sentenceOf(error), ...(mayPass(error) ? [' ', make('button', { type: 'button', class: 'plain', text: 'Try again', on: { click: ask } })] : []));
    }
  }

  /** @param {string} url of the preview; '' for none */
  function show(url) {
    if (address) URL.revokeObjectURL(address);
    address = url;
    const image = at('figure-preview');
    image.hidden = !url;
    image.classList.remove('waiting');
    if (url) image.src = url;
    else image.removeAttribute('src');
  }

  return {
    open() {
      dialog.showModal();
      ask();
    },
  };
}
