// What each panel shows, from the state alone: which maps, on which scale, under which words.
//
// A spec: { key, title, note, score, empty, ariaLabel, layers, scales, layerAt(point, state), retry }. `layers` are drawn one over
// the other, `scales` have a colour bar and are read out at the crosshair; `layerAt` gives the one that a point belongs to;
// `retry()`, if any, requests a map anew that could not be had.
// A layer: { method, shown, range, signed, from, to, name, letter, title, ends }: `shown` as currentMap gives it, `from`
// and `to` the part of the panel's width that it fills, `ends` the names at the two ends of a signed scale.

import { ranges } from '../maths/color_scale.mjs';
import { difference } from '../maths/difference.mjs';
import { figure } from '../maths/numbers.mjs';
import { gridSize } from './draw.mjs';
import { chosenNames, settingsOf, titleOf } from './maps.mjs';
import { percent } from '../core/dom.mjs';
import { shownMaps } from './shown_maps.mjs';
import { METHOD_NOTES, METHOD_TITLES, UNIT_NAMES, scoreRow } from '../core/store.mjs';
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
  return state.compare.view === 'side' ? sideBySide(state, view, maps, added_panel) : compared(state, view, maps, other);
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
  const specs = shown.map((one, i) => mapSpec(state, view, one, vmaxes[i]));
  if (added_panel) specs.push(addedSpec(state, view, added_panel, vmaxes[shown.length]));
  return state.visible.input ? [imageSpec(), ...specs] : specs;
}

function imageSpec() {
  return {
    key: 'input', title: METHOD_TITLES.input, note: METHOD_NOTES.input, score: '', empty: '', ariaLabel: 'The image',
    layers: [layerOf('input', null, 0)], scales: [], layerAt: () => null,
  };
}

/**
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @param {Crt.Shown} shown
 * @param {number} range
 * @returns {Crt.PanelSpec}
 */
function mapSpec(state, view, shown, range) {
  const { method } = shown;
  const layer = layerOf(method, shown, range, { title: titleOf(shown, view.prediction.isTransformer(method)) });
  const note = settingsOf(shown, view.prediction.isTransformer(method)) || METHOD_NOTES[method];
  return {
    key: method, title: METHOD_TITLES[method], note, score: score(state, view, shown), empty: shown.max > 0 ? '' : nothing(state),
    ariaLabel: ariaLabel(METHOD_TITLES[method], shown, state, view), layers: [layer], scales: [layer], layerAt: () => layer,
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
  const layer = layerOf('added_panel', shown, range, { name: shown.title, title: shown.title });
  const waiting = shown.map.data.length < 2; // an explainer still at work
  return {
    key: 'added_panel', title: shown.title, note: shown.note, score: '', empty: shown.max > 0 || waiting ? '' : 'All values are 0',
    ariaLabel: ariaLabel(shown.title, shown, state, view), layers: [layer], scales: [layer], layerAt: () => layer, retry: shown.retry,
  };
}

/**
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @param {Crt.Maps} maps
 * @param {boolean} other
 * @returns {Crt.PanelSpec[]}
 */
function compared(state, view, maps, other) {
  const wanted = shownMaps(state, view.run);
  const shown = wanted.map(({ method, own }) => maps.shown(state, view, method, own));
  const titles = shown.map((one) => titleOf(one, view.prediction.isTransformer(one.method)));
  const vmaxes = ranges(shown, state.scale, state.absolute);
  const [a, b] = wanted.map(({ letter }, i) => layerOf(shown[i].method, shown[i], vmaxes[i], { letter, title: titles[i], name: `${letter} ${titles[i]}` }));
  const empty = (/** @type {Crt.MapLayer} */ layer) => (layer.shown.max > 0 ? '' : `${layer.letter}: ${nothing(state)}`);
  const words = [a, b].map((layer) => ariaLabel(layer.name, layer.shown, state, view)).join('. ');
  if (state.compare.view === 'difference') return differing(state, view, a, b);
  if (state.compare.view === 'blink') {
    const now = other ? b : a;
    return [{
      key: 'compare', title: `${now.letter}: ${METHOD_TITLES[now.method]}`, note: settingsOf(now.shown, view.prediction.isTransformer(now.method)),
      score: score(state, view, now.shown), empty: empty(now), ariaLabel: words, layers: [now], scales: [a, b], layerAt: () => now,
    }];
  }
  const { split } = state.compare;
  const [left, right] = [{ ...a, to: split }, { ...b, from: split }];
  return [{
    key: 'compare', title: `${METHOD_TITLES[a.method]} | ${METHOD_TITLES[b.method]}`, note: '', score: '',
    empty: [a, b].map(empty).filter(Boolean).join('; '), ariaLabel: words, layers: [left, right], scales: [left, right],
    layerAt: (point, { zoom }) => (toScreen(point, zoom).x < split ? left : right),
  }];
}

/** A − B with both maps after it.
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @param {Crt.MapLayer & { shown: Crt.Shown }} a
 * @param {Crt.MapLayer & { shown: Crt.Shown }} b
 * @returns {Crt.PanelSpec[]}
 */
function differing(state, view, a, b) {
  const size = gridSize(view.image.naturalWidth, view.image.naturalHeight);
  const shown = { method: 'difference', ...difference(a.shown, b.shown, ...size, state.compare.unit === 'raw') };
  const titles = [a, b].map((layer) => METHOD_TITLES[layer.method]);
  const alike = titles[0] === titles[1];
  /** @type {[string, string]} */
  const ends = alike ? ['more B', 'more A'] : [`more ${titles[1]}`, `more ${titles[0]}`];
  const range = differenceRange(shown, [a, b], state);
  const layer = layerOf('difference', shown, range, { signed: true, ends, name: 'A − B' });
  const bare = !(a.shown.max > 0 || b.shown.max > 0);
  /** @type {Crt.PanelSpec} */
  const spec = {
    key: 'compare', title: `${alike ? `${titles[0]}: A − B` : `${titles[0]} − ${titles[1]}`}, ${UNIT_NAMES[shown.unit]}`, note: `${a.name}; ${b.name}`, score: '',
    empty: shown.max > 0 ? '' : bare ? nothing(state) : 'No difference',
    ariaLabel: `Difference of ${a.name} and ${b.name}: at most ${figure(shown.max)} ${UNIT_NAMES[shown.unit]}`,
    layers: [layer], scales: [layer], layerAt: () => a,
  };
  const own = [a, b].map((one) => ({ ...mapSpec(state, view, one.shown, one.range), key: `compare_${one.letter.toLowerCase()}`, title: `${one.letter}: ${METHOD_TITLES[one.method]}` }));
  return [spec, ...own];
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
  return { method, shown, range, signed: false, from: 0, to: 1, name: METHOD_TITLES[method], letter: '', title: '', ends: ['', ''], ...more };
}

/** @param {Crt.State} state */
const nothing = (state) => (state.classes.length > 1 ? 'No evidence for these classes' : 'No evidence for this class');

/**
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @param {Crt.Shown} shown
 */
function score(state, { run }, shown) {
  const row = scoreRow(run, shown.method, shown.loops);
  return `p ${percent(Math.max(...state.classes.map((index) => row[index])))}`;
}

/**
 * @param {string} title
 * @param {Crt.Scaled} shown
 * @param {Crt.State} state
 * @param {Crt.View} view
 */
function ariaLabel(title, shown, state, { run }) {
  const value = shown.max > 0 ? `largest value ${figure(shown.max)}` : 'no evidence';
  return `${title} map of ${chosenNames(state, run)}, ${value} ${UNIT_NAMES[shown.unit]}`;
}
