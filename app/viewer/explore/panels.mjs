// The maps of the Explore tab: a panel for each of panel_specs.mjs, drawn through one zoom and read by one crosshair.
//
// For others: `page.overlays`, each with draw(context, { method, classes, state, view, width, height, pixel }), which draws over each
// map in coordinates of the image, 0 to 1 (strokePath of draw.mjs strokes evenly), and key(the same), the values that decide what it
// draws; `method` is the map's, or input, added_panel, difference. `crt-pick`, an event on page.root, has the { method, x, y } of a click.

import { largest } from '../maths/order.mjs';
import { createDivider } from './divider.mjs';
import { contextOf, drawBox, drawMap, drawImage, drawGroundTruth, gridSize, lineScale } from './draw.mjs';
import { attachHold } from './hold.mjs';
import { createHover } from './hover.mjs';
import { panelSpecsOf } from './panel_specs.mjs';
import { createMaps } from './maps.mjs';
import { createLast, createRepaint, numberOf, paintInputs } from './repaint.mjs';
import { ADDED_PANEL, gridMethods } from './shown_maps.mjs';
import { buildPanel, caption, fit, measure } from './panel.mjs';
import { setStyle } from '../core/dom.mjs';
import { METHOD_TITLES } from '../core/store.mjs';
import { NO_GROUND_TRUTH, groundTruthOf } from '../ground_truth/ground_truth.mjs';
import { attachGestures, keyZoom, tidy, toImage, zoomAt } from './zoom.mjs';

const STAGE_MIN_PX = 200; // px of the height of a stage; below it the page scrolls
const GRID_STAGE_MIN_PX = 150; // px of the same in a grid of classes
const GRID_GAP_PX = 8; // px between its rows, as in compare.css
const MAX_LAYOUT_PASSES = 3;
const MAX_KEPT = 24; // maps whose drawings are kept: more than the largest grid has
const BELOW_PX = 56; // px for the line of numbers below the panels

/** @type {Record<string, string>} */
const LABELS = { ...METHOD_TITLES, added_panel: 'One more map', compare: 'Comparison', compare_a: 'A', compare_b: 'B' };

/** @param {Crt.Page} page */
export function mountPanels(page) {
  const { root, at, store, view, current, onDraw, announce } = page;
  /** @type {Map<string, Crt.Panel>} */
  const panels = new Map();
  const repaint = createRepaint();
  const kept = { windows: createLast(MAX_KEPT), colours: createLast(MAX_KEPT), outlines: createLast(MAX_KEPT) };
  const measured = createLast(MAX_KEPT);
  /** @type {Crt.PanelGrid} */
  const panelGrid = {
    maps: createMaps((state, classes) => added(state, current(), classes)),
    other: false, // whether the blinking panel shows B
    imageOnly: false, // while a finger is held on a map
    /** Panels on the page, in order. */
    shown: () => [...at('panels').children].flatMap((node) => {
      const panel = panels.get(node.dataset.panel);
      return panel?.spec ? [/** @type {Crt.DrawnPanel} */ (panel)] : [];
    }),
    /** Pixels of a canvas for one of CSS. */
    pixel: () => Math.max(1, window.devicePixelRatio || 1),
    pick,
    draw() {
      const now = view();
      if (now && store.get().tab === 'explore') draw(store.get(), now);
    },
    cursor: () => hover.cursor(),
  };
  page.overlays = [{ draw: overlayGroundTruth, key: ({ classes, state, view: now, pixel }) => (state.ground_truth ? [groundTruthOf({ ...state, classes }, now).key, pixel] : []) }];
  page.panelGrid = panelGrid;
  const hover = createHover(page, panelGrid);
  const setZoom = (/** @type {Crt.Zoom} */ zoom) => store.set({ zoom: tidy(zoom) });
  const resized = new ResizeObserver(() => panelGrid.draw());
  for (const node of root.querySelectorAll('.panels, .source, .viewbar')) resized.observe(node);
  window.addEventListener('resize', () => panelGrid.draw());
  onDraw(() => panelGrid.draw());
  mountZoom();

  /**
   * @param {Crt.State} state
   * @param {Crt.View} now
   */
  function draw(state, now) {
    const began = performance.now();
    const added_panel = added(state, now, state.classes);
    const specs = panelSpecsOf(state, now, panelGrid.maps, added_panel && { ...added_panel, max: added_panel.max ?? largest(added_panel.map.data) }, panelGrid.other);
    const columns = state.compare.view === 'classes' ? gridMethods(state, now.run).length : 0;
    layout(specs, state, columns);
    const truthOf = (/** @type {number[]} */ classes) => (state.ground_truth ? groundTruthOf({ ...state, classes }, now) : NO_GROUND_TRUTH);
    const size = gridSize(now.image.naturalWidth, now.image.naturalHeight);
    const found = specs.map((spec) => {
      const facts = spec.scales.map(({ shown, signed, classes }) => (signed ? { iou: null, box: null } : factsOf(panelGrid.maps.upsampled(shown, size), state.threshold * shown.max, truthOf(classes), state.boxes)));
      caption(panelOf(spec.key), spec, state, now.run, facts);
      return facts;
    });
    resize(specs.map(({ key }) => panelOf(key)), now, columns);
    specs.forEach((spec, i) => paint(panelOf(spec.key), spec, found[i], state, now));
    hover.refresh();
    root.dataset.redrawMs = (performance.now() - began).toFixed(2);
  }

  /** What `measure` gives, once for the same map, level and ground truth.
   * @param {Crt.Values} upsampled
   * @param {number} level
   * @param {Crt.GroundTruth} truth
   * @param {boolean} boxes
   */
  function factsOf(upsampled, level, truth, boxes) {
    const masks = truth.complete ? [truth.raster(upsampled.h, upsampled.w), truth.ignore(upsampled.h, upsampled.w)] : [];
    return measured.of(upsampled.data, [level, boxes, ...masks.map(numberOf)].join(), () => measure(upsampled, level, truth, boxes));
  }

  /** The panel that the user has added, for these classes.
   * @param {Crt.State} state
   * @param {Crt.View} now
   * @param {number[]} classes
   */
  function added({ added_panel }, now, classes) {
    return (added_panel && page.addedPanels[added_panel.kind]?.(added_panel, now, classes)) ?? null;
  }

  /** The panels of these specs on the page, and no others.
   * @param {Crt.PanelSpec[]} specs
   * @param {Crt.State} state
   * @param {number} columns of a grid of classes, else 0
   */
  function layout(specs, state, columns) {
    const box = at('panels');
    const order = specs.map(({ key }) => panelOf(key).node);
    if (order.length !== box.children.length || order.some((node, i) => box.children[i] !== node)) box.replaceChildren(...order);
    box.dataset.count = String(order.length);
    box.dataset.view = state.compare.view;
    setStyle(box, '--columns', columns ? String(columns) : '');
    box.dataset.drawing = state.drawing ? 'yes' : 'no';
    box.dataset.zoomed = state.zoom.k > 1 ? 'yes' : 'no';
  }

  /** Stages as high as the window allows with what is above and around them; again where that has grown, as by a title of more lines.
   * @param {Crt.Panel[]} shown
   * @param {Crt.View} view
   * @param {number} columns of a grid of classes, else 0
   */
  function resize(shown, { image }, columns) {
    const box = at('panels');
    const aspect = image.naturalWidth / image.naturalHeight;
    const height = (/** @type {Element} */ node) => node.getBoundingClientRect().height;
    const rows = columns ? shown.length / columns : 1;
    setStyle(box, '--ratio', String(aspect));
    let around = NaN;
    for (let pass = 0; pass < MAX_LAYOUT_PASSES; pass++) {
      const before = around;
      around = Math.ceil(Math.max(...shown.map(({ node, stage }) => height(node) - height(stage))));
      if (around === before) break;
      const free = (window.innerHeight - box.getBoundingClientRect().top - window.scrollY - BELOW_PX - (rows - 1) * GRID_GAP_PX) / rows - around;
      setStyle(box, '--stage-height', `${Math.max(columns ? GRID_STAGE_MIN_PX : STAGE_MIN_PX, Math.floor(free))}px`);
    }
    if (shown.length) setStyle(root, '--head-height', `${Math.round(shown[0].stage.getBoundingClientRect().top - shown[0].node.getBoundingClientRect().top)}px`);
    for (const panel of shown) fit(panel, aspect, panelGrid.pixel());
  }

  /** Draw a panel, unless it shows the same already.
   * @param {Crt.Panel} panel
   * @param {Crt.PanelSpec} spec
   * @param {Crt.MapFacts[]} facts
   * @param {Crt.State} state
   * @param {Crt.View} now
   */
  function paint({ canvas, divider }, spec, facts, state, now) {
    divider?.show(state, spec);
    const { width, height } = canvas;
    const pixel = panelGrid.pixel();
    const bare = panelGrid.imageOnly || Boolean(state.drawing); // a map in sight would guide the hand that draws
    const overlays = panelGrid.imageOnly ? [] : page.overlays;
    if (!repaint.changed(canvas, paintInputs(spec, facts, state, now, { width, height, pixel, line: lineScale(), bare, overlays }))) return;
    canvas.dataset.drawn = String(Number(canvas.dataset.drawn ?? 0) + 1);
    const context = /** @type {CanvasRenderingContext2D} */ (contextOf(canvas));
    for (const layer of spec.layers) {
      context.save();
      context.beginPath();
      context.rect(layer.from * width, 0, (layer.to - layer.from) * width, height);
      context.clip();
      drawImage(context, now.image, state.zoom);
      if (layer.shown && !bare) drawMap(context, { ...layer, shown: layer.shown }, state, state.zoom, pixel, kept);
      toImage(context, state.zoom);
      const { box } = facts[spec.scales.findIndex((one) => one === layer)] ?? {};
      if (box && !bare) drawBox(context, box, pixel);
      for (const overlay of overlays) {
        context.save();
        overlay.draw(context, { method: layer.method, classes: layer.classes, state, view: now, width, height, pixel });
        context.restore();
      }
      context.restore();
    }
  }

  /** The panel of this name, built on first use.
   * @param {string} key
   */
  function panelOf(key) {
    const panel = panels.get(key) ?? build(key);
    panels.set(key, panel);
    return panel;
  }

  /** @param {string} key */
  function build(key) {
    const close = () => {
      store.set({ added_panel: null });
      at('added_panel').focus();
    };
    const panel = buildPanel(key, LABELS[key] ?? 'Map', key === 'added_panel' ? close : null);
    const { stage, canvas } = panel;
    panel.node.dataset.panel = key;
    if (key === 'compare') {
      panel.divider = createDivider(store);
      stage.append(panel.divider.node);
    }
    attachGestures(stage, canvas, {
      zoom: () => store.get().zoom, set: setZoom, drawing: () => Boolean(store.get().drawing),
      hover: (point, event) => hover.moveTo(point, panel, event), pick: (point) => panel.spec && !panelGrid.imageOnly && pick(/** @type {Crt.DrawnPanel} */ (panel), point),
    });
    attachHold(stage, (held) => {
      panelGrid.imageOnly = held;
      panelGrid.draw();
    });
    stage.addEventListener('blur', () => hover.moveTo(null, panel));
    stage.addEventListener('keydown', (event) => {
      if (event.target !== stage || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === 'Enter' && panel.spec?.choice) {
        event.preventDefault();
        choose(panel.spec.choice);
        return;
      }
      const { zoom } = store.get();
      const next = keyZoom(zoom, event, hover.cursor() ?? { x: zoom.x, y: zoom.y });
      if (next) {
        setZoom(next);
        announce(zoomWords(next));
      } else if (!panel.spec || !hover.key(event, /** @type {Crt.DrawnPanel} */ (panel))) return;
      event.preventDefault();
    });
    return panel;
  }

  /** Show a class of the grid by all networks, with the focus on the map that was chosen.
   * @param {{ method: string, classes: number[] }} choice
   */
  function choose({ method, classes }) {
    if (root.dataset.present) return; // a slide stays as it is
    const { compare, visible } = store.get();
    store.set({ classes, compare: { ...compare, view: 'side' }, visible: method === ADDED_PANEL ? visible : { ...visible, [method]: true } });
    requestAnimationFrame(() => panelOf(method).stage.focus()); // after the store has drawn it
  }

  /** Dispatch `crt-pick` for a point of a panel's map; in a grid of classes, choose the map.
   * @param {Crt.DrawnPanel} panel
   * @param {Crt.Point} point
   */
  function pick({ key, spec }, point) {
    const state = store.get();
    if (state.drawing || !(point.x >= 0 && point.x <= 1 && point.y >= 0 && point.y <= 1)) return;
    if (spec.choice) {
      choose(spec.choice);
      return;
    }
    const method = key === 'added_panel' ? state.added_panel?.method : spec.layerAt(point, state)?.method ?? key;
    root.dispatchEvent(new CustomEvent('crt-pick', { detail: { method, x: point.x, y: point.y } }));
  }

  function mountZoom() {
    const by = (/** @type {number} */ factor) => () => {
      const { zoom } = store.get();
      const next = factor ? zoomAt(zoom, { x: zoom.x, y: zoom.y }, factor) : tidy({ k: 1 });
      setZoom(next);
      announce(zoomWords(next));
    };
    at('zoom-in').addEventListener('click', by(1.5));
    at('zoom-out').addEventListener('click', by(1 / 1.5));
    at('zoom-reset').addEventListener('click', by(0));
    onDraw(({ zoom }) => {
      at('zoom-value').textContent = `${zoom.k.toFixed(zoom.k < 10 ? 1 : 0)}×`;
      at('zoom-reset').disabled = at('zoom-out').disabled = zoom.k <= 1;
    });
  }
}

/** @param {Crt.Zoom} zoom */
const zoomWords = ({ k, x, y }) => (k > 1 ? `Zoom ${k.toFixed(1)}, middle at ${Math.round(100 * x)} % and ${Math.round(100 * y)} %` : 'Whole image');

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Crt.Overlay} about
 */
function overlayGroundTruth(context, { classes, state, view, pixel }) {
  if (state.ground_truth) drawGroundTruth(context, groundTruthOf({ ...state, classes }, view).polygons, pixel);
}
