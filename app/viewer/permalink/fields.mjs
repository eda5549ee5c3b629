// The settings that a link may hold: a short key, the path in the state, and the kind of value that is allowed there.
// Whoever adds a key to INITIAL adds its line here, or to NOT_LINKED with the reason; a test compares the two.

import { COLORMAPS } from '../maths/colormaps.mjs';
import { EXPLAINERS, PASS_REDUCTIONS } from '../core/constants.mjs';
import { INITIAL, TABS } from '../core/store.mjs';

const PANELS = Object.keys(INITIAL.visible);
const METHODS = PANELS.filter((name) => name !== 'input');
const NONE = '-';

/** A kind of value: `read(text)` gives it or undefined, `write(value)` the text, `problem` what is wrong with another one. `former`: names in
 *  earlier links -> those of today. */
const choice = (names, former = new Map()) => ({
  names, read: (text) => (names.includes(text) ? text : former.get(text)), write: String, problem: `is none of ${names.join(', ')}`,
});
const flag = { read: (text) => ({ 0: false, 1: true })[text], write: (value) => (value ? '1' : '0'), problem: 'is neither 0 nor 1' };
const between = (low, high, form, round, what) => ({
  low, high, whole: round === Math.round,
  read(text) {
    const value = form.test(text) ? Number(text) : NaN;
    return value >= low && value <= high ? value : undefined;
  },
  write: (value) => String(round(Math.min(high, Math.max(low, Number(value))))),
  problem: `is no ${what} from ${low} to ${high}`,
});
const whole = (low, high) => between(low, high, /^\d{1,6}$/, Math.round, 'whole number');
const number = (low, high) => between(low, high, /^\d{0,9}\.?\d{1,12}(e-?\d{1,2})?$/, (value) => Number(value.toPrecision(5)), 'number');
const orNull = (kind) => ({
  ...kind,
  none: true,
  read: (text) => (text === NONE ? null : kind.read(text)),
  write: (value) => (value === null || value === undefined ? NONE : kind.write(value)),
  problem: kind.problem,
});
/** Several kinds with dots between; those at the end that are absent are left out. `make(values)`, `take(value)`. */
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
const shown = {
  read(text) {
    const names = text === NONE ? [] : text.split('.');
    const known = names.every((name, i) => PANELS.includes(name) && names.indexOf(name) === i);
    return known ? Object.fromEntries(PANELS.map((name) => [name, names.includes(name)])) : undefined;
  },
  write: (value) => PANELS.filter((name) => value[name]).join('.') || NONE,
  problem: `names something else than ${PANELS.join(', ')}`,
};
const blockRange = tuple([whole(0, 99), whole(0, 99)], ([a, b]) => (a <= b ? [a, b] : undefined), (value) => value);
const side = tuple(
  [choice(METHODS), orNull(whole(0, 9)), orNull(flag)],
  ([method, loops, refined]) => ({ method, ...(loops === null ? {} : { loops }), ...(refined === null ? {} : { refined }) }),
  ({ method, loops, refined }) => [method, loops, refined],
);
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
const addedPanel = {
  read: (text) => attention.read(text) ?? explainer.read(text),
  write: (value) => (value.kind === 'explainer' ? explainer : attention).write(value),
  problem: attention.problem,
};

/** Fields of the state: key in the link -> [path in INITIAL, kind].
 * @type {Map<string, [string, any]>}
 */
export const FIELDS = new Map(Object.entries({
  t: ['tab', choice(TABS)],
  n: ['multi_select', flag],
  l: ['loops', whole(0, 9)],
  r: ['refined', flag],
  b: ['blocks', orNull(blockRange)],
  cb: ['pass_reduction', choice(Object.keys(PASS_REDUCTIONS), new Map([['evened', 'tile_normalized']]))],
  th: ['threshold', number(0, 1)],
  o: ['outline', flag],
  bx: ['boxes', flag],
  ov: ['overlay', choice(['heat', 'mask'])],
  ce: ['cells', flag],
  op: ['opacity', number(0, 1)],
  cm: ['colormap', choice(COLORMAPS.map(({ id }) => id))],
  sc: ['scale', choice(['map', 'shared', 'absolute'])],
  ac: ['absolute.cam', orNull(number(1e-9, 1e9))],
  ap: ['absolute.product', orNull(number(1e-9, 1e9))],
  p: ['visible', shown],
  tr: ['ground_truth', flag],
  zk: ['zoom.k', number(1, 16)],
  zx: ['zoom.x', number(0, 1)],
  zy: ['zoom.y', number(0, 1)],
  w: ['compare.view', choice(['side', 'swipe', 'blink', 'difference'])],
  wa: ['compare.a', side],
  wb: ['compare.b', side],
  ws: ['compare.split', number(0, 1)],
  wr: ['compare.rate', number(0.25, 3)],
  wu: ['compare.unit', choice(['share', 'raw'])],
  ym: ['layers.method', choice(METHODS)],
  yh: ['layers.head', orNull(whole(0, 99))],
  ys: ['layers.scale', choice(['cell', 'all'])],
  av: ['ablate.show', choice(['sizes', 'modes', 'curves', 'ladder'])],
  x: ['added_panel', orNull(addedPanel)],
  jc: ['random_baseline', flag],
  km: ['mask.method', choice(METHODS)],
  kf: ['mask.crf', flag],
  kw: ['mask.walk', flag],
  kx: ['mask.walkThreshold', number(0, 1)],
  ks: ['mask.walkSteps', whole(0, 12)],
  ke: ['mask.walkBeta', number(1, 30)],
  kd: ['mask.deeplab', flag],
  kc: ['mask.contours', flag],
  kb: ['mask.boxes', flag],
  ki: ['mask.iterations', whole(0, 100)],
  kg: ['mask.gaussianSxy', number(0, 1e4)],
  kh: ['mask.gaussianCompat', number(0, 1e4)],
  kl: ['mask.bilateralSxy', number(0, 1e4)],
  kr: ['mask.bilateralSrgb', number(0, 1e4)],
  kt: ['mask.bilateralCompat', number(0, 1e4)],
}));
/** Keys of INITIAL that no field holds, and why. */
export const NOT_LINKED = {
  classes: 'named in c, because numbers mean other classes to another checkpoint',
  drawing: 'a tool in use',
  drawn: 'ground truth stays with the one who drew it, and a link leaves it as it is',
};
