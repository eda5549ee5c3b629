// What each panel shows, from the state alone: which maps, on which scale, under which words.
//
// A spec: { key, title, note, score, empty, ariaLabel, layers, scales, layerAt(point, state), retry, choice }. `layers` are drawn one over
// the other, `scales` have a colour bar and are read out at the crosshair; `layerAt` gives the one that a point belongs to;
// `retry()`, if any, requests a map anew that could not be had.
// A layer: { method, shown, range, signed, from, to, name, letter, title, classes, subject, ends }: `shown` as currentMap gives it,
// `from` and `to` the part of the panel's width that it fills, `classes` those whose ground truth belongs to it, `subject` their names
// where titles give them, `ends` the names at the two ends of a signed scale.

import { ranges } from '../maths/color_scale.mjs';
import { figure } from '../maths/numbers.mjs';
import { gridSize } from './draw.mjs';
import { by, chosenNames, nameOf, settingsOf, titleOf } from './maps.mjs';
import { percent } from '../core/dom.mjs';
import { shownMaps } from './shown_maps.mjs';
import { UNIT_NAMES } from '../core/constants.mjs';
import { METHOD_NOTES, METHOD_TITLES, scoreRow } from '../core/store.mjs';
import { toScreen } from './zoom.mjs';

/** Specs of the panels of the Explore tab. `maps`: as createMaps gives it; `added_panel`: one more panel as page.addedPanels makes it, or null;
 *  `other`: whether the blinking panel shows B now.
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @param {Crt.Maps} maps
 * @param {(Crt.AddedPanel & Crt.Scaled) | null} added_panel
 * @returns {Crt.PanelSpec[]}
 */
export function panelSpecsOf(state, view, maps, added_panel = null, other = false) {
  if (state.compare.view === 'side') return sideBySide(state, view, maps, added_panel);
  return state.compare.view === 'classes' ? gridded(state, view, maps) : compared(state, view, maps, other);
}

/**
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @param {Crt.Maps} maps
 * @param {(Crt.AddedPanel & Crt.Scaled) | null} added_panel
 * @returns {Crt.PanelSpec[]}
 */
function sideBySide(state, view, maps, added_panel) {
  const shown = shownMaps(state, view.run).map(({ method, own }) => maps.shown(state, view, method, own));
  const vmaxes = ranges(added_panel ? [...shown, added_panel] : shown, state.scale, state.absolute);
  const specs = shown.map((one, i) => mapSpec(view, one, vmaxes[i]));
  specs.push(...(view.run.pending ?? []).filter((method) => state.visible[method]).map((method) => pendingSpec(state, method, METHOD_TITLES[method])));
  if (added_panel) specs.push(addedSpec(state, view, added_panel, vmaxes[shown.length]));
  return state.visible.input ? [imageSpec(state), ...specs] : specs;
}

/** @param {Crt.State} state */
function imageSpec({ classes }) {
  return {
    key: 'input', title: METHOD_TITLES.input, note: METHOD_NOTES.input, score: '', empty: '', ariaLabel: 'The image',
    layers: [layerOf('input', null, 0, { classes })], scales: [], layerAt: () => null,
  };
}

/** The place of a map whose network is still to run.
 * @param {Crt.State} state
 * @param {string} key
 * @param {string} title
 * @returns {Crt.PanelSpec}
 */
function pendingSpec({ classes }, key, title) {
  return {
    key, title, note: '', score: '', empty: 'Computing…', ariaLabel: `${title}: computing`,
    layers: [layerOf('input', null, 0, { classes })], scales: [], layerAt: () => null,
  };
}

/** The panel of one map; `subject`: the names of its classes where its title gives them.
 * @param {Crt.View} view
 * @param {Crt.Shown} shown
 * @param {number} range
 * @returns {Crt.PanelSpec}
 */
function mapSpec(view, shown, range, subject = '') {
  const { method, classes } = shown;
  const title = headOf({ shown, subject });
  const layer = layerOf(method, shown, range, { title: titleOf(shown, view.prediction.isTransformer(method)), name: title, classes, subject });
  const note = settingsOf(shown, view.prediction.isTransformer(method)) || (METHOD_NOTES[method] ?? shown.note ?? '');
  return {
    key: method, title, note, score: score(view, shown), empty: emptyOf(shown, subject),
    ariaLabel: ariaLabel(nameOf(shown), shown, classes, view), layers: [layer], scales: [layer], layerAt: () => layer,
  };
}

/**
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @param {Crt.AddedPanel & Crt.Scaled} shown
 * @param {number} range
 * @returns {Crt.PanelSpec}
 */
function addedSpec(state, view, shown, range) {
  const layer = layerOf('added_panel', shown, range, { name: shown.title, title: shown.title, classes: state.classes });
  const waiting = shown.map.data.length < 2; // an explainer still at work
  return {
    key: 'added_panel', title: shown.title, note: shown.note, score: '', empty: shown.empty ?? (shown.max > 0 || waiting ? '' : 'All values are 0'),
    ariaLabel: ariaLabel(shown.title, shown, state.classes, view), layers: [layer], scales: [layer], layerAt: () => layer, retry: shown.retry,
  };
}

/** A panel for each class and network, row by row.
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @param {Crt.Maps} maps
 * @returns {Crt.PanelSpec[]}
 */
function gridded(state, view, maps) {
  const wanted = shownMaps(state, view.run);
  const shown = wanted.map(({ method, own }) => maps.shown(state, view, method, own));
  const vmaxes = ranges(shown, state.scale, state.absolute);
  const rows = [...new Set(shown.map(({ classes }) => classes[0]))];
  return wanted.map(({ method, subject }, i) => {
    const { classes } = shown[i];
    return { ...mapSpec(view, shown[i], vmaxes[i], subject), key: `class_${rows.indexOf(classes[0])}_${method}`, choice: { method, classes } };
  });
}

/**
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @param {Crt.Maps} maps
 * @param {boolean} other
 * @returns {Crt.PanelSpec[]}
 */
function compared(state, view, maps, other) {
  const awaited = [state.compare.a, state.compare.b].find(({ method }) => view.run.pending?.includes(method));
  if (awaited) return [pendingSpec(state, 'compare', METHOD_TITLES[awaited.method])];
  const wanted = shownMaps(state, view.run);
  const shown = wanted.map(({ method, own }) => maps.shown(state, view, method, own));
  const titles = shown.map((one) => titleOf(one, view.prediction.isTransformer(one.method)));
  const vmaxes = ranges(shown, state.scale, state.absolute);
  const [a, b] = wanted.map(({ letter, subject }, i) => {
    const title = by(subject, titles[i]);
    return layerOf(shown[i].method, shown[i], vmaxes[i], { letter, title, name: `${letter} ${title}`, classes: shown[i].classes, subject });
  });
  const empty = (/** @type {typeof a} */ layer) => (layer.shown.max > 0 ? '' : `${layer.letter}: ${emptyOf(layer.shown, layer.subject)}`);
  const words = [a, b].map((layer, i) => ariaLabel(`${layer.letter} ${titles[i]}`, layer.shown, layer.classes, view)).join('. ');
  if (state.compare.view === 'difference') return differing(state, view, maps, a, b);
  if (state.compare.view === 'blink') {
    const now = other ? b : a;
    return [{
      key: 'compare', title: `${now.letter}: ${headOf(now)}`, note: settingsOf(now.shown, view.prediction.isTransformer(now.method)),
      score: score(view, now.shown), empty: empty(now), ariaLabel: words, layers: [now], scales: [a, b], layerAt: () => now,
    }];
  }
  const { split } = state.compare;
  const [left, right] = [{ ...a, to: split }, { ...b, from: split }];
  return [{
    key: 'compare', title: `${headOf(a)} | ${headOf(b)}`, note: '', score: '',
    empty: [a, b].map(empty).filter(Boolean).join('; '), ariaLabel: words, layers: [left, right], scales: [left, right],
    layerAt: (point, { zoom }) => (toScreen(point, zoom).x < split ? left : right),
  }];
}

/** A − B with both maps after it.
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @param {Crt.Maps} maps
 * @param {Crt.MapLayer & { shown: Crt.Shown }} a
 * @param {Crt.MapLayer & { shown: Crt.Shown }} b
 * @returns {Crt.PanelSpec[]}
 */
function differing(state, view, maps, a, b) {
  const size = gridSize(view.image.naturalWidth, view.image.naturalHeight);
  const shown = { method: 'difference', ...maps.difference(a.shown, b.shown, size, state.compare.unit === 'raw') };
  const { title, ends } = differenceWords(a, b);
  const range = differenceRange(shown, [a, b], state);
  const layer = layerOf('difference', shown, range, { signed: true, ends, name: 'A − B', classes: [...new Set([...a.classes, ...b.classes])] });
  const bare = !(a.shown.max > 0 || b.shown.max > 0);
  /** @type {Crt.PanelSpec} */
  const spec = {
    key: 'compare', title: `${title}, ${UNIT_NAMES[shown.unit]}`, note: `${a.name}; ${b.name}`, score: '',
    empty: shown.max > 0 ? '' : bare ? nothing(a, [...new Set([a.subject, b.subject])].join(' or ')) : 'No difference',
    ariaLabel: `Difference of ${a.name} and ${b.name}: at most ${figure(shown.max)} ${UNIT_NAMES[shown.unit]}`,
    layers: [layer], scales: [layer], layerAt: () => a,
  };
  const own = [a, b].map((one) => ({ ...mapSpec(view, one.shown, one.range, one.subject), key: `compare_${one.letter.toLowerCase()}`, title: `${one.letter}: ${headOf(one)}` }));
  return [spec, ...own];
}

/** What a difference is of, and the names of its scale's ends.
 * @param {Pick<Crt.MapLayer, 'shown' | 'subject'>} a
 * @param {Pick<Crt.MapLayer, 'shown' | 'subject'>} b
 * @returns {{ title: string, ends: [string, string] }}
 */
function differenceWords(a, b) {
  const methods = [a, b].map(({ shown }) => nameOf(shown));
  const subjects = [a.subject, b.subject];
  const [oneMethod, oneClass] = [methods, subjects].map(([first, second]) => first === second);
  const ends = (/** @type {string[]} */ [plus, minus]) => /** @type {[string, string]} */ ([`more ${minus}`, `more ${plus}`]);
  if (oneMethod && oneClass) return { title: `${headOf(a)}: A − B`, ends: ends(['A', 'B']) };
  if (oneMethod) return { title: `${methods[0]}: ${subjects.join(' − ')}`, ends: ends(subjects) };
  if (oneClass) return { title: (a.subject && `${a.subject}: `) + methods.join(' − '), ends: ends(methods) };
  return { title: `${headOf(a)} − ${headOf(b)}`, ends: ends(subjects) };
}

/** Upper end of the colour scale of a difference: its own largest magnitude, or that of its maps.
 * @param {Crt.Scaled} shown
 * @param {Crt.Layer[]} layers
 * @param {{ scale: string, absolute: Partial<Record<Crt.Unit, number | null>> }} state
 * @returns {number}
 */
function differenceRange(shown, layers, { scale, absolute }) {
  if (scale === 'map') return shown.max;
  if (shown.unit === 'share') return 1;
  return scale === 'absolute' ? absolute[shown.unit] ?? shown.max : Math.max(...layers.map(({ range }) => range));
}

/** A layer that fills the panel; `more` replaces its defaults.
 * @template {Crt.Scaled | null} T
 * @param {string} method
 * @param {T} shown
 * @param {number} range
 * @param {Partial<Omit<Crt.Layer, 'shown'>>} [more]
 * @returns {Omit<Crt.Layer, 'shown'> & { shown: T }}
 */
function layerOf(method, shown, range, more = {}) {
  return { method, shown, range, signed: false, from: 0, to: 1, name: METHOD_TITLES[method], letter: '', title: '', classes: [], subject: '', ends: ['', ''], ...more };
}

/** @param {{ shown: { method?: string, title?: string }, subject: string }} layer */
const headOf = ({ shown, subject }) => by(subject, nameOf(shown));

/** Why there is nothing to see on a map, or ''.
 * @param {Crt.Shown} shown
 * @param {string} subject
 */
const emptyOf = (shown, subject) => (shown.max > 0 ? '' : shown.empty || nothing(shown, subject));

/**
 * @param {Pick<Crt.State, 'classes'>} state
 * @param {string} [subject]
 */
const nothing = ({ classes }, subject = '') => (subject ? `No evidence for ${subject}` : `No evidence for ${classes.length > 1 ? 'these classes' : 'this class'}`);

/**
 * @param {Crt.View} view
 * @param {Crt.Shown} shown
 */
function score({ run }, { method, classes, loops }) {
  if (!run.methods.includes(method)) return ''; // of another method no probability is known
  const row = scoreRow(run, method, loops);
  return `p ${percent(Math.max(...classes.map((index) => row[index])))}`;
}

/**
 * @param {string} title
 * @param {Crt.Scaled} shown
 * @param {number[]} classes
 * @param {Crt.View} view
 */
function ariaLabel(title, shown, classes, { run }) {
  const value = shown.max > 0 ? `largest value ${figure(shown.max)}` : 'no evidence';
  return `${title} map of ${chosenNames({ classes }, run)}, ${value} ${UNIT_NAMES[shown.unit]}`;
}
