// Sentences about the numbers of an ablation on this image, made from the numbers alone.

import { figure } from '../maths/numbers.mjs';
import { loopWords } from '../core/words.mjs';
import { percent } from '../core/dom.mjs';

const IOU_MARGIN = 0.005; // half a point of IoU: less is no difference worth a sentence
const STABLE_COSINE = 0.98; // cosine from which a pass hardly changes the tokens

const whole = (/** @type {number} */ share) => `${Math.round(100 * share)} %`;

/** Points of IoU with a sign: +4.2, −0.3, 0.
 * @param {number} difference
 */
export function points(difference) {
  const value = Math.round(1000 * difference) / 10;
  return value > 0 ? `+${value}` : String(value).replace('-', '−');
}

/** The least count after which no value is higher by half a point or more.
 * @param {number[]} values
 */
export function lastUseful(values) {
  const highest = Math.max(...values);
  return values.findIndex((value) => value >= highest - IOU_MARGIN);
}

/** Which loop count stops helping: `now` the IoU of each count at the threshold that is set, `best` at its own best.
 * @param {{ best: number[], now: number[], threshold: number, title: string, refined: boolean }} of
 */
export function loopsReading({ best, now, threshold, title, refined }) {
  const [here, free, last] = [lastUseful(now), lastUseful(best), now.length - 1];
  const peak = now.indexOf(Math.max(...now));
  const name = `${title}'s ${refined ? 'refined' : 'unrefined'} map`;
  if (last === 0) return `${name} has an IoU of ${percent(best[0])} at its best threshold; this network has no loops.`;
  const against = (/** @type {number[]} */ values, /** @type {number} */ count) => {
    const other = count || last;
    return `IoU ${percent(values[count])} against ${percent(values[count ? 0 : other])} ${count ? 'without' : `with ${loopWords(other)}`}`;
  };
  const begin = `At the threshold of ${percent(threshold)} set here, ${name}`;
  const stop = here === last
    ? `${begin} still gains from the last of ${loopWords(last)}`
    : here > 0 ? `${begin} ${peak === here ? 'stops gaining' : 'gains less than half a point'} after ${loopWords(here)}` : `${begin} gains nothing from loops`;
  const highest = peak === here ? '' : `; the highest, ${percent(now[peak])}, is with ${loopWords(peak)}`;
  const same = here === free ? 'the same holds' : `${free ? loopWords(free) : 'no loops'} would be enough`;
  return `${stop} on this image: ${against(now, here)}${highest}. With its own best threshold for every count ${same}: ${against(best, free)}.`;
}

/** The same question without a mask: from which pass on the tokens stay. `similarity[j]`: cosine before and after pass j.
 * @param {number[]} similarity
 * @param {boolean} masked
 */
export function similarityReading(similarity, masked) {
  const passes = similarity.slice(1);
  if (!passes.length) return 'This network has no loops, so no pass follows another.';
  const more = masked ? '' : ' A mask of this image would tell more: which count fits the object best.';
  const still = passes.findIndex((value) => value >= STABLE_COSINE);
  if (still < 0) return `Every pass still changes the tokens: after pass ${passes.length} their cosine with those before it is ${figure(passes[passes.length - 1])}.${more}`;
  const after = still + 1 < passes.length ? `, and ${figure(passes[passes.length - 1])} by pass ${passes.length}` : '';
  return `Pass ${still + 1} is the first that hardly changes the tokens (cosine ${figure(passes[still])}${after}): more loops can add little.${more}`;
}

/** Rows in the order of their sizes: { label, tiles, ms, iou }; `ms` and `iou` may be null.
 * @param {{ label: string, tiles: number, ms: number | null, iou: number | null }[]} rows
 */
export function costReading(rows) {
  if (rows.length < 2) return 'Run the sizes to compare what they cost.';
  const [first, last] = [rows[0], rows[rows.length - 1]];
  const ratio = (/** @type {number} */ a, /** @type {number} */ b) => (a / b >= 10 ? Math.round(a / b) : Number((a / b).toFixed(1)));
  const times = first.ms && last.ms ? ` and ${ratio(last.ms, first.ms)} times the time of all networks together` : '';
  const cost = `${last.label} takes ${ratio(last.tiles, first.tiles)} times the tiles of ${first.label}${times}.`;
  const judged = rows.flatMap(({ label, iou }) => (iou === null ? [] : [{ label, iou }]));
  if (!judged.length) return cost;
  const best = judged.reduce((a, b) => (b.iou > a.iou ? b : a));
  return `${cost} With its best threshold for each, ${best.label} fits the mask best: IoU ${percent(best.iou)}.`;
}

/** `rows`: [{ label, coupled: numbers per loop count, alone: numbers }], either may be missing.
 * @param {{ label: string, coupled?: number[], alone?: number[] }[]} rows
 */
export function distanceReading(rows) {
  const known = rows.flatMap(({ coupled, ...row }) => (coupled?.length ? [{ ...row, coupled }] : []));
  if (!known.length) return 'Run the sizes to measure it. It needs the transformer and the CNN that were trained together.';
  const { label, coupled, alone } = known[0];
  const least = coupled.indexOf(Math.min(...coupled));
  const other = alone?.length ? ` The two baselines, trained apart, differ by ${figure(alone[0])}; nothing kept their scales together.` : '';
  const apart = least === 0 ? `more loops take them further apart, ${figure(coupled[coupled.length - 1])} at ${loopWords(coupled.length - 1)}` : `${figure(coupled[0])} without loops`;
  return `At ${label} the branches trained together are nearest with ${loopWords(least)}: they differ by ${figure(coupled[least])} on average (${apart}).${other}`;
}

/** `rows`: [{ title, best: { threshold, iou }, now }], one for each map on the page.
 * @param {{ title: string, best: Crt.IouCurve['best'], now: number }[]} rows
 * @param {number} threshold
 */
export function thresholdReading(rows, threshold) {
  if (!rows.length) return 'No map is switched on: choose some in Explore.';
  const leader = rows.reduce((a, b) => (b.best.iou > a.best.iou ? b : a));
  const gain = leader.best.iou - leader.now;
  const than = gain < IOU_MARGIN ? `as good as at the ${percent(threshold)} set here` : `${points(gain).slice(1)} points more than at the ${percent(threshold)} set here`;
  const lead = rows.length > 1 ? `Of the maps shown, ${leader.title} fits the mask best` : `${leader.title} fits the mask best at a threshold of ${whole(leader.best.threshold)}`;
  return rows.length > 1 ? `${lead}: IoU ${percent(leader.best.iou)} at a threshold of ${whole(leader.best.threshold)}, ${than}.` : `${lead}: IoU ${percent(leader.best.iou)}, ${than}.`;
}

/** The best of several cells: [{ name, iou }], `iou` null where it is not known.
 * @param {{ name: string, iou: number | null }[]} cells
 * @param {number} threshold
 */
export function gridReading(cells, threshold) {
  const judged = cells.flatMap(({ name, iou }) => (iou === null ? [] : [{ name, iou }]));
  if (judged.length < 2) return '';
  const best = judged.reduce((a, b) => (b.iou > a.iou ? b : a));
  const worst = judged.reduce((a, b) => (b.iou < a.iou ? b : a));
  return `Best of ${judged.length} at the threshold of ${percent(threshold)}: ${best.name}, IoU ${percent(best.iou)}. The least is ${percent(worst.iou)}, ${worst.name}.`;
}

/** Which rung of the ladder gains most and which lose: rungs [{ name, gain, gainNow }], null where it is not known.
 * @param {{ name: string, gain: number | null, gainNow: number | null }[]} rungs
 * @param {number} threshold
 */
export function ladderReading(rungs, threshold) {
  const steps = rungs.flatMap(({ name, gain, gainNow }) => (gain === null || gainNow === null ? [] : [{ name, gain, gainNow }]));
  if (!steps.length) return '';
  const most = (/** @type {'gain' | 'gainNow'} */ field) => steps.reduce((a, b) => (b[field] > a[field] ? b : a));
  const [free, set] = [most('gain'), most('gainNow')];
  const lost = steps.filter(({ gain }) => gain <= -IOU_MARGIN).map(({ name, gain }) => `${name} (${points(gain)})`);
  const first = free.gain >= IOU_MARGIN ? `With its best threshold for every rung, ${free.name} gains most on this image (${points(free.gain)} points)` : 'No rung gains half a point on this image, each with its best threshold';
  const rest = lost.length ? `, and it loses with ${lost.join(' and ')}` : '';
  const here = set.gainNow >= IOU_MARGIN ? ` At the ${percent(threshold)} set here, ${set.name} gains most (${points(set.gainNow)}).` : '';
  return `${first}${rest}.${here} One image proves nothing about others.`;
}
