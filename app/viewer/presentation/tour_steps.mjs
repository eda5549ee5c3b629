// The steps of the tour: its texts, with the numbers of the image on the page and of the results of its checkpoint.

import { overlap } from '../maths/iou.mjs';
import { upsample } from '../maths/resample.mjs';
import { gridSize } from '../explore/draw.mjs';
import { percent } from '../core/dom.mjs';
import { loopWords } from '../core/words.mjs';
import { METHOD_TITLES, currentMap, pick, scoreRow } from '../core/store.mjs';
import { groundTruthOf } from '../ground_truth/ground_truth.mjs';

const LOOPS = 3; // the paper's
/** What the results call the refinement by the attention of all blocks, by its pass reduction.
 * @type {Record<string, string>}
 */
const REFINEMENTS = { sum: 'sum over passes', first: 'first pass', last: 'last pass' };

/** What the texts of the steps are made from.
 * @typedef {object} Facts
 * @property {Crt.Run} run
 * @property {string} names
 * @property {number} threshold
 * @property {number} loops
 * @property {number} usual
 * @property {(method: string, loops?: number) => number} p
 * @property {(method: string, own?: Partial<Crt.Settings>) => number | null} iou null without a mask
 * @property {Measured | null} [measured]
 */
/** CRT's mIoU in percent by loops at test, each at its best threshold, with the run's default refinement and without. `images`: of which.
 * @typedef {{ images: string, unrefined: Crt.ResultLine, refined?: Crt.ResultLine }} Measured
 */
/** @typedef {{ title: string, text: string, point: string, settings: Partial<Crt.Settings> }} Step */

/** What the texts need to know of a run: names, tiles, similarities, and functions for p and IoU (null without a mask).
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @returns {Facts}
 */
export function facts(state, view) {
  const { run, prediction, image } = view;
  const truth = groundTruthOf(state, view);
  const size = gridSize(image.naturalWidth, image.naturalHeight);
  return {
    run,
    names: state.classes.map((index) => run.classes[index]).join(' + '),
    threshold: state.threshold,
    loops: Math.min(LOOPS, run.maxLoops),
    usual: Math.min(run.defaults.loops, run.maxLoops),
    p: (method, loops = 0) => Math.max(...state.classes.map((index) => scoreRow(run, method, loops)[index])),
    iou(method, own) {
      const mask = truth.complete ? truth.raster(...size) : null;
      if (!mask) return null;
      const shown = currentMap(state, prediction, method, { ...own, ...pick(run.defaults, ['blocks', 'pass_reduction']) });
      const upsampled = upsample(shown.map, shown.contentSize, ...size);
      return overlap(upsampled.data, state.threshold * shown.max, mask, truth.ignore(...size));
    },
  };
}

/** The steps: [{ title, text, point, settings }]. `point`: the panel of a method, or a control. A step whose network the
 *  checkpoint lacks is left out.
 * @param {Facts} of
 * @returns {Step[]}
 */
export function stepsOf({ run, names, threshold, loops, usual, p, iou, measured = null }) {
  const cnn = ['resnet', 'crt_cnn'].find((method) => run.methods.includes(method));
  const whole = (/** @type {number | null} */ value) => `${Math.round(100 * (value ?? NaN))} %`;
  const level = `at the threshold of ${whole(threshold)}`;
  const [height, width] = run.input;
  const grid = run.grid;
  const steps = [
    cnn && {
      title: 'Image labels only', point: cnn, settings: {},
      text: `${METHOD_TITLES[cnn]}, a CNN, was trained from image labels alone, without masks or boxes. `
        + `Its map marks where it found evidence for ${names} (p ${percent(p(cnn))})${ifKnown(iou(cnn), (value) => `, and ${level} it overlaps the mask with an IoU of ${whole(value)}`)}.`,
    },
    run.methods.includes('tscam') && {
      title: 'The transformer', point: 'tscam', settings: { refined: true },
      text: 'TS-CAM is a transformer trained from the same labels; each patch attends to all others, and the map is multiplied by the attention of the class token. '
        + `It gives ${names} a probability of ${percent(p('tscam'))}${ifKnown(iou('tscam', { refined: true }), (value) => `, and ${level} its IoU is ${whole(value)}${cnn ? `, the CNN's ${whole(iou(cnn))}` : ''}`)}.`,
    },
    run.methods.includes('crt') && {
      title: 'Cut and merge', point: 'crt', settings: { refined: true },
      text: `${METHOD_TITLES.crt}'s transformer takes ${grid.tile} × ${grid.tile} pixels at a time, and ${pieces(run)}. `
        + `From the image's ${width} × ${height} pixels comes one map of ${grid.cells[1]} × ${grid.cells[0]} cells.`,
    },
    run.methods.includes('crt') && run.maxLoops > 0 && {
      title: 'The loop', point: 'loops', settings: { refined: false, loops },
      text: `CRT adds the encoder's output to its input and enters the same encoder again. ${sentenceOf([
        `the tokens' similarity from pass to pass is ${run.similarity.slice(1, loops + 1).map((value) => percent(Math.max(0, value))).join(', ')} here`,
        overImages(measured, `${loopWords(loops)} ${take(loops)} the mIoU without refinement`, valueOf(measured?.unrefined, 0), valueOf(measured?.unrefined, loops)),
        ifKnown(iou('crt', { loops, refined: false }), (value) => `on this image, without refinement, ${loopWords(loops)} ${take(loops)} the IoU from ${whole(iou('crt', { loops: 0, refined: false }))} to ${whole(value)}`),
      ])}`,
    },
    run.methods.includes('crt') && {
      title: 'Refinement', point: 'refined', settings: { refined: true, loops: usual },
      text: `Refinement multiplies the class map by the attention of the class token, which is low on the background. ${sentenceOf([
        overImages(measured, `it takes the mIoU with ${loopWords(usual)}`, valueOf(measured?.unrefined, usual), valueOf(measured?.refined, usual)),
        ifKnown(iou('crt', { loops: usual, refined: true }), (value) => `on this image it takes CRT's IoU from ${whole(iou('crt', { loops: usual, refined: false }))} to ${whole(value)}`),
      ]) || 'The switch turns it off and on.'}`,
    },
  ];
  return steps.flatMap((step) => step || []);
}

/** What the results hold of the run's checkpoint by loops: of the first images on which it was measured, null if there are none.
 * @param {Pick<Crt.Results, 'setups' | 'headline' | 'sections'>} results
 * @param {Pick<Crt.Run, 'checkpoint' | 'defaults'>} run
 * @returns {Measured | null}
 */
export function measuredOf({ setups, headline, sections }, { checkpoint, defaults }) {
  for (const { title, weights_sha256 } of sections) {
    const images = setups.find(({ name }) => name === title)?.images;
    const lineOf = (/** @type {string} */ refinement) => headline.find((one) => one.network === `CRT, ${title}` && one.refinement === refinement)?.lines.find(({ name }) => name === 'CRT');
    const unrefined = lineOf('none');
    if (images && unrefined && weights_sha256 === checkpoint.sha256) return { images, unrefined, refined: defaults.blocks ? undefined : lineOf(REFINEMENTS[defaults.pass_reduction]) };
  }
  return null;
}

/**
 * @param {number | null} value
 * @param {(value: number) => string} describe
 */
const ifKnown = (value, describe) => (value === null ? '' : describe(value));

/** Clauses as one sentence; empty without any.
 * @param {string[]} clauses
 */
function sentenceOf(clauses) {
  const text = clauses.filter(Boolean).join('; ');
  return text && `${text[0].toUpperCase()}${text.slice(1)}.`;
}

/** @param {number} loops */
const take = (loops) => (loops === 1 ? 'takes' : 'take');

/**
 * @param {Crt.ResultLine | undefined} line
 * @param {number} loops
 * @returns {number | undefined}
 */
const valueOf = (line, loops) => line?.y[line.x.indexOf(loops)];

/** What was measured over the images of the results, empty where a value is missing.
 * @param {Measured | null} measured
 * @param {string} what
 * @param {number} [from] percent
 * @param {number} [to] percent
 */
const overImages = (measured, what, from, to) => (measured && from !== undefined && to !== undefined
  ? `over ${measured.images} (Results tab), each at its best threshold, ${what} from ${from.toFixed(1)} % to ${to.toFixed(1)} %` : '');

/** @param {Pick<Crt.Run, 'tiles' | 'mode'>} run */
function pieces({ tiles, mode }) {
  if (mode === 'bilinear' || mode === 'deconvolution') return 'in this mode it takes the whole image as one tile and upsamples its map';
  if (tiles === 1) return 'this image fits into one tile';
  const how = mode === 'overlap' ? 'that overlap by half; where they do, their maps are averaged' : 'side by side, whose maps are put together';
  return `this image was cut into ${tiles} tiles ${how}`;
}
