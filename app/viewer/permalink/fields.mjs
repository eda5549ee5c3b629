// The settings that a link may hold: a short key, the path in the state, and the kind of value that is allowed there.

import { EXPLAINERS } from '../core/constants.mjs';
import { SETTINGS } from '../core/schema.mjs';
import { settingAt } from '../core/settings.mjs';

const PANELS = settingAt('visible').names ?? [];
const METHODS = settingAt('added_panel').names ?? [];
const SIDES = settingAt('compare.a').names ?? [];
const LOOPS = settingAt('loops');
const BLOCKS = settingAt('blocks');
const NONE = '-';
const CLASS_MARK = '~'; // between the settings of a side and its class
export const NAME_MAX_CHARS = 200; // of a class or checkpoint in a link; of a side's class as it stands in the address

/** Least and most of a setting.
 * @param {Crt.Setting} setting
 * @returns {[number, number]}
 */
function bounds({ path, low, high }) {
  if (low === undefined || high === undefined) throw new Error(`${path} has no bounds`);
  return [low, high];
}

/** @template T @typedef {{ read(text: string): T | undefined, write(value: any): string, problem: string, names?: readonly string[], low?: number, high?: number, whole?: boolean, none?: boolean }} Kind */

/** A kind of value: `read(text)` gives it or undefined, `write(value)` the text, `problem` what is wrong with another one. `former`: names in
 *  earlier links -> those of today.
 * @param {readonly string[]} names
 * @param {Map<string, string>} former
 * @returns {Kind<string>}
 */
const choice = (names, former = new Map()) => ({
  names, read: (text) => (names.includes(text) ? text : former.get(text)), write: String, problem: `is none of ${names.join(', ')}`,
});
/** @type {Kind<boolean>} */
const flag = { read: (text) => ({ 0: false, 1: true })[text], write: (value) => (value ? '1' : '0'), problem: 'is neither 0 nor 1' };
/**
 * @param {number} low
 * @param {number} high
 * @param {RegExp} form
 * @param {(value: number) => number} round
 * @param {string} what
 * @returns {Kind<number>}
 */
const between = (low, high, form, round, what) => ({
  low, high, whole: round === Math.round,
  read(text) {
    const value = form.test(text) ? Number(text) : NaN;
    return value >= low && value <= high ? value : undefined;
  },
  write: (value) => String(round(Math.min(high, Math.max(low, Number(value))))),
  problem: `is no ${what} from ${low} to ${high}`,
});
/**
 * @param {number} low
 * @param {number} high
 */
const whole = (low, high) => between(low, high, /^\d{1,6}$/, Math.round, 'whole number');
/**
 * @param {number} low
 * @param {number} high
 */
const number = (low, high) => between(low, high, /^\d{0,9}\.?\d{1,12}(e-?\d{1,2})?$/, (value) => Number(value.toPrecision(5)), 'number');
/** A kind whose values may be null.
 * @template T
 * @param {Kind<T>} kind
 * @returns {Kind<T | null>}
 */
const orNull = (kind) => ({
  ...kind,
  none: true,
  read: (text) => (text === NONE ? null : kind.read(text)),
  write: (value) => (value === null || value === undefined ? NONE : kind.write(value)),
  problem: kind.problem,
});
/** Several kinds with dots between; those at the end that are absent are left out. `make(values)`, `take(value)`.
 * @template T
 * @param {Kind<any>[]} kinds
 * @param {(values: any[]) => T | undefined} make
 * @param {(value: any) => unknown[]} take
 * @returns {Kind<T>}
 */
const tuple = (kinds, make, take) => ({
  read(text) {
    const parts = text.split('.');
    if (parts.length > kinds.length) return undefined;
    const values = kinds.map((kind, i) => kind.read(parts[i] ?? NONE));
    return values.includes(undefined) ? undefined : make(values);
  },
  write: (value) => take(value).map((one, i) => kinds[i].write(one)).join('.').replace(/(\.-)+$/, ''),
  problem: 'is not in the form of this field',
});
/** @type {Kind<Record<string, boolean>>} */
const shown = {
  read(text) {
    const names = text === NONE ? [] : text.split('.');
    const known = names.every((name, i) => PANELS.includes(name) && names.indexOf(name) === i);
    return known ? Object.fromEntries(PANELS.map((name) => [name, names.includes(name)])) : undefined;
  },
  write: (value) => PANELS.filter((name) => value[name]).join('.') || NONE,
  problem: `names something else than ${PANELS.join(', ')}`,
};
const blockRange = tuple([whole(...bounds(BLOCKS)), whole(...bounds(BLOCKS))], ([a, b]) => (a <= b ? [a, b] : undefined), (value) => value);
const sideSettings = tuple(
  [choice(SIDES), orNull(whole(...bounds(LOOPS))), orNull(flag)],
  ([method, loops, refined]) => ({ method, ...(loops === null ? {} : { loops }), ...(refined === null ? {} : { refined }) }),
  ({ method, loops, refined }) => [method, loops, refined],
);
/** The settings of a side, and the name of its class after a mark: `crt.2.1~dog`.
 * @type {Kind<Crt.Side>}
 */
const side = {
  read(text) {
    const [settings, ...rest] = text.split(CLASS_MARK);
    const found = sideSettings.read(settings);
    const name = rest.join(CLASS_MARK);
    if (!found || !rest.length) return found;
    return name && name.length <= NAME_MAX_CHARS ? { ...found, class: name } : undefined;
  },
  write: (value) => sideSettings.write(value) + (value.class && encodeURIComponent(value.class).length <= NAME_MAX_CHARS ? CLASS_MARK + value.class : ''),
  problem: sideSettings.problem,
};
const attention = tuple(
  [choice(['attention']), choice(METHODS), orNull(whole(0, 9)), orNull(whole(0, 99)), orNull(whole(0, 99))],
  ([kind, method, pass, block, head]) => ({ kind, method, pass, block, head }),
  ({ kind, method, pass, block, head }) => [kind, method, pass, block, head],
);
const explainer = tuple(
  [choice(['explainer']), choice(METHODS), choice(Object.keys(EXPLAINERS))],
  ([kind, method, name]) => ({ kind, method, name }),
  ({ kind, method, name }) => [kind, method, name],
);
const file = tuple([choice(['file']), whole(1, 9999)], ([kind, id]) => ({ kind, id }), ({ kind, id }) => [kind, id]);
const ADDED_PANELS = new Map(Object.entries(/** @type {Record<string, Kind<any>>} */ ({ attention, explainer, file })));
/** @type {Kind<Crt.State['added_panel']>} */
const addedPanel = {
  read: (text) => ADDED_PANELS.get(text.split('.')[0])?.read(text),
  write: (value) => /** @type {Kind<any>} */ (ADDED_PANELS.get(value.kind)).write(value),
  problem: attention.problem,
};

/** The kind of a setting's values, by its type.
 * @type {Record<string, (setting: Crt.Setting) => Kind<any>>}
 */
const KINDS = {
  choice: ({ names = [], former = {} }) => choice(names, new Map(Object.entries(former))),
  flag: () => flag,
  whole: (setting) => whole(...bounds(setting)),
  number: (setting) => number(...bounds(setting)),
  blocks: () => blockRange,
  panels: () => shown,
  side: () => side,
  added_panel: () => addedPanel,
};

/** Fields of the state: key in the link -> [path in INITIAL, kind].
 * @type {Map<string, [string, Kind<any>]>}
 */
export const FIELDS = new Map(SETTINGS.filter(({ key }) => key).map((setting) => {
  const kind = KINDS[setting.type](setting);
  return [/** @type {string} */ (setting.key), [setting.path, setting.none ? orNull(kind) : kind]];
}));
/** Keys of INITIAL that no field holds, and why.
 * @type {Record<string, string>}
 */
export const NOT_LINKED = Object.fromEntries(SETTINGS.filter(({ unlinked }) => unlinked).map(({ path, unlinked = '' }) => [path, unlinked]));
