// The images before and after that of a page, in the list from which the visitor has come: links, and the arrow keys. The list
// is the filter in the address, over the index that the pages of a gallery share (app/gallery/site.py).

import { make, part } from '../core/dom.mjs';
import { byName, decodeFilter, encodeFilter, encodePlace, filterAt, neighboursOf, select } from './selection.mjs';

/** @typedef {import('./selection.mjs').Entry} Entry */

const ADDRESS = '../shared/index.js';
/** What has arrow keys of its own, and what stands before the page. */
const HAS_ARROWS = 'input, select, textarea, [role="tab"], [role="slider"], [role="application"], [role="menu"], [role="grid"], dialog, .crt-viewer[data-present]';
/** @type {Record<string, 'previous' | 'next'>} */
const KEYS = { ArrowLeft: 'previous', ArrowRight: 'next' };

/** The image that a key leads to; null for a key that is not ours.
 * @param {Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey' | 'defaultPrevented'>} event
 */
export function sideOfKey({ key, ctrlKey, metaKey, altKey, shiftKey, defaultPrevented }) {
  if (ctrlKey || metaKey || altKey || shiftKey || defaultPrevented) return null;
  return Object.hasOwn(KEYS, key) ? KEYS[key] : null;
}

/** The addresses around an image of a list, from its page: the list with the image in sight, the pages before and after, null
 *  at the ends, and how far the image is.
 * @param {{ classes: string[], images: Entry[] }} index
 * @param {string} id of the image
 * @param {string} hash of the page's address
 */
export function linksAround({ classes, images }, id, hash) {
  const filter = decodeFilter(hash, classes);
  const listed = select(byName(images), filter);
  const found = neighboursOf(listed, id);
  const list = `../index.html#${encodePlace(found ? filterAt(filter, found.index) : filter, classes, id)}`;
  if (!found) return { list, previous: null, next: null, position: '' };
  const pageOf = (/** @type {Entry | null} */ entry, /** @type {number} */ place) => {
    const own = encodeFilter(filterAt(filter, place), classes);
    return entry && `${entry.id}.html${own && '#'}${own}`;
  };
  return { list, previous: pageOf(found.previous, found.index - 1), next: pageOf(found.next, found.index + 1), position: `${found.index + 1} of ${listed.length}` };
}

/** Show the links of a page, as soon as the index is there.
 * @param {HTMLElement} element that holds the page
 * @param {string} id of its image
 */
export async function mountNeighbours(element, id) {
  part(element, 'gallery-list').href = `../index.html${window.location.hash}`;
  const index = await loadIndex();
  const position = part(element, 'image-position');
  if (!index) {
    position.textContent = 'The list of the images could not be read.';
    return;
  }
  const links = linksAround(index, id, window.location.hash);
  part(element, 'gallery-list').href = links.list;
  position.textContent = links.position;
  for (const side of Object.values(KEYS)) {
    const link = part(element, `${side}-image`);
    link.hidden = !links[side];
    if (links[side]) link.href = links[side];
  }
  document.addEventListener('keydown', (event) => {
    const side = sideOfKey(event);
    if (!side || (event.target instanceof Element && event.target.closest(HAS_ARROWS))) return;
    const link = part(element, `${side}-image`);
    if (!link.hidden) link.click();
  });
}

/** The index of the gallery, null where it cannot be read.
 * @returns {Promise<{ classes: string[], images: Entry[] } | null>}
 */
function loadIndex() {
  return new Promise((resolve) => {
    const end = () => resolve(/** @type {any} */ (window).crtIndex ?? null);
    document.head.append(make('script', { src: ADDRESS, on: { load: end, error: end } }));
  });
}
