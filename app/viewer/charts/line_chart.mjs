// Small line charts: their layout in plain numbers, and their drawing as SVG with the same numbers as a table.

import { figure } from '../maths/arithmetic.mjs';
import { make } from '../core/dom.mjs';

const SVG = 'http://www.w3.org/2000/svg';
const [WIDTH, HEIGHT] = [400, 240];
const EDGE = { left: 44, right: 22, top: 26, bottom: 40 };
const MAX_MARKED_POINTS = 12; // points of a line up to which each is marked
const SHAPES = ['circle', 'square', 'triangle', 'diamond', 'cross'];

/** Round numbers from `low` to `high` at steps of 1, 2 or 5 × a power of ten, at most `count` of them. */
export function ticks(low, high, count = 6) {
  if (!(high > low)) return [low];
  const raw = (high - low) / (count - 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((one) => one * power >= raw * (1 - 1e-9)) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Least and largest of the finite numbers, widened to `low` and `high` where they are given; [0, 1] if there is none. */
export function reach(values, low = null, high = null) {
  const finite = values.filter(Number.isFinite);
  const least = Math.min(...finite, ...(low === null ? [] : [low]));
  const most = Math.max(...finite, ...(high === null ? [] : [high]));
  if (!Number.isFinite(least) || !Number.isFinite(most)) return [0, 1];
  return least === most ? [least - 0.5, most + 0.5] : [least, most];
}

/** A range widened to its outer ticks.
 * @param {number[]} range
 */
function rounded([low, high]) {
  const [first, second] = ticks(low, high);
  const step = second - first;
  return [Math.floor(low / step + 1e-9) * step, Math.ceil(high / step - 1e-9) * step];
}

/** Where everything of a chart lies, in units of its view box.
 *  `spec`: { x, y: { label, low, high, values, format }, series: [{ name, color, dash, points: [[x, y]] }],
 *  marks: [{ x, y, color, text }], guides: [{ x, text }] }; `low`, `high`, `values` (the ticks), `format`, `dash`,
 *  `marks` and `guides` may be left out. Points that are not finite leave a gap. */
export function layoutChart(spec, width = WIDTH, height = HEIGHT) {
  const plot = { left: EDGE.left, right: width - EDGE.right, top: EDGE.top, bottom: height - EDGE.bottom };
  const points = spec.series.flatMap((one) => one.points);
  const axis = (about, values, from, to) => {
    const bare = reach([...values, ...(about.values ?? [])], about.low ?? null, about.high ?? null);
    const [low, high] = about.values ? bare : rounded(bare);
    const place = (value) => from + ((value - low) / (high - low)) * (to - from);
    const format = about.format ?? figure;
    const marks = (about.values ?? ticks(low, high)).map((value) => ({ at: place(value), label: format(value) }));
    return { place, marks };
  };
  const x = axis(spec.x, points.map(([value]) => value), plot.left, plot.right);
  const y = axis(spec.y, points.map(([, value]) => value), plot.bottom, plot.top);
  const anchor = (at) => (at > plot.left + 0.7 * (plot.right - plot.left) ? 'end' : 'start');
  return {
    width, height, plot, x: x.marks, y: y.marks,
    series: spec.series.map((one, i) => {
      const dots = one.points.map(([a, b]) => (Number.isFinite(b) ? [x.place(a), y.place(b)] : null));
      const drawn = dots.filter(Boolean);
      return { ...one, shape: SHAPES[i % SHAPES.length], path: pathOf(dots), dots: drawn.length <= MAX_MARKED_POINTS ? drawn : [] };
    }),
    marks: (spec.marks ?? []).map((one) => ({ ...one, at: [x.place(one.x), y.place(one.y)], anchor: anchor(x.place(one.x)) })),
    guides: (spec.guides ?? []).map((guide) => ({ ...guide, at: x.place(guide.x), anchor: anchor(x.place(guide.x)) })),
  };
}

/** SVG path through the points; null lifts the pen. */
export function pathOf(dots) {
  let down = false;
  return dots.map((dot) => {
    const step = dot ? `${down ? 'L' : 'M'}${dot[0].toFixed(1)} ${dot[1].toFixed(1)}` : '';
    down = Boolean(dot);
    return step;
  }).join('');
}

/** Outline of the mark that tells a line from the others without colour. */
export function shapePath(kind, [x, y], r = 3.4) {
  const by = (...steps) => `M${steps.map(([dx, dy]) => `${(x + dx * r).toFixed(1)} ${(y + dy * r).toFixed(1)}`).join('L')}Z`;
  if (kind === 'square') return by([-1, -1], [1, -1], [1, 1], [-1, 1]);
  if (kind === 'triangle') return by([0, -1.3], [1.2, 0.9], [-1.2, 0.9]);
  if (kind === 'diamond') return by([0, -1.4], [1.4, 0], [0, 1.4], [-1.4, 0]);
  if (kind === 'cross') return by([-1.2, -0.4], [-0.4, -0.4], [-0.4, -1.2], [0.4, -1.2], [0.4, -0.4], [1.2, -0.4], [1.2, 0.4], [0.4, 0.4], [0.4, 1.2], [-0.4, 1.2], [-0.4, 0.4], [-1.2, 0.4]);
  return `M${(x - r).toFixed(1)} ${y.toFixed(1)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
}

/** Rows of the table beside a chart: one for each x, with the y of each line there or null. */
export function tableRows(series) {
  const places = [...new Set(series.flatMap((one) => one.points.map(([x]) => x)))].sort((a, b) => a - b);
  const lines = series.map((one) => new Map(one.points));
  return places.map((x) => ({ x, values: lines.map((line) => (Number.isFinite(line.get(x)) ? line.get(x) : null)) }));
}

/** Whether a chart has no point to show. */
export const isEmpty = ({ series }) => !series.some(({ points }) => points.some(([, y]) => Number.isFinite(y)));

/** A chart for the page: `node` to put there, and `draw(spec, reading)`, which may be called again. Besides what
 *  `layoutChart` takes, `spec` has a `title`; `reading` is a sentence that says what the numbers mean, and all that is shown
 *  while there are none. */
export function lineChart() {
  const title = make('h3');
  const reading = make('p', { class: 'curve-reading' });
  const plot = make('div', { class: 'curve-plot' });
  const legend = make('p', { class: 'curve-legend' });
  const table = make('div', { class: 'curve-table', tabindex: '0', role: 'region' });
  const numbers = make('details', {}, [make('summary', { text: 'Numbers' }), table]);
  const node = make('figure', { class: 'curve' }, [title, reading, plot, legend, numbers]);
  let shown = null;
  numbers.addEventListener('toggle', fill);

  function draw(spec, words) {
    shown = spec;
    title.textContent = spec.title;
    reading.textContent = words;
    const empty = isEmpty(spec);
    plot.hidden = numbers.hidden = empty;
    legend.hidden = empty || spec.series.length < 2;
    if (empty) return;
    const names = spec.series.map((one) => one.name).join(', ');
    const layout = layoutChart(spec);
    plot.replaceChildren(image(layout, spec, `${spec.title}: ${spec.y.label} against ${spec.x.label}, ${names}`));
    legend.replaceChildren(...layout.series.map((one) => make('span', {}, [sign(one), make('span', { text: one.name })])));
    table.setAttribute('aria-label', `${spec.title}, as a table`);
    fill();
  }

  function fill() {
    if (!numbers.open || !shown) return;
    const { x, y, series } = shown;
    const head = make('tr', {}, [make('th', { scope: 'col', text: x.label }), ...series.map((one) => make('th', { scope: 'col', text: one.name }))]);
    const rows = tableRows(series).map((row) => make('tr', {}, [
      make('th', { scope: 'row', text: (x.format ?? figure)(row.x) }),
      ...row.values.map((value) => make('td', { text: value === null ? '–' : (y.format ?? figure)(value) })),
    ]));
    table.replaceChildren(make('table', {}, [make('thead', {}, [head]), make('tbody', {}, rows)]));
  }
  return { node, draw };
}

function image(layout, { x, y }, label) {
  const { width, height, plot } = layout;
  const svg = shape('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label });
  const text = (at, words, attributes) => {
    const node = shape('text', { x: at[0].toFixed(1), y: at[1].toFixed(1), ...attributes });
    node.textContent = words;
    return node;
  };
  const line = (from, to, kind) => shape('line', { x1: from[0], y1: from[1], x2: to[0], y2: to[1], class: kind });
  for (const { at, label: words } of layout.y) {
    svg.append(line([plot.left, at], [plot.right, at], 'curve-line'), text([plot.left - 6, at + 4], words, { 'text-anchor': 'end' }));
  }
  for (const { at, label: words } of layout.x) {
    svg.append(line([at, plot.bottom], [at, plot.bottom + 4], 'curve-axis'), text([at, plot.bottom + 17], words, { 'text-anchor': 'middle' }));
  }
  svg.append(
    line([plot.left, plot.bottom], [plot.right, plot.bottom], 'curve-axis'),
    text([2, 12], y.label, { class: 'curve-label' }),
    text([plot.right, height - 6], x.label, { class: 'curve-label', 'text-anchor': 'end' }),
  );
  const beside = (anchor) => (anchor === 'end' ? -5 : 5);
  for (const { at, anchor, text: words } of layout.guides) {
    svg.append(line([at, plot.top], [at, plot.bottom], 'curve-guide'), text([at + beside(anchor), plot.bottom - 6], words, { 'text-anchor': anchor }));
  }
  for (const one of layout.series) {
    const path = shape('path', { d: one.path, class: 'curve-path', ...(one.dash ? { 'stroke-dasharray': one.dash } : {}) });
    path.style.stroke = one.color;
    svg.append(path, ...one.dots.map((dot) => mark(one, dot)));
  }
  for (const { at, anchor, text: words, color } of layout.marks) {
    const ring = shape('circle', { cx: at[0].toFixed(1), cy: at[1].toFixed(1), r: 5, class: 'curve-mark' });
    ring.style.stroke = color;
    svg.append(ring, text([at[0] + 2 * beside(anchor), at[1] - 7], words, { 'text-anchor': anchor, class: 'curve-best' }));
  }
  return svg;
}

function sign(one) {
  const svg = shape('svg', { viewBox: '0 0 30 12', class: 'curve-sign', 'aria-hidden': 'true' });
  const path = shape('path', { d: 'M1 6L29 6', class: 'curve-path', ...(one.dash ? { 'stroke-dasharray': one.dash } : {}) });
  path.style.stroke = one.color;
  svg.append(path, ...(one.dots.length ? [mark(one, [15, 6])] : []));
  return svg;
}

function mark(one, place) {
  const node = shape('path', { d: shapePath(one.shape, place) });
  node.style.fill = one.color;
  return node;
}

function shape(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}
