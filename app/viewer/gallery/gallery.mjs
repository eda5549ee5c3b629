// The index of a gallery: thumbnails, and fields that choose among them. app/gallery makes the site, and
// standalone/boot.js opens this page as it opens the pages of the images.

import { make, part, percent } from '../core/dom.mjs';
import { countWords } from '../core/words.mjs';
import { followTheme } from '../standalone/theme.mjs';
import { ALL, SORTS, byName, classCounts, decodeFilter, encodeFilter, encodePlace, meanIou, pageOf, placeOf, select } from './selection.mjs';

const ADDRESS_DELAY_MS = 400; // ms without a change before the address follows

/** What the page of a gallery holds. `masks`: whether any image has a mask; `failed`: the images that could not be used.
 * @typedef {{ title: string, checkpoint: string, threshold: number, classes: string[], masks: boolean, images: import('./selection.mjs').Entry[], failed: { name: string, reason: string }[] }} Index
 */

/** @param {HTMLElement} element
 * @param {Index} index
 */
export function openFile(element, index) {
  followTheme();
  const at = (/** @type {string} */ role) => part(element, role);
  const { classes, masks } = index;
  const entries = byName(index.images);
  let filter = read();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let own = ''; // the address that this page has written, until it hears of it

  document.title = index.title;
  at('title').textContent = index.title;
  at('about').textContent = aboutWords(index);
  at('sort').append(...Object.entries(SORTS).filter(([name]) => masks || !name.startsWith('iou')).map(([value, text]) => make('option', { value, text })));
  at('class').append(make('option', { value: '', text: 'All classes' }), ...classCounts(entries, classes).map(([value, count]) => make('option', { value, text: `${classes[value]} (${count})` })));
  showFailed(at('failed'), index.failed);
  fill();
  draw();
  at('controls').hidden = false;
  returnTo(placeOf(window.location.hash));

  at('filters').addEventListener('submit', (/** @type {Event} */ event) => event.preventDefault());
  at('filters').addEventListener('input', () => change({ ...fields(), page: 1 }));
  at('reset').addEventListener('click', () => {
    change(ALL);
    fill();
  });
  at('previous').addEventListener('click', () => turn(-1));
  at('next').addEventListener('click', () => turn(1));
  at('cards').addEventListener('click', (/** @type {MouseEvent} */ { target }) => {
    const id = /** @type {Element} */ (target).closest('a')?.dataset.id;
    if (id) write(encodePlace(filter, classes, id)); // for the browser's Back
  });
  window.addEventListener('hashchange', () => {
    const isOwn = window.location.hash === own;
    own = '';
    if (isOwn || isFollowed()) return; // the filter may be a newer one than the address
    filter = read();
    fill();
    draw();
  });

  function read() {
    return decodeFilter(window.location.hash, classes);
  }

  /** @returns {import('./selection.mjs').Filter} */
  function fields() {
    const [low, high] = ['low', 'high'].map((role) => (at(role).value === '' ? null : Math.min(Math.max(Number(at(role).value) / 100, 0), 1)));
    const { value } = at('class');
    return { text: at('text').value, class_id: value === '' ? null : Number(value), low: low ?? ALL.low, high: high ?? ALL.high, sort: at('sort').value, page: filter.page };
  }

  /** Put the filter into the fields. */
  function fill() {
    at('text').value = filter.text;
    at('class').value = filter.class_id ?? '';
    at('low').value = filter.low === ALL.low ? '' : percentText(filter.low);
    at('high').value = filter.high === ALL.high ? '' : percentText(filter.high);
    at('sort').value = filter.sort;
  }

  /** @param {import('./selection.mjs').Filter} next */
  function change(next) {
    filter = next;
    draw();
    clearTimeout(timer);
    timer = setTimeout(follow, ADDRESS_DELAY_MS);
  }

  /** Whether the address names the filter. */
  function isFollowed() {
    return encodeFilter(read(), classes) === encodeFilter(filter, classes);
  }

  /** The address names the filter, so that the browser's Back and a link lead to the same list. An empty part after #
   *  would scroll to the top. */
  function follow() {
    if (!isFollowed()) write(encodeFilter(filter, classes) || 'all');
  }

  /** @param {string} place */
  function write(place) {
    const before = window.location.hash;
    window.location.replace(`#${place}`);
    if (window.location.hash !== before) own = window.location.hash;
  }

  /** @param {1 | -1} step */
  function turn(step) {
    change({ ...filter, page: filter.page + step });
    at('cards').querySelector('a')?.focus({ preventScroll: true });
    at('count').scrollIntoView();
  }

  /** Where the visitor has been: an image in sight, with the focus.
   * @param {string} id of the image, or ''
   */
  function returnTo(id) {
    const link = /** @type {HTMLElement[]} */ ([...at('cards').querySelectorAll('a')]).find(({ dataset }) => dataset.id === id);
    link?.scrollIntoView({ block: 'center' });
    link?.focus({ preventScroll: true });
  }

  function draw() {
    const listed = select(entries, filter);
    const { page, pages, images } = pageOf(listed, filter.page);
    filter = { ...filter, page };
    at('cards').replaceChildren(...images.map((one) => card(one, classes, encodeFilter(filter, classes))));
    at('count').textContent = countText(listed, entries.length);
    at('pages').hidden = pages < 2;
    at('page').textContent = `Page ${page} of ${pages}`;
    at('previous').disabled = page === 1;
    at('next').disabled = page === pages;
  }
}

/** @param {number} share from 0 to 1 */
const percentText = (share) => String(Number((100 * share).toFixed(2)));

/** @param {Index} index */
export function aboutWords({ checkpoint, images, masks, threshold }) {
  const iou = masks ? ` IoU is that of the CAM above the threshold of ${percent(threshold)} with the mask.` : '';
  return `${countWords(images.length, 'image')}, checkpoint ${checkpoint}. Each thumbnail has the CAM of the class with the highest score.${iou}`;
}

/** How many images are listed, and their mean IoU.
 * @param {import('./selection.mjs').Listed[]} listed
 * @param {number} total
 */
export function countText(listed, total) {
  const iou = meanIou(listed);
  const mean = iou ? `, mean IoU ${percent(iou.mean)} (${countWords(iou.count, 'image')})` : '';
  return `${listed.length === total ? '' : `${listed.length} of `}${countWords(total, 'image')}${mean}`;
}

/** What stands below a thumbnail: a class with its score, and its IoU where the image has a mask.
 * @param {import('./selection.mjs').Listed} listed
 * @param {string[]} classes names
 */
export function cardText({ entry: { masked }, shown: [index, score, iou] }, classes) {
  const overlap = iou === null ? 'not in the mask' : `IoU ${percent(iou)}`;
  return `${classes[index]} ${percent(score)}${masked ? ` · ${overlap}` : ''}`;
}

/** The link to the page of an image, which gets the list that it is from.
 * @param {import('./selection.mjs').Listed} listed
 * @param {string[]} classes
 * @param {string} list as encodeFilter gives it
 */
function card(listed, classes, list) {
  const { id, name, width, height, classes: [[top]] } = listed.entry;
  const thumbnail = make('img', { src: `thumbs/${id}.jpg`, alt: `CAM of ${classes[top]}`, width, height, loading: 'lazy', decoding: 'async' });
  return make('li', {}, [
    make('a', { href: `pages/${id}.html${list && '#'}${list}`, 'data-id': id }, [
      make('span', { class: 'frame' }, [thumbnail]),
      make('span', { class: 'name', text: name }),
      make('span', { class: 'facts', text: cardText(listed, classes) }),
    ]),
  ]);
}

/** @param {HTMLElement} box
 * @param {Index['failed']} failed
 */
function showFailed(box, failed) {
  box.hidden = !failed.length;
  part(box, 'failed-count').textContent = `${countWords(failed.length, 'file')} could not be used`;
  part(box, 'failed-list').replaceChildren(...failed.map(({ name, reason }) => make('li', {}, [make('b', { text: name }), `: ${reason}`])));
}
