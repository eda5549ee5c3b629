// Which images of a gallery are listed, and in which order: pure functions of the index and of the fields above the list.

/** A class of an image: its number, its score from 0 to 1, and its IoU; null where the mask does not have the class, or
 *  where there is no mask.
 * @typedef {[number, number, number | null]} ScoredClass
 */
/** An image of the index, its classes by score, the highest first; at least one.
 * @typedef {{ id: string, name: string, width: number, height: number, masked: boolean, classes: ScoredClass[] }} Entry
 */
/** What the fields above the list hold. `class_id`: null for all classes; scores from 0 to 1; `page` counts from 1.
 * @typedef {{ text: string, class_id: number | null, low: number, high: number, sort: string, page: number }} Filter
 */
/** An image with the class that it is listed with.
 * @typedef {{ entry: Entry, shown: ScoredClass }} Listed
 */

export const PAGE_SIZE = 60;
const AT = 'at'; // in an address, before the image that is in sight

/** What the field "Sort by" offers.
 * @type {Record<string, string>}
 */
export const SORTS = {
  name: 'File name',
  'score-high': 'Score, highest first',
  'score-low': 'Score, lowest first',
  'iou-high': 'IoU, highest first',
  'iou-low': 'IoU, lowest first',
};

/** @type {Readonly<Filter>} */
export const ALL = Object.freeze({ text: '', class_id: null, low: 0, high: 1, sort: 'name', page: 1 });

const names = new Intl.Collator('en', { numeric: true });

/** Images by file name, numbers in it by their value.
 * @param {Entry[]} entries
 */
export const byName = (entries) => [...entries].sort((a, b) => names.compare(a.name, b.name));

/** The images that pass, in order; of equal ones the order of `entries` stays. Without a class an image is listed with
 *  its highest score. Each word of the text is somewhere in the file name.
 * @param {Entry[]} entries
 * @param {Filter} filter
 * @returns {Listed[]}
 */
export function select(entries, { text, class_id, low, high, sort }) {
  const words = plain(text).split(/\s+/).filter(Boolean);
  const found = [];
  for (const entry of entries) {
    const shown = class_id === null ? entry.classes[0] : entry.classes.find(([index]) => index === class_id);
    if (!shown || shown[1] < low || shown[1] > high) continue;
    const name = words.length ? plain(entry.name) : '';
    if (words.every((word) => name.includes(word))) found.push({ entry, shown });
  }
  const [key, order] = sort.split('-');
  return key === 'name' ? found : found.sort(compareBy(key === 'iou' ? 2 : 1, order === 'low' ? 1 : -1));
}

/** Compares by a number of the class that an image is listed with; images without it come last.
 * @param {1 | 2} at
 * @param {1 | -1} sign 1 for the lowest first
 * @returns {(a: Listed, b: Listed) => number}
 */
function compareBy(at, sign) {
  return ({ shown: { [at]: a } }, { shown: { [at]: b } }) => {
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    return sign * (a - b);
  };
}

/** How many images have each class: [[class id, count]], by class name.
 * @param {Entry[]} entries
 * @param {string[]} classes names
 * @returns {[number, number][]}
 */
export function classCounts(entries, classes) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const entry of entries) for (const [index] of entry.classes) counts.set(index, (counts.get(index) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => names.compare(classes[a], classes[b]));
}

/** The mean of the IoUs that are known, and how many they are.
 * @param {Listed[]} listed
 * @returns {{ mean: number, count: number } | null} null without any
 */
export function meanIou(listed) {
  const known = listed.flatMap(({ shown: [, , iou] }) => (iou === null ? [] : [iou]));
  return known.length ? { mean: known.reduce((sum, iou) => sum + iou, 0) / known.length, count: known.length } : null;
}

/** The images of one page, and the pages there are. A page beyond the last is the last.
 * @param {Listed[]} listed
 * @param {number} page
 */
export function pageOf(listed, page) {
  const pages = Math.max(1, Math.ceil(listed.length / PAGE_SIZE));
  const shown = Math.min(Math.max(1, page), pages);
  return { page: shown, pages, images: listed.slice((shown - 1) * PAGE_SIZE, shown * PAGE_SIZE) };
}

/** Where an image is in a list, from 0, and the images before and after it, null at the ends; null for an image that the list lacks.
 * @param {Listed[]} listed
 * @param {string} id
 */
export function neighboursOf(listed, id) {
  const index = listed.findIndex(({ entry }) => entry.id === id);
  if (index < 0) return null;
  return { index, previous: listed[index - 1]?.entry ?? null, next: listed[index + 1]?.entry ?? null };
}

/** The filter that lists an image which is at this place of the list, on the page that has it.
 * @param {Filter} filter
 * @param {number} index from 0
 * @returns {Filter}
 */
export const filterAt = (filter, index) => ({ ...filter, page: Math.floor(index / PAGE_SIZE) + 1 });

/** The part of an address after # for a list with an image in sight.
 * @param {Filter} filter
 * @param {string[]} classes names
 * @param {string} id of the image
 */
export const encodePlace = (filter, classes, id) => [encodeFilter(filter, classes), new URLSearchParams({ [AT]: id })].filter(String).join('&');

/** The id of the image that is to be in sight, or ''.
 * @param {string} hash with or without its #
 */
export const placeOf = (hash) => new URLSearchParams(hash.replace(/^#/, '')).get(AT) ?? '';

/** A filter as the part of an address after #: what is as at first is left out.
 * @param {Filter} filter
 * @param {string[]} classes names
 */
export function encodeFilter({ text, class_id, low, high, sort, page }, classes) {
  const parts = new URLSearchParams();
  if (text) parts.set('q', text);
  if (class_id !== null) parts.set('class', classes[class_id]);
  if (low !== ALL.low) parts.set('min', String(low));
  if (high !== ALL.high) parts.set('max', String(high));
  if (sort !== ALL.sort) parts.set('sort', sort);
  if (page !== ALL.page) parts.set('page', String(page));
  return parts.toString();
}

/** The filter of an address; what cannot be read is as at first.
 * @param {string} hash with or without its #
 * @param {string[]} classes names
 * @returns {Filter}
 */
export function decodeFilter(hash, classes) {
  const parts = new URLSearchParams(hash.replace(/^#/, ''));
  const index = classes.indexOf(parts.get('class') ?? '');
  const sort = parts.get('sort') ?? '';
  const page = Number(parts.get('page'));
  return {
    text: parts.get('q') ?? ALL.text,
    class_id: index < 0 ? null : index,
    low: share(parts.get('min'), ALL.low),
    high: share(parts.get('max'), ALL.high),
    sort: Object.hasOwn(SORTS, sort) ? sort : ALL.sort,
    page: Number.isInteger(page) && page > 0 ? page : ALL.page,
  };
}

/** A number from 0 to 1, or `otherwise`.
 * @param {string | null} text
 * @param {number} otherwise
 */
function share(text, otherwise) {
  const value = Number(text);
  return text?.trim() && value >= 0 && value <= 1 ? value : otherwise;
}

/** A text as it is compared: lower case, in one Unicode form.
 * @param {string} text
 */
const plain = (text) => text.normalize('NFC').toLowerCase();
