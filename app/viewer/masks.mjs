// The Masks tab: from the maps of the chosen classes to a mask, at the threshold and through the dense CRF.

import { upsample } from './arithmetic.mjs';
import { contour } from './contour.mjs';
import { gridSize, strokeSegments, toCanvas } from './draw.mjs';
import { inflate, labelMap, labelOverlap, only, paintLabels, share, vocColor } from './labels.mjs';
import { make, percent } from './page.mjs';
import { METHOD_TITLES, currentMap } from './state.mjs';
import { truthOf } from './truth.mjs';

const WAIT = 180; // milliseconds without a change before the server is asked

/** What can be set of the CRF: name, label, least, most, step, and the values of IRNet and of DeepLab. */
export const KNOBS = [
  ['iterations', 'Iterations', 1, 20, 1, 10, 10],
  ['gaussianSxy', 'Nearness: width, px', 1, 20, 0.5, 3, 1],
  ['gaussianCompat', 'Nearness: weight', 0, 20, 0.5, 3, 3],
  ['bilateralSxy', 'Likeness: width, px', 5, 120, 1, 50, 67],
  ['bilateralSrgb', 'Likeness: colour', 1, 30, 0.5, 5, 3],
  ['bilateralCompat', 'Likeness: weight', 0, 20, 0.5, 10, 4],
];

/** Which preset these values are. */
export function presetOf(values) {
  const same = (column) => KNOBS.every((knob) => values[knob[0]] === knob[column]);
  return same(5) ? 'irn' : same(6) ? 'deeplab' : 'own';
}

/** The values of a preset. */
export const presetValues = (name) => Object.fromEntries(KNOBS.map((knob) => [knob[0], knob[name === 'irn' ? 5 : 6]]));

/** What the server is asked, from the state alone; the same text asks for the same mask. */
export function question(state) {
  const { mask, classes, loops, refined, blocks, combine, threshold } = state;
  const { method, iterations, gaussianSxy, gaussianCompat, bilateralSxy, bilateralSrgb, bilateralCompat } = mask;
  const crf = { iterations, gaussianSxy, gaussianCompat, bilateralSxy, bilateralSrgb, bilateralCompat };
  return { method, classes, loops, refined, blocks, combine, threshold, crf };
}

export function mountMasks({ at, store, ask, onAnswer, onDraw, onRun }) {
  const set = (changes) => store.set({ mask: { ...store.get().mask, ...changes } });
  let answer = null; // the newest mask of the server: { key, labels, h, w, ms }
  let asked = null;
  let timer = 0;

  at('mask-method').addEventListener('change', (event) => set({ method: event.target.value }));
  at('mask-threshold').addEventListener('input', (event) => store.set({ threshold: Number(event.target.value) }));
  at('mask-preset').addEventListener('change', (event) => event.target.value !== 'own' && set(presetValues(event.target.value)));
  for (const name of ['crf', 'contours', 'boxes']) {
    at(`mask-${name}`).addEventListener('change', (event) => set({ [name]: event.target.checked }));
  }
  const knobs = KNOBS.map(([name, title, min, max, step]) => {
    const input = make('input', {
      type: 'range', id: `crt-mask-${name}`, min, max, step, on: { input: (event) => set({ [name]: Number(event.target.value) }) },
    });
    const output = make('output', { for: input.id });
    at('mask-sliders').append(make('div', { class: 'field' }, [make('label', { for: input.id, text: title }), output, input]));
    return { name, input, output };
  });

  onRun(({ run }) => {
    answer = asked = null;
    at('mask-method').replaceChildren(...run.methods.map((method) => make('option', { value: method, text: METHOD_TITLES[method] })));
    at('mask-missing').textContent = 'This checkpoint has no relation network and no segmentation network, so there is no random walk and no segmentation to show.';
  });
  onDraw((state, view) => {
    if (state.tab !== 'masks') return;
    const method = view.run.methods.includes(state.mask.method) ? state.mask.method : view.run.methods[0];
    show(state, method);
    const key = view.run.run + JSON.stringify(question({ ...state, mask: { ...state.mask, method } }));
    if (state.mask.crf && key !== asked) wait(key, method);
    draw(state, view, method, key);
  });
  onAnswer('segment', async (got) => {
    if (got.key !== asked) return;
    const labels = got.error ? null : await inflate(got.labels);
    if (got.key !== asked) return;
    answer = { ...got, labels };
    store.set({});
  });

  function wait(key, method) {
    clearTimeout(timer);
    asked = key;
    timer = setTimeout(() => {
      const state = store.get();
      ask('segment', { key, ...question({ ...state, mask: { ...state.mask, method } }) });
    }, WAIT);
  }

  function show(state, method) {
    const { mask } = state;
    at('mask-method').value = method;
    at('mask-threshold').value = state.threshold;
    at('mask-threshold-value').textContent = `${Math.round(100 * state.threshold)} % of max`;
    for (const name of ['crf', 'contours', 'boxes']) at(`mask-${name}`).checked = mask[name];
    at('mask-preset').value = presetOf(mask);
    at('mask-preset').disabled = !mask.crf;
    for (const { name, input, output } of knobs) {
      input.value = mask[name];
      input.disabled = !mask.crf;
      output.textContent = String(mask[name]);
    }
  }

  function draw(state, view, method, key) {
    const { run, trace, picture } = view;
    const own = state.classes.map((index) => currentMap({ ...state, classes: [index] }, trace, method));
    const [h, w] = gridSize(picture.naturalWidth, picture.naturalHeight);
    const seed = labelMap(own.map(({ map, span }) => upsample(map, span, h, w)), state.threshold);
    const { loops, refined } = own[0];
    at('mask-settings').textContent = [method === 'crt' ? `${loops} ${loops === 1 ? 'loop' : 'loops'}` : '', refined ? 'refined' : 'not refined']
      .filter((text) => text && (trace.isTransformer(method) || text !== 'not refined')).join(', ');
    const colors = [[0, 0, 0], ...state.classes.map((index) => vocColor((index % 255) + 1))];
    const names = ['background', ...state.classes.map((index) => run.classes[index])];
    paint(at('mask-seed'), picture, { labels: seed, h, w }, colors, names, state.mask);
    at('mask-seed').setAttribute('aria-label', `Seed of ${names.slice(1).join(', ')}`);

    const current = answer?.key === key ? answer : null;
    const usable = state.mask.crf && answer?.labels?.length === answer?.h * answer?.w ? answer : null;
    at('mask-crf-figure').hidden = !state.mask.crf;
    at('mask-refined').classList.toggle('waiting', !current);
    if (usable) paint(at('mask-refined'), picture, usable, colors, names, state.mask);
    at('mask-refined').setAttribute('aria-label', usable ? `Mask of ${names.slice(1).join(', ')} after the dense CRF` : 'The dense CRF is at work');
    at('mask-note').textContent = !state.mask.crf ? '' : current?.error ?? (current ? `${Math.round(current.ms)} ms at ${current.w} × ${current.h} px` : 'The CRF is at work …');

    const truths = state.classes.map((index) => truthOf({ ...state, classes: [index] }, view));
    const known = truths.some((truth) => truth.complete);
    at('mask-truth-figure').hidden = !known;
    if (known) paint(at('mask-truth'), picture, { labels: truthLabels(truths, h, w), h, w }, colors, names, state.mask);
    at('mask-truth').setAttribute('aria-label', 'Ground truth');
    const iou = (mask, truth, label) => {
      if (!mask || !truth.complete) return '–';
      return percent(labelOverlap(mask.labels, label, truth.raster(mask.h, mask.w), truth.ignore?.(mask.h, mask.w)));
    };
    at('mask-rows').replaceChildren(...names.slice(1).map((name, k) => {
      const swatch = make('span', { class: 'mask-swatch' });
      swatch.style.background = `rgb(${colors[k + 1].join(' ')})`;
      const cells = [
        percent(share(seed, k + 1)), current?.labels ? percent(share(current.labels, k + 1)) : '–',
        iou({ labels: seed, h, w }, truths[k], k + 1), iou(current?.labels ? current : null, truths[k], k + 1),
      ];
      return make('tr', {}, [make('th', { scope: 'row' }, [swatch, make('span', { text: name })]), ...cells.map((text) => make('td', { text }))]);
    }));
  }
}

function truthLabels(truths, h, w) {
  const labels = new Uint8Array(h * w);
  truths.forEach((truth, k) => {
    const mask = truth.complete ? truth.raster(h, w) : null;
    if (mask) for (let i = 0; i < labels.length; i++) if (mask[i]) labels[i] = k + 1;
  });
  return labels;
}

function paint(canvas, picture, { labels, h, w }, colors, names, { contours, boxes }) {
  canvas.width = picture.naturalWidth;
  canvas.height = picture.naturalHeight;
  const { width, height } = canvas;
  const context = canvas.getContext('2d');
  context.drawImage(picture, 0, 0, width, height);
  context.imageSmoothingEnabled = false;
  context.drawImage(toCanvas(paintLabels(labels, colors, 0.55), w, h), 0, 0, width, height);
  names.slice(1).forEach((name, k) => {
    const map = only(labels, h, w, k + 1);
    if (contours) strokeSegments(context, contour(map, 0.5), width, height, '#ffffff', []);
    if (boxes) drawBox(context, boxOf(labels, w, k + 1), name, width / w, height / h);
  });
}

/** [left, top, right, bottom] in points around all points of a label, the right and bottom ones excluded, or null. */
export function boxOf(labels, w, label) {
  let box = null;
  labels.forEach((value, i) => {
    if (value !== label) return;
    const [x, y] = [i % w, Math.floor(i / w)];
    box = box ? [Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x + 1), Math.max(box[3], y + 1)] : [x, y, x + 1, y + 1];
  });
  return box;
}

function drawBox(context, box, name, sx, sy) {
  if (!box) return;
  const size = Math.max(11, context.canvas.width / 40);
  const [x, y] = [box[0] * sx, box[1] * sy];
  context.lineWidth = size / 6;
  context.strokeStyle = '#ffffff';
  context.strokeRect(x, y, (box[2] - box[0]) * sx, (box[3] - box[1]) * sy);
  context.font = `600 ${size}px system-ui, sans-serif`;
  const width = context.measureText(name).width + size;
  context.fillStyle = 'rgba(0,0,0,.75)';
  context.fillRect(x, Math.max(0, y - 1.5 * size), width, 1.5 * size);
  context.fillStyle = '#ffffff';
  context.fillText(name, x + size / 2, Math.max(0, y - 1.5 * size) + 1.1 * size);
}
