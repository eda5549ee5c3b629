// A screen as a query string, and back: `?v=1&pic=ex.cat&s=336&c=cat&l=2`. Only what differs from INITIAL is written, so
// what a link does not name is as in INITIAL. Every value of a link is checked by the kind of its field.

import { FIELDS, NAME_MAX_CHARS, NOT_LINKED } from './fields.mjs';
import { SETTINGS } from '../core/schema.mjs';
import { put, valueAt } from '../core/settings.mjs';
import { INITIAL, withKnownClass } from '../core/store.mjs';

export const VERSION = '1';
export const SIZES = ['224', '336', '448', '560', '672', 'native'];
export const MODES = ['overlap', 'non-overlap', 'bilinear', 'deconvolution'];
/** Personal display settings, which an example does not change: keys of INITIAL. */
export const PERSONAL_SETTINGS = [...new Set(SETTINGS.filter(({ personal }) => personal).map(({ path }) => path.split('.')[0]))];
const QUERY_MAX_CHARS = 4000; // characters of a query that are read
const NAMES_MAX_CHARS = 800; // characters of all class names, also of the sides of a comparison; with the other fields a link stays under 1500
const IMAGE_ID = /^(ex\.[\w-]{1,64}|sha\.[0-9a-f]{32})$/;
const FOREIGN_KEY = /^(_|utm_)|^(view|logs|deep_link|ref)$/; // of Gradio, of Spaces, of those who pass links on

/** What a link holds; `settings` are those of the state but for NOT_LINKED, and what the link lacks is null. `keep`: settings that
 *  stay as they are; `missed`: the image on the page when the link's own was gone.
 * @typedef {object} Link
 * @property {boolean} linked
 * @property {Crt.State} settings
 * @property {string[]} names
 * @property {string | null} image
 * @property {string | null} checkpoint
 * @property {string | null} size
 * @property {string | null} mode
 * @property {string[]} problems
 * @property {string[]} [keep]
 * @property {string} [missed]
 */

/** The image of a run as a link names it.
 * @param {Pick<Crt.Run, 'example' | 'imageId'>} run
 */
export function imageOf(run) {
  return run.example ? `ex.${run.example}` : `sha.${String(run.imageId).slice(0, 32)}`;
}

/** State and header of the run on the page -> a query string without its question mark. A map that the user has given as a
 *  file is in no link; with `saved`, for an interactive page or a scene, which has it, it is the first of its files.
 * @param {Crt.State} state
 * @param {Crt.Run | null} run
 * @param {boolean} [saved]
 */
export function encode(state, run, saved = false) {
  const written = saved ? withFirstFile(state) : withoutFile(state);
  const parts = [`v=${VERSION}`];
  if (run) {
    const image = imageOf(run);
    if (IMAGE_ID.test(image)) parts.push(`pic=${image}`);
    if (run.chosen?.checkpoint) parts.push(`k=${escaped(run.chosen.checkpoint)}`);
    if (SIZES.includes(run.chosen?.size)) parts.push(`s=${run.chosen.size}`);
    if (MODES.includes(run.chosen?.mode) && run.chosen.mode !== run.checkpoint.modes[0]) parts.push(`m=${run.chosen.mode}`);
    const ofSides = escaped([state.compare.a, state.compare.b].map((side) => side.class ?? '').join('')).length;
    const names = within(state.classes.map((index) => run.classes[index]).filter((name) => name && name.length <= NAME_MAX_CHARS), NAMES_MAX_CHARS - ofSides);
    if (names.length) parts.push(`c=${names.join(',')}`);
  }
  for (const [key, [path, kind]] of FIELDS) {
    const text = kind.write(valueAt(written, path));
    if (text !== kind.write(valueAt(INITIAL, path))) parts.push(`${key}=${escaped(text)}`);
  }
  return parts.join('&');
}

/** @param {Crt.State} state */
const withFirstFile = (state) => (state.added_panel?.kind === 'file' ? { ...state, added_panel: { kind: /** @type {const} */ ('file'), id: 1 } } : state);

/** Settings without a map from a file.
 * @template {Pick<Crt.State, 'added_panel' | 'compare'>} T
 * @param {T} state
 * @returns {T}
 */
export function withoutFile(state) {
  if (state.added_panel?.kind !== 'file') return state;
  const { a, b } = state.compare;
  const side = (/** @type {Crt.Side} */ now, /** @type {Crt.Side} */ first) => (now.method === 'added_panel' ? { ...now, ...first } : now);
  return { ...state, added_panel: null, compare: { ...state.compare, a: side(a, INITIAL.compare.a), b: side(b, INITIAL.compare.b) } };
}

/** A query string -> { linked, settings, names, image, size, mode, problems }. `settings` is a whole state but for
 *  NOT_LINKED; indices of the classes join it if the names `known` to the checkpoint are given; what the link lacks is null.
 *  `linked`: whether the query is a link of ours at all.
 * @param {string} query
 * @param {string[] | null} known
 * @returns {Link}
 */
export function decode(query, known = null) {
  const found = /** @type {Link} */ ({ linked: false, settings: structuredClone(INITIAL), names: [], image: null, checkpoint: null, size: null, mode: null, problems: [] });
  for (const key of Object.keys(NOT_LINKED)) delete /** @type {Partial<Crt.State>} */ (found.settings)[/** @type {keyof Crt.State} */ (key)];
  const values = parse(query, found.problems);
  const ours = [...values.keys()].some((key) => FIELDS.has(key) || ['v', 'pic', 'k', 's', 'm', 'c'].includes(key));
  if (!ours) return { ...found, problems: values.size ? [] : found.problems };
  if (values.get('v') !== VERSION) {
    const version = values.has('v') ? `version ${quoted(values.get('v'))} of a link is not known here` : 'the link names no version';
    return { ...found, problems: [version] };
  }
  found.linked = true;
  const wrong = (/** @type {string} */ key, /** @type {string} */ problem) => found.problems.push(`${key}=${quoted(values.get(key))} ${problem}`);
  for (const [key, text] of values) {
    if (key === 'v' || FOREIGN_KEY.test(key)) continue;
    if (key === 'c') found.names = classNames(text, found.problems);
    else if (key === 'pic') found.image = IMAGE_ID.test(text) ? text : (wrong(key, 'is no image'), null);
    else if (key === 'k') found.checkpoint = text && text.length <= NAME_MAX_CHARS ? text : (wrong(key, 'is no name'), null);
    else if (key === 's') found.size = SIZES.includes(text) ? text : (wrong(key, 'is no input size'), null);
    else if (key === 'm') found.mode = MODES.includes(text) ? text : (wrong(key, 'is no cut-merge mode'), null);
    else {
      const field = FIELDS.get(key);
      if (!field) {
        found.problems.push(`${quoted(key)} is not known`);
        continue;
      }
      const [path, kind] = field;
      const value = kind.read(text);
      if (value === undefined) wrong(key, kind.problem);
      else put(found.settings, path, value);
    }
  }
  return known ? settle(found, known) : found;
}

/** Classes of a link as indices into the names of a checkpoint's classes, and those of the sides of its comparison; others become problems.
 * @param {Link} found
 * @param {string[]} known
 * @returns {Link}
 */
function settle(found, known) {
  const names = found.names.flatMap((name) => (known.includes(name) ? [name] : name.split(',')));
  const classes = [...new Set(names.map((name) => known.indexOf(name)).filter((index) => index >= 0))];
  const { compare } = found.settings;
  const named = [...names, ...[compare.a, compare.b].flatMap((side) => side.class ?? [])];
  const missing = [...new Set(named)].filter((name) => !known.includes(name)).map((name) => `this checkpoint has no class ${quoted(name)}`);
  const [a, b] = [compare.a, compare.b].map((side) => withKnownClass(side, known));
  const settings = { ...found.settings, compare: { ...compare, a, b } };
  return { ...found, settings: classes.length ? { ...settings, classes } : settings, problems: [...found.problems, ...missing] };
}

/** One sentence about all that was wrong with a link; empty if nothing was.
 * @param {string[]} problems
 */
export function problemMessage(problems) {
  if (!problems.length) return '';
  const rest = problems.length > 4 ? `; and ${problems.length - 4} more` : '';
  return `Parts of this link were left out: ${problems.slice(0, 4).join('; ')}${rest}.`;
}

/** A link's settings as a run can show them: its classes, no more loops and blocks than it has. Where the link names no
 *  class of the checkpoint, and no end of the absolute scale, those of `state` stay.
 * @param {Link} link
 * @param {Pick<Crt.View, 'run' | 'prediction'>} view
 * @param {Crt.State} state
 */
export function fit(link, { run, prediction }, state) {
  const { settings, problems } = settle({ ...link, problems: [] }, run.classes);
  const depth = Math.max(1, ...run.methods.map((method) => prediction.depth(method)));
  const blocks = /** @type {Crt.Blocks} */ (settings.blocks?.map((block) => Math.min(block, depth - 1)) ?? null);
  const absolute = { cam: settings.absolute.cam ?? state.absolute.cam, product: settings.absolute.product ?? state.absolute.product };
  return { settings: { ...settings, blocks, absolute, loops: Math.min(settings.loops, run.maxLoops) }, problems };
}

/** The query of an address with our part replaced by `query`; what belongs to others stays.
 * @param {string} before
 * @param {string} query
 */
export function address(before, query) {
  const foreign = before.replace(/^\?/, '').split('&').filter((part) => FOREIGN_KEY.test(part.split('=')[0]));
  return `?${[...foreign, query].join('&')}`;
}

/**
 * @param {string} query
 * @param {string[]} problems
 */
function parse(query, problems) {
  /** @type {Map<string, string>} */
  const values = new Map();
  /** @type {Set<string>} */
  const repeated = new Set();
  if (query.length > QUERY_MAX_CHARS) problems.push('it is too long');
  for (const part of query.slice(0, QUERY_MAX_CHARS).replace(/^\?/, '').split('&')) {
    const [key, ...rest] = part.split('=');
    if (!key) continue;
    if (values.has(key)) repeated.add(key);
    values.set(key, key === 'c' ? rest.join('=') : plain(rest.join('=')) ?? '');
  }
  for (const key of repeated) {
    values.delete(key);
    if (!FOREIGN_KEY.test(key)) problems.push(`${quoted(key)} is there twice`);
  }
  return values;
}

/**
 * @param {string} text
 * @param {string[]} problems
 */
function classNames(text, problems) {
  const names = text.split(',').map(plain);
  const good = names.flatMap((name) => (name && name.length <= NAME_MAX_CHARS ? [name] : []));
  if (good.length < names.length) problems.push('a class name cannot be read');
  return [...new Set(good)].slice(0, 100);
}

/** The first names that together have at most so many characters in an address.
 * @param {string[]} names
 * @param {number} most
 */
function within(names, most) {
  const written = names.map(escaped);
  let length = 0;
  return written.filter((name) => (length += name.length + 1) <= most);
}

/** @param {string} text */
function plain(text) {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null; // a broken percent sign
  }
}

/** @param {string} text */
const escaped = (text) => encodeURIComponent(text).replaceAll("'", '%27'); // as an address has it
/** @param {unknown} text */
const quoted = (text) => `“${String(text).slice(0, 24)}${String(text).length > 24 ? '…' : ''}”`;
