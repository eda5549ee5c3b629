// Parts of the page whose modules are loaded later: with the tab or the button that opens them, or when another part needs them.

import { createLater } from './core/later.mjs';
import { sentenceOf } from './core/rpc.mjs';

/** Parts whose modules are loaded when they are first needed: those of tabs, by the tab, the curve, by ground truth,
 * faithfulness, by the first maps, and those of OPENERS.
 * @type {Record<string, (need: (name: string) => Promise<void>) => Promise<(page: Crt.Page) => void>>}
 */
const LATER = {
  ablate: () => import('./ablation/ablation.mjs').then(({ mountAblation }) => mountAblation),
  layers: () => import('./attention/layers.mjs').then(({ mountLayers }) => mountLayers),
  masks: () => import('./masks/masks.mjs').then(({ mountMasks }) => mountMasks),
  results: () => import('./results/results.mjs').then(({ mountResults }) => mountResults),
  curve: () => import('./explore/threshold_curve.mjs').then(({ mountThresholdCurve }) => mountThresholdCurve),
  faithfulness: () => import('./faithfulness/faithfulness.mjs').then(({ mountFaithfulness }) => mountFaithfulness),
  sheet: () => import('./explore/sheet.mjs').then(({ mountSheet }) => mountSheet),
  scenes: () => import('./presentation/scenes.mjs').then(({ mountScenes }) => mountScenes),
  export: (need) => need('scenes').then(() => import('./export/export.mjs')).then(({ mountExport }) => mountExport),
  presentation: (need) => need('scenes').then(() => import('./presentation/presentation.mjs')).then(({ mountPresentation }) => mountPresentation),
  tour: () => import('./presentation/tour.mjs').then(({ mountTour }) => mountTour),
};
/** The buttons that open a part: by role the part, the keys that open it beside a click, and whether it is about the image on the page,
 * as an export is on every tab but that of the results.
 * @type {Record<string, { part: string, keys?: string[], ofImage?: boolean }>}
 */
const OPENERS = {
  'export-open': { part: 'export', keys: ['ArrowDown', 'ArrowUp'], ofImage: true },
  'scenes-open': { part: 'scenes' },
  'sheet-open': { part: 'sheet' },
  'present-start': { part: 'presentation' },
  'tour-start': { part: 'tour', ofImage: true },
};

/** @param {Crt.Page} page
 *  @param {Parameters<Crt.Page['onRun']>[0][]} listeners of `page.onRun`, to which a part adds its own
 *  @param {ReturnType<typeof import('./core/message.mjs').createMessage>} message
 */
export function createParts(page, listeners, message) {
  const later = createLater(LATER, mountLater);

  /** Mount a part as if it had been here when the run came.
   * @param {(page: Crt.Page) => void} feature
   */
  function mountLater(feature) {
    const before = listeners.length;
    feature(page);
    const view = page.view();
    if (view) for (const listener of listeners.slice(before)) listener(view, null);
    page.store.set({});
  }

  /** Have a part mounted, which ends the message that one could not be loaded. Throws RequestError.
   * @param {string} name
   */
  async function load(name) {
    const succeed = message.begin('load');
    await later.need(name);
    succeed();
  }

  /** Show why a part is not here.
   * @param {unknown} error
   * @param {() => void} [again]
   */
  function failed(error, again) {
    message.fail(sentenceOf(error), again, 'load');
  }

  /** Have a part mounted; until then its tab takes no clicks.
   * @param {string} name
   */
  async function bring(name) {
    if (later.isHere(name)) return;
    const panel = /** @type {HTMLElement | null} */ (page.root.querySelector(`[role="tabpanel"][data-tab="${name}"]`));
    if (panel) panel.inert = true;
    try {
      await load(name);
      if (panel) panel.inert = false;
    } catch (error) {
      failed(error, () => bring(name));
    }
  }

  /** Have a part loaded when its button is pointed at or focused, at the latest before it is opened.
   * @param {HTMLButtonElement} button
   * @param {string} name of the part
   * @param {string[]} keys that open it
   * @param {boolean} ofImage whether there is nothing to open without an image
   */
  function mountOpener(button, name, keys, ofImage) {
    if (ofImage) {
      const update = () => { button.disabled = !page.view() && !(name === 'export' && page.store.get().tab === 'results' && page.results.sections.length); };
      page.onRun(update);
      page.store.subscribe(update);
    }
    const early = () => later.need(name).catch(() => {}); // what opens it shows why it cannot be loaded
    const first = new AbortController();
    const { signal } = first;
    /** @param {() => void} again does what the event asked for, once the part is here */
    const open = async (/** @type {Event} */ event, again) => {
      if (later.isHere(name)) return first.abort(); // its own listeners take the event
      event.preventDefault();
      event.stopImmediatePropagation();
      try {
        await load(name);
        first.abort();
        again();
      } catch (error) {
        failed(error, again);
      }
    };
    for (const kind of ['pointerenter', 'focus']) button.addEventListener(kind, early, { signal });
    button.addEventListener('click', (event) => open(event, () => button.click()), { signal });
    button.addEventListener('keydown', (event) => {
      if (keys.includes(event.key)) open(event, () => button.dispatchEvent(new KeyboardEvent('keydown', { key: event.key, bubbles: true, cancelable: true })));
    }, { signal });
  }

  return {
    need: later.need,
    load,
    failed,
    bring,
    /** Let each button of OPENERS have its part. */
    mountOpeners() {
      for (const [role, { part, keys = [], ofImage = false }] of Object.entries(OPENERS)) mountOpener(page.at(role), part, keys, ofImage);
    },
  };
}
