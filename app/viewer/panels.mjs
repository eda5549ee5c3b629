// The maps side by side: one panel for each method, and the crosshair that they share.

import { figure, ranges, sample } from './arithmetic.mjs';
import { gradient } from './colormaps.mjs';
import { drawCrosshair, drawPanel, drawTruth, panelOverlap } from './draw.mjs';
import { make, percent } from './page.mjs';
import { METHOD_NOTES, METHOD_TITLES, UNITS, currentMap, maskOf, scoreRow, shownMethods } from './state.mjs';

const STEPS = 40; // steps of the crosshair from side to side
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const clamp = (value) => Math.min(1, Math.max(0, value));

export function mountPanels({ at, onDraw, speak }) {
  const panels = new Map();
  let spot = null; // where the crosshair is
  onDraw((state, view) => state.tab === 'explore' && draw(state, view));

  function draw(state, { run, trace, picture }) {
    const names = state.classes.map((index) => run.classes[index]).join(' + ');
    const shown = shownMethods(state, run).map((method) => currentMap(state, trace, method));
    const tops = ranges(shown, state.scale, state.absolute);
    const wanted = [...(state.visible.input ? ['input'] : []), ...shown.map((one) => one.method)];
    const truth = state.truth ? maskOf(run, state.classes) : { polygons: [], complete: false };
    for (const name of wanted) if (!panels.has(name)) panels.set(name, build(name));
    const order = wanted.map((name) => panels.get(name).node);
    const box = at('panels');
    if (order.length !== box.children.length || order.some((node, i) => box.children[i] !== node)) box.replaceChildren(...order);
    box.dataset.count = String(order.length);
    box.dataset.tall = picture.naturalHeight > 1.15 * picture.naturalWidth ? 'yes' : 'no';
    wanted.forEach((name) => {
      const panel = panels.get(name);
      for (const canvas of [panel.canvas, panel.cross]) {
        if (canvas.width !== picture.naturalWidth || canvas.height !== picture.naturalHeight) {
          canvas.width = picture.naturalWidth;
          canvas.height = picture.naturalHeight;
        }
      }
      const index = shown.findIndex((one) => one.method === name);
      const map = shown[index] ?? null;
      panel.shown = map;
      const fine = drawPanel(panel.canvas, picture, map, state, tops[index]);
      if (truth.polygons.length) drawTruth(panel.canvas, truth.polygons);
      panel.canvas.setAttribute('aria-label', label(name, map, names));
      if (map) caption(panel, map, tops[index], fine, truth, state, run);
    });
  }

  function caption(panel, map, range, fine, truth, state, run) {
    const settings = [];
    if (map.method === 'crt') settings.push(`${map.loops} ${map.loops === 1 ? 'loop' : 'loops'}`);
    if (map.refined) settings.push('refined');
    panel.note.textContent = settings.join(', ') || METHOD_NOTES[map.method];
    const row = scoreRow(run, map.method, map.loops);
    panel.score.textContent = `p ${percent(Math.max(...state.classes.map((index) => row[index])))}`;
    panel.bar.style.background = `linear-gradient(to right, ${gradient(state.colormap)})`;
    panel.high.textContent = figure(range);
    panel.unit.textContent = UNITS[map.unit];
    const level = state.threshold * map.top;
    panel.tick.style.left = `${range > 0 ? Math.min(100, (100 * level) / range) : 0}%`;
    panel.tick.hidden = !(map.top > 0);
    panel.empty.hidden = map.top > 0;
    panel.iou.textContent = truth.complete && fine ? `IoU ${Math.round(100 * panelOverlap(fine, level, truth.polygons))} %` : '';
  }

  function label(name, map, names) {
    if (!map) return 'The picture';
    const value = map.top > 0 ? `largest value ${figure(map.top)}` : 'no evidence';
    return `${METHOD_TITLES[name]} map of ${names}, ${value} ${UNITS[map.unit]}`;
  }

  function build(name) {
    const span = (kind, text) => make('span', { class: kind, text });
    const panel = {
      canvas: make('canvas', { class: 'map', role: 'img', 'data-method': name }),
      cross: make('canvas', { class: 'cross', 'aria-hidden': 'true' }),
      note: span('note', METHOD_NOTES[name]),
      score: make('span', { class: 'score', title: 'probability of the class, by this network' }),
      iou: span('iou'), bar: span('ramp'), tick: span('tick'),
      low: span('low', '0'), high: span('high'), unit: span('unit'), value: span('value'),
      empty: make('p', { class: 'none', text: 'No evidence for this class', hidden: true }),
      shown: null,
    };
    const head = make('header', {}, [make('h3', { text: METHOD_TITLES[name] }), panel.note, panel.iou, panel.score]);
    const stage = make('div', { class: 'stage', tabindex: '0', role: 'group', 'aria-label': `${METHOD_TITLES[name]}: arrow keys move a crosshair` }, [panel.canvas, panel.cross, panel.empty]);
    const scale = make('div', { class: 'scale' }, [
      make('span', { class: 'rampbox' }, [panel.bar, panel.tick]), panel.low, panel.unit, panel.value, panel.high,
    ]);
    stage.addEventListener('pointermove', (event) => {
      const box = panel.canvas.getBoundingClientRect();
      point({ x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height });
    });
    stage.addEventListener('pointerleave', () => point(null));
    stage.addEventListener('blur', () => point(null));
    stage.addEventListener('keydown', (event) => {
      const step = ARROWS[event.key];
      if (!step) return;
      event.preventDefault();
      const from = spot ?? { x: 0.5, y: 0.5 };
      point({ x: clamp(from.x + step[0] / STEPS), y: clamp(from.y + step[1] / STEPS) });
      read();
    });
    panel.node = make('article', { class: `panel ${name}` }, name === 'input' ? [head, stage] : [head, stage, scale]);
    return panel;
  }

  /** The same place marked in all panels, with the value of each map there. */
  function point(place) {
    spot = place;
    const inside = place && place.x >= 0 && place.x <= 1 && place.y >= 0 && place.y <= 1 ? place : null;
    for (const panel of panels.values()) {
      drawCrosshair(panel.cross, inside);
      if (!panel.shown) continue;
      panel.value.textContent = inside ? figure(sample(panel.shown.map, panel.shown.span, inside.x, inside.y)) : '';
    }
  }

  /** The values under the crosshair, spoken. */
  function read() {
    const values = [...panels.values()].filter((panel) => panel.shown && panel.node.isConnected);
    speak(values
      .map(({ shown }) => `${METHOD_TITLES[shown.method]} ${figure(sample(shown.map, shown.span, spot.x, spot.y))}`)
      .join(', '));
  }
}
