// The masks that the server makes: each requested when its settings have rested, and the newest answer kept.

import { inflate } from '../maths/labels.mjs';
import { openArrays } from '../core/download.mjs';
import { isDropped, mayPass, newestOf, sentenceOf } from '../core/rpc.mjs';

const DEBOUNCE_MS = 180; // milliseconds without a change before a mask is requested

/** @typedef {import('./mask_labels.mjs').LabelMap & { ms: number }} Labels */
/** @typedef {{ maps: Crt.Values[], edge: Crt.Opened, h: number, w: number, ms: number }} Walk */
/** What is known of a mask that is wanted: the last answer, whether it is the one wanted, why not, and whether trying again may help.
 * @template T
 * @typedef {{ newest: T | null, current: boolean, failure: string, passes: boolean }} MaskState
 */

/** Requests `event` once its details have rested, and keeps the newest answer. `open` makes of it what can be drawn.
 * @template T
 * @param {string} event
 * @param {(got: Crt.Answer) => T | Promise<T>} open
 * @param {Crt.Requests['request']} request
 * @param {() => void} redraw
 */
export function createMask(event, open, request, redraw) {
  const requests = newestOf(request);
  let wanted = ''; // the details that are wanted, as text
  let failure = '';
  let passes = false; // whether trying again may help
  /** @type {(T & { key: string }) | null} */
  let newest = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {string} key */
  async function load(key) {
    try {
      const opened = await open(await requests.request(event, JSON.parse(key)));
      if (key !== wanted) return;
      newest = { ...opened, key };
    } catch (error) {
      if (isDropped(error)) return;
      failure = sentenceOf(error);
      passes = mayPass(error);
    }
    redraw();
  }
  function drop() {
    clearTimeout(timer);
    requests.cancel();
    wanted = failure = '';
  }

  return {
    /** Want the mask of these details, or none. */
    want(/** @type {object | null} */ details) {
      const key = details ? JSON.stringify(details) : '';
      if (key === wanted) return;
      drop();
      wanted = key;
      if (key && newest?.key !== key) timer = setTimeout(load, DEBOUNCE_MS, key);
    },
    retry() {
      const key = wanted;
      drop();
      wanted = key;
      load(key);
      redraw();
    },
    clear() {
      drop();
      newest = null;
    },
    /** Null if no mask is wanted.
     * @returns {MaskState<T> | null}
     */
    state: () => (wanted ? { newest, current: newest?.key === wanted, failure, passes } : null),
  };
}

/** An answer with its labels unpacked.
 * @param {Crt.Answer} got
 * @returns {Promise<Labels>}
 */
export async function openLabels(got) {
  const labels = await inflate(got.labels);
  if (labels.length !== got.h * got.w) throw new Error('the labels are of another size');
  return { ...got, labels };
}

/** An answer with its maps after the random walk and the edges.
 * @param {Crt.Answer} got
 * @returns {Promise<Walk>}
 */
export async function openWalk(got) {
  const { propagated, edge } = openArrays(got.arrays, got.bytes);
  const [count, h, w] = propagated.shape;
  return { ...got, edge, maps: Array.from({ length: count }, (_, k) => ({ data: propagated.data.subarray(k * h * w, (k + 1) * h * w), h, w })) };
}
