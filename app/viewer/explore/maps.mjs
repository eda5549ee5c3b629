// The maps that the page shows now, kept while their settings stay, and the words for them.

import { difference } from '../maths/difference.mjs';
import { largest } from '../maths/order.mjs';
import { upsample } from '../maths/resample.mjs';
import { PASS_REDUCTIONS } from '../core/constants.mjs';
import { METHOD_TITLES, currentMap } from '../core/store.mjs';
import { loopWords } from '../core/words.mjs';
import { createLast, numberOf } from './repaint.mjs';

const MAX_MAPS = 48;
const MAX_DIFFERENCES = 4;
/** @type {Crt.AddedPanel} */
const NO_PANEL = { title: 'Closed panel', note: 'There is no map', map: { data: new Float32Array(1), h: 1, w: 1 }, contentSize: [1, 1], unit: 'explainer' };

/** Maps by their settings: shown(state, view, method, own) as currentMap gives it, the same object for the same settings;
 *  upsampled(shown, [h, w]) interpolated on h × w points of the whole image; difference(a, b, [h, w], raw) of two maps. `added` gives the panel that the user has added, for these
 *  classes; its map is that of the method added_panel.
 * @param {(state: Crt.State, classes: number[]) => Crt.AddedPanel | null} [added]
 */
export function createMaps(added = () => null) {
  /** @type {Map<string, Crt.Shown>} */
  const kept = new Map();
  /** @type {WeakMap<Float32Array, { h: number, w: number, upsampled: Crt.Values }>} */
  const interpolated = new WeakMap(); // values of a map -> { h, w, upsampled }
  const differences = createLast(MAX_DIFFERENCES);
  return {
    /**
     * @param {Crt.State} state
     * @param {Pick<Crt.View, 'run' | 'prediction'>} view
     * @param {string} method
     * @param {Crt.OwnSettings} [own]
     * @returns {Crt.Shown}
     */
    shown(state, { run, prediction }, method, own = {}) {
      const { classes, loops, refined, blocks, pass_reduction } = { ...state, ...own };
      if (method === 'added_panel') {
        const panel = added(state, classes) ?? NO_PANEL;
        const { data } = panel.map;
        const empty = panel.empty || (data.length < 2 ? panel.note : ''); // it is still being computed, or there is none
        return { ...panel, method, classes, loops: 0, refined: false, max: panel.max ?? largest(data), empty };
      }
      const multiplied = refined && prediction.isTransformer(method); // attention and loops decide nothing of a map without them
      const key = [run.run, method, classes.join(), Math.min(loops, prediction.maxLoops(method)), multiplied, multiplied && blocks, multiplied && pass_reduction].join('/');
      const known = kept.get(key);
      if (known) return known;
      if (kept.size >= MAX_MAPS) kept.delete(String(kept.keys().next().value));
      const made = currentMap(state, prediction, method, own);
      kept.set(key, made);
      return made;
    },
    /**
     * @param {Pick<Crt.Scaled, 'map' | 'contentSize'>} shown
     * @param {Crt.Size} size
     * @returns {Crt.Values}
     */
    upsampled({ map, contentSize }, [h, w]) {
      const before = interpolated.get(map.data);
      if (before?.h === h && before.w === w) return before.upsampled;
      const upsampled = upsample(map, contentSize, h, w);
      interpolated.set(map.data, { h, w, upsampled });
      return upsampled;
    },
    /**
     * @param {Crt.Scaled} a
     * @param {Crt.Scaled} b
     * @param {Crt.Size} size
     * @param {boolean} raw
     * @returns {Crt.Scaled}
     */
    difference(a, b, size, raw) {
      const key = [numberOf(b.map.data), a.max, b.max, a.unit, b.unit, ...a.contentSize, ...b.contentSize, ...size, raw].join();
      return differences.of(a.map.data, key, () => difference(a, b, ...size, raw));
    },
  };
}

/** What a map was made with, as far as its method has it: '3 loops, refined'.
 * @param {Pick<Crt.Shown, 'method' | 'loops' | 'refined'>} shown
 * @param {boolean} isTransformer
 */
export function settingsOf(shown, isTransformer) {
  const words = [];
  if (shown.method === 'crt') words.push(loopWords(shown.loops));
  if (isTransformer) words.push(shown.refined ? 'refined' : 'not refined');
  return words.join(', ');
}

/** A refined map in words, with whose attention refines it. One pass alone leaves nothing to put together.
 * @param {Pick<Crt.Settings, 'blocks' | 'pass_reduction'>} settings
 * @param {number} loops
 */
export function refinedWords({ blocks, pass_reduction }, loops) {
  const which = blocks ? `of blocks ${blocks[0] + 1} to ${blocks[1] + 1}` : '';
  const { description, tile_normalized } = PASS_REDUCTIONS[pass_reduction];
  const how = loops > 1 || tile_normalized ? description : '';
  const words = [which, how].filter(Boolean).join(', ');
  return words ? `refined by the attention ${words}` : 'refined';
}

/** The classes chosen, or those of a map, in words.
 * @param {Pick<Crt.State, 'classes'>} state
 * @param {Pick<Crt.Run, 'classes'>} run
 */
export const chosenNames = ({ classes }, run) => classes.map((index) => run.classes[index]).join(' + ');

/** The name of a map: its network, or the title of the added panel.
 * @param {{ method?: string, title?: string }} shown
 */
export const nameOf = ({ method, title }) => METHOD_TITLES[method ?? ''] ?? title ?? '';

/** A map with its settings in words.
 * @param {Pick<Crt.Shown, 'method' | 'loops' | 'refined' | 'title'>} shown
 * @param {boolean} isTransformer
 */
export function titleOf(shown, isTransformer) {
  const settings = settingsOf(shown, isTransformer);
  return settings ? `${nameOf(shown)}, ${settings}` : nameOf(shown);
}

/** A network or a map with the class that it is of, where its title gives it: 'cat by CRT'.
 * @param {string} subject
 * @param {string} title
 */
export const by = (subject, title) => (subject ? `${subject} by ${title}` : title);
