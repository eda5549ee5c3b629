// The loop scrubber: plays the loop counts one after another, with the IoU and similarity of each.

import { overlap } from '../maths/iou.mjs';
import { gridSize } from './draw.mjs';
import { make } from '../core/dom.mjs';
import { loopWords } from '../core/words.mjs';
import { createLast, numberOf } from './repaint.mjs';
import { NO_GROUND_TRUTH, groundTruthOf } from '../ground_truth/ground_truth.mjs';

const STEP_MS = 1000; // milliseconds for one loop count

/** The loop count after this one: the first after the last.
 * @param {number} loops
 * @param {number} most
 */
export const nextLoop = (loops, most) => (loops >= most ? 0 : loops + 1);

/** Whether the maps of the open tab follow the loop count.
 * @param {Pick<Crt.State, 'tab' | 'ablate' | 'mask'>} state
 */
export const followsLoops = ({ tab, ablate, mask }) => tab === 'explore' || (tab === 'ablate' ? ablate.show !== 'sizes' : tab === 'masks' && mask.method === 'crt');

/** The first of the largest values, or -1 for none.
 * @param {number[]} values
 */
export function best(values) {
  return values.reduce((found, value, i) => (found < 0 || value > values[found] ? i : found), -1);
}

/** What the tokens after this loop count have to do with those before, in words.
 * @param {number[]} similarity
 * @param {number} loops
 */
export function similarityWords(similarity, loops) {
  const value = similarity[loops];
  return loops > 0 && Number.isFinite(value) ? `cosine to previous pass ${value.toFixed(3)}` : '';
}

/** @param {Crt.Page} page */
export function mountPlayer({ at, root, store, view, panelGrid, onDraw, onRun }) {
  const still = window.matchMedia('(prefers-reduced-motion: reduce)');
  /** @type {ReturnType<typeof setInterval> | null} */
  let timer = null;
  let shown = ''; // the IoU of each loop count, as it is on the page
  const measured = createLast(1);
  at('play').addEventListener('click', () => {
    if (timer) stop();
    else if (still.matches) step(); // one count at a press, nothing moves by itself
    else start();
  });
  for (const event of ['pointerdown', 'keydown', 'input']) at('loops').addEventListener(event, stop);
  document.addEventListener('visibilitychange', () => document.hidden && stop());
  still.addEventListener('change', stop);
  onRun(() => {
    stop();
    shown = '';
  });
  onDraw((state, now) => {
    const { run } = now;
    const follows = followsLoops(state);
    if (timer && (!follows || root.dataset.present)) stop();
    at('play').hidden = !follows;
    at('play').disabled = at('loops').disabled = run.maxLoops === 0;
    at('loops-similarity').textContent = similarityWords(run.similarity, state.loops);
    if (state.tab === 'explore') ious(state, now);
    label();
  });

  function start() {
    step();
    timer = setInterval(step, STEP_MS);
    label();
  }

  function stop() {
    if (timer) clearInterval(timer);
    timer = null;
    label();
  }

  function step() {
    const now = view();
    if (now) store.set({ loops: nextLoop(store.get().loops, now.run.maxLoops) });
  }

  function label() {
    const words = timer ? 'Pause' : still.matches ? 'Next loop count' : 'Play the loop counts';
    at('play').textContent = timer ? '❚❚' : still.matches ? '›' : '▶';
    at('play').setAttribute('aria-label', words);
    at('play').title = words;
  }

  /** CRT's IoU with the mask for every loop count, a small bar for each.
   * @param {Crt.State} state
   * @param {Crt.View} now
   */
  function ious(state, now) {
    const { run, image } = now;
    const truth = state.ground_truth ? groundTruthOf(state, now) : NO_GROUND_TRUTH;
    const size = gridSize(image.naturalWidth, image.naturalHeight);
    const raster = truth.complete ? truth.raster(...size) : null;
    const wanted = raster !== null && run.methods.includes('crt') && run.maxLoops > 0;
    at('loops-iou').hidden = !wanted;
    if (!wanted) return;
    const ignore = truth.ignore(...size);
    const about = [run.run, state.classes, state.refined, state.blocks, state.pass_reduction, state.threshold, size, numberOf(ignore)];
    const values = measured.of(raster, JSON.stringify(about), () => Array.from({ length: run.maxLoops + 1 }, (_, loops) => {
      const map = panelGrid.maps.shown(state, now, 'crt', { loops });
      return map.max > 0 ? overlap(panelGrid.maps.upsampled(map, size).data, state.threshold * map.max, raster, ignore) : 0;
    }));
    const key = JSON.stringify([values, state.loops]);
    if (key === shown) return;
    shown = key;
    const highest = best(values);
    at('loops-iou').replaceChildren(...values.map((value, loops) => {
      const bar = make('span', { class: 'iou-bar', 'aria-hidden': 'true' });
      bar.style.width = `${100 * value}%`;
      const words = `${loops === highest ? 'best: ' : ''}${loopWords(loops)}, IoU ${Math.round(100 * value)} %`;
      return make('li', { class: loops === highest ? 'best' : '', 'aria-current': loops === state.loops ? 'true' : null, title: words }, [
        make('span', { class: 'visually-hidden', text: words }),
        make('span', { class: 'iou-track', 'aria-hidden': 'true' }, [bar]),
        make('span', { 'aria-hidden': 'true', text: `${loops === highest ? '★ ' : ''}${Math.round(100 * value)}` }),
      ]);
    }));
  }
}
