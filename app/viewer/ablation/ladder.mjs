// The ablation ladder: from the CNN alone to refined CRT, one thing added on every rung, all on this image.

import { ranges } from '../maths/color_scale.mjs';
import { refinedWords } from '../explore/maps.mjs';
import { loopWords } from '../core/words.mjs';
import { make, percent } from '../core/dom.mjs';
import { isMade } from './grids.mjs';
import { ONE_TILE } from './plan.mjs';
import { ladderReading, points } from './readings.mjs';
import { METHOD_TITLES } from '../core/store.mjs';
import { iouAt } from '../maths/iou.mjs';
import { DEFAULT_REDUCTION } from '../core/constants.mjs';

const PAPER_LOOPS = 3;

/** The loop count of the rungs with loops, and why it is this one.
 * @param {number} loops
 * @param {{ defaults: { loops: number }, maxLoops: number }} run
 */
export function ladderLoops(loops, { defaults, maxLoops }) {
  if (loops > 0) return { loops: Math.min(loops, maxLoops), why: 'as set above' };
  if (defaults.loops > 0) return { loops: Math.min(defaults.loops, maxLoops), why: 'the default of the checkpoint, as none are set above' };
  return { loops: Math.min(PAPER_LOOPS, maxLoops), why: 'the count of the paper, as none are set above' };
}

/** @typedef {Crt.CellSettings & { name: string, adds: string, method: string, at: Crt.SizeMode, why: string, published: boolean }} Rung */
/** @typedef {{ best: Crt.IouCurve['best'] | null, now: number | null, gain: number | null, gainNow: number | null }} RungNumbers */

/** The rungs: { name, adds, method, at: { size, mode }, loops, refined, why }. All but the last are unrefined, so that
 *  one thing changes at a time; `published` marks the rung whose refined map is a published method of its own.
 * @param {Crt.Run} run
 * @param {number} loopsSet
 * @returns {Rung[]}
 */
export function rungs(run, loopsSet) {
  const here = { size: run.chosen.size, mode: 'overlap' };
  const { loops, why } = ladderLoops(loopsSet, run);
  const plain = { loops: 0, refined: false, why: '', published: false };
  return [
    { ...plain, name: 'ResNet', adds: 'the CNN, trained alone', method: 'resnet', at: here },
    { ...plain, name: 'TS-CAM', adds: 'the transformer, trained alone', method: 'tscam', at: ONE_TILE, published: true },
    { ...plain, name: '+ cut-merge', adds: 'the same network, on tiles that overlap', method: 'tscam', at: here },
    { ...plain, name: '+ CAM consistency', adds: 'the transformer trained together with a CNN', method: 'crt', at: here },
    { ...plain, name: '+ loops', adds: 'the same network, its output added and sent through again', method: 'crt', at: here, loops, why },
    { ...plain, name: '+ refinement', adds: 'the same maps times the attention of the class token', method: 'crt', at: here, loops, refined: true },
  ];
}

/** Exactly how a rung was made. `run`: the header of its column; `state`: whose attention refines.
 * @param {Rung} rung
 * @param {Crt.Run} run
 * @param {Pick<Crt.Settings, 'blocks' | 'pass_reduction'>} state
 */
export function settingsWords(rung, run, state) {
  const [height, width] = run.input;
  const words = [`${METHOD_TITLES[rung.method]} network`, `input ${width} × ${height} px`];
  if (rung.method !== 'resnet') {
    words.push(run.tiles === 1 ? `one ${run.grid.tile} px tile` : `${run.tiles} tiles of ${run.grid.tile} px, ${run.mode}`);
    if (rung.method === 'crt') words.push(`${loopWords(rung.loops)}${rung.why ? ` (${rung.why})` : ''}`);
    words.push(rung.refined ? refinedWords(state, rung.loops) : 'not refined');
  }
  if (rung.name === '+ cut-merge' && run.tiles === 1) words.push('nothing to merge at this size');
  return words.join(' · ');
}

/** Numbers of the rungs: `curves` their sweeps, null where there is none -> [{ best, now, gain, gainNow }], differences to
 *  the rung before, null where either is missing.
 * @param {(Crt.IouCurve | null)[]} curves
 * @param {number} threshold
 * @returns {RungNumbers[]}
 */
export function ladderNumbers(curves, threshold) {
  return curves.map((curve, i) => {
    const before = curves[i - 1] ?? null;
    const now = curve && iouAt(curve, threshold);
    return {
      best: curve?.best ?? null, now,
      gain: curve && before ? curve.best.iou - before.best.iou : null,
      gainNow: curve && before ? iouAt(curve, threshold) - iouAt(before, threshold) : null,
    };
  });
}

/** The ladder on the page. `scene` as mountAblation makes it; `pick(question, own, method)` opens a rung in Explore.
 * @param {HTMLElement} list
 * @param {HTMLElement} reading
 * @param {Crt.PickCell} pick
 */
export function createLadder(list, reading, pick) {
  /** @typedef {{ node: HTMLElement, canvas: HTMLCanvasElement, name: HTMLElement, adds: HTMLElement, settings: HTMLElement, also: HTMLElement, bar: HTMLElement, numbers: HTMLElement, button: HTMLButtonElement, track: HTMLElement, open: (() => void) | null }} Row */
  /** @type {Row[]} */
  let rows = [];
  /** @type {Crt.DescribedRow[]} */
  let described = []; // what is shown, for an export

  /** @param {number} count */
  function build(count) {
    rows = Array.from({ length: count }, () => {
      const row = /** @type {Row} */ ({
        canvas: make('canvas', { 'aria-hidden': 'true' }), name: make('h3'), adds: make('p', { class: 'hint' }),
        settings: make('p', { class: 'ladder-settings' }), also: make('p', { class: 'hint' }),
        bar: make('span', { class: 'bar' }), numbers: make('dl', { class: 'ladder-numbers' }), open: null,
      });
      row.button = make('button', { type: 'button', class: 'ablate-cell', on: { click: () => row.open?.() } }, [row.canvas]);
      row.track = make('span', { class: 'track', 'aria-hidden': 'true' }, [row.bar]);
      row.node = make('li', {}, [row.button, make('div', { class: 'ladder-words' }, [row.name, row.adds, row.settings, row.also]), make('div', { class: 'ladder-side' }, [row.numbers, row.track])]);
      return row;
    });
    list.replaceChildren(...rows.map(({ node }) => node));
  }

  /** @param {Crt.AblationScene} scene */
  function draw(scene) {
    const { state, run, paint, columnOf, measure } = scene;
    const steps = rungs(run, state.loops);
    if (rows.length !== steps.length) build(steps.length);
    const seen = steps.map((rung) => {
      const lacks = !run.methods.includes(rung.method);
      const column = lacks ? null : columnOf(rung.at);
      const made = column && isMade(column) ? column : null;      const own = { loops: rung.loops, refined: rung.refined };
      const trouble = lacks ? `This checkpoint has no ${METHOD_TITLES[rung.method]} network.` : column?.cannot ?? column?.error ?? (made ? '' : 'Not run yet.');
      return { rung, own, trouble, found: made && { column: made, shown: measure(made, rung.method, own) } };
    });
    const numbers = ladderNumbers(seen.map(({ found }) => found?.shown.curve ?? null), state.threshold);
    const vmaxes = ranges(seen.flatMap(({ found }) => found?.shown ?? []), state.scale, state.absolute);
    seen.forEach(({ rung, own, trouble, found }, i) => {
      const row = rows[i];
      row.node.className = rung.method;
      row.name.textContent = rung.name;
      row.adds.textContent = rung.adds;
      row.button.disabled = !found;
      row.button.setAttribute('aria-label', `${rung.name}: open in Explore`);
      row.open = () => pick(rung.at, own, rung.method);
      row.canvas.hidden = !found;
      if (found) paint(row.canvas, found.shown, vmaxes.shift() ?? found.shown.max, state);
      row.settings.textContent = found ? settingsWords(rung, found.column.run, state) : trouble;
      row.also.textContent = found && rung.published ? published(scene, found.column, rung) : '';
      row.also.hidden = !row.also.textContent;
      fill(row, numbers[i], state.threshold);
    });
    described = seen.map(({ rung, own, trouble, found }) => ({
      title: rung.name, ...rung.at, trouble,
      cells: found ? [{ title: rung.name, note: rung.adds, line: settingsWords(rung, found.column.run, state), method: rung.method, ...own }] : [],
    }));
    const added = steps.map((rung, i) => ({ name: rung.name, ...numbers[i] })).filter(({ name }) => name.startsWith('+'));
    reading.textContent = scene.truth ? ladderReading(added, state.threshold) : scene.noTruth;
  }

  return { draw, shown: () => ({ rows: described, reading: reading.textContent }) };
}

/**
 * @param {{ numbers: HTMLElement, track: HTMLElement, bar: HTMLElement }} row
 * @param {RungNumbers} of
 * @param {number} threshold
 */
function fill({ numbers, track, bar }, { best, now, gain, gainNow }, threshold) {
  track.hidden = !best;
  numbers.hidden = !best;
  if (!best || now === null) return;
  bar.style.width = `${100 * best.iou}%`;
  const entry = (/** @type {string} */ term, /** @type {number} */ iou, /** @type {number | null} */ difference) => [
    make('dt', { text: term }),
    make('dd', {}, [make('strong', { text: percent(iou) }), make('span', { text: difference === null ? '' : points(difference) })]),
  ];
  numbers.replaceChildren(
    ...entry(`best IoU, at ${Math.round(100 * best.threshold)} %`, best.iou, gain),
    ...entry(`IoU at ${percent(threshold)}`, now, gainNow),
  );
}

/** TS-CAM as it was published multiplies its maps with the attention of all its blocks, whatever is set here; the ladder
 *  leaves refinement to its last rung.
 * @param {Crt.AblationScene} scene
 * @param {Crt.MadeColumn} column
 * @param {Rung} rung
 */
function published({ measure }, column, rung) {
  const curve = measure(column, rung.method, { loops: 0, refined: true, blocks: null, pass_reduction: DEFAULT_REDUCTION }).curve;
  const iou = curve ? `: IoU ${percent(curve.best.iou)} at its best threshold of ${Math.round(100 * curve.best.threshold)} %` : '';
  return `As published, times its own attention${iou}. Here without, so that one thing changes at a time.`;
}
