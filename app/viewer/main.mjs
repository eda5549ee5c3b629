// The viewer: takes runs from the server, keeps the newest, and redraws whenever the store changes.
// Each part of the page is a feature: a function that wires its own corner through the `page` it is given.

import { niceCeiling } from './maths/numbers.mjs';
import { mountClassList } from './explore/class_list.mjs';
import { mountCompare } from './explore/compare.mjs';
import { mountControls } from './explore/controls.mjs';
import { mountDrawTool } from './ground_truth/draw_tool.mjs';
import { mountAddedSide } from './explore/added_side.mjs';
import { mountExplainers } from './explore/explainers.mjs';
import { mountFilePanel } from './explore/file_panel.mjs';
import { mountInspect } from './attention/inspect.mjs';
import { mountLocalizationTable } from './ground_truth/localization_table.mjs';
import { createAnswers } from './core/answers.mjs';
import { mountCheckpoint } from './core/checkpoint.mjs';
import { loadImage, make, part } from './core/dom.mjs';
import { pageQueue } from './core/gradio_queue.mjs';
import { createMessage } from './core/message.mjs';
import { mountOffline } from './core/offline.mjs';
import { mountPanels } from './explore/panels.mjs';
import { mountPlayer } from './explore/player.mjs';
import { claimOf } from './results/address.mjs';
import { mountExamples } from './explore/examples.mjs';
import { mountFormerImage } from './explore/former_image.mjs';
import { mountInputNote } from './explore/input_note.mjs';
import { mountUploadPreview } from './explore/upload_preview.mjs';
import { mountPermalink } from './permalink/permalink.mjs';
import { decode } from './permalink/query.mjs';
import { RequestError, createRequests, mayPass, sentenceOf } from './core/rpc.mjs';
import { INITIAL, adopt, createStore, isSameRun, pick } from './core/store.mjs';
import { mountSlots } from './core/slots.mjs';
import { mountStatus } from './core/status.mjs';
import { mountTabs } from './core/tabs.mjs';
import { answerBytes } from './core/download.mjs';
import { openPrediction } from './core/prediction.mjs';
import { labelsOf } from './ground_truth/ground_truth.mjs';
import { mountGroundTruthCard } from './ground_truth/ground_truth_card.mjs';
import { createParts } from './parts.mjs';

const FEATURES = [mountSlots, mountTabs, mountControls, mountPanels, mountCompare, mountPlayer, mountStatus, mountInputNote, mountOffline, mountClassList, mountExamples, mountFormerImage, mountUploadPreview, mountInspect, mountExplainers, mountFilePanel, mountAddedSide, mountGroundTruthCard, mountDrawTool, mountLocalizationTable, mountPermalink, mountCheckpoint];
const BRING_IMAGE = ['example', 'reopen', 'reopen_run', 'rerun']; // events whose answer puts an image on the page
const ABOUT_NO_IMAGE = [...BRING_IMAGE, 'swap', 'cancel', 'export_results'];
const NOT_ON_SERVER = 'This image comes from a scene and is not on the server: choose it as an image to compute more.';

/**
 * @param {HTMLElement} element
 * @param {(event: string, details: object) => void} trigger
 * @param {any} props as Viewer of viewer.py has them; Gradio keeps them up to date
 * @param {(name: string, listener: () => void) => void} watch
 */
export function mount(element, trigger, props, watch) {
  const root = /** @type {HTMLElement} */ (element.querySelector('.crt-viewer'));
  const at = (/** @type {string} */ role) => part(root, role);
  const store = createStore({ ...INITIAL, drawn: props.saved?.drawn ?? INITIAL.drawn, added_panel: props.saved?.added_panel ?? INITIAL.added_panel });
  /** @type {((view: Crt.View | null, before: Crt.View | null) => unknown)[]} */
  const onRun = [];
  /** @type {Crt.View | null} */
  let view = null; // { run, prediction, image } on the page
  /** @type {Crt.Run | null} */
  let lastRun = null; // also when its image is gone, because the user's settings stay
  let turn = 0; // of the newest value, so that a slow download cannot overtake it
  /** @type {Crt.Run | null} */
  let served = null; // the newest run that the server has sent; the page may show another one, which a scene has kept
  let removed = false; // the image, by the user: what was computed of it may still arrive
  const message = createMessage(at('message'), (text, click) => make('button', { type: 'button', class: text ? 'plain' : 'close', 'aria-label': text || 'Close message', text, on: { click } }));
  const queue = pageQueue();
  let openTab = ''; // the tab whose part was brought last
  const requests = createRequests({
    send: trigger, watch: queue.watch, drop: queue.drop, download: answerBytes, subject: () => view?.run ?? null,
    onAnswer(event, listener) {
      const channel = `${event}_answer`;
      watch(channel, () => props[channel] && listener(props[channel]));
    },
  });

  const page = /** @type {Crt.Page} */ (/** @type {Partial<Crt.Page>} */ ({ // panels, permalink and scenes add their parts
    root, at, store,
    /** What the page was built with: the cards of the examples and the results. */
    cards: JSON.parse(props.cards), results: JSON.parse(props.results),
    /** In a file of its own, without a server, the screen that was saved; else null: standalone/standalone.mjs. */
    saved: props.saved ?? null,
    /** Makers of the panel of `state.added_panel`, by its kind: (added_panel, view, classes) -> { title, note, map, contentSize, max, unit } or null. */
    addedPanels: {},
    /** What a tab's export shows, by tab: (state, view) -> what differs there from Explore's. */
    exports: {},
    /** What is on the page, or null. */
    view: () => view,
    /** The same for listeners that can only be reached while a run is on the page. */
    current() {
      if (!view) throw new Error('no image is on the page');
      return view;
    },
    /** Call `listener(view, before)` for every new run, before the page is drawn, and with null when the image is gone:
     *  a feature then stops its work and clears what it has of the image. The user's settings stay. */
    onRun: (listener) => onRun.push(listener),
    /** Call `listener(state, view)` after each change of the store while a run is on the page. */
    onDraw: (listener) => store.subscribe((state) => view && listener(state, view)),
    /** Have a part that is loaded later mounted: parts.mjs. */
    need: (name) => parts.need(name),
    /** Have a file made of what the open tab shows: export/export.mjs, which takes this over. */
    exportFile(kind, more) {
      parts.load('export').then(() => page.exportFile(kind, more), parts.failed);
    },
    /** What the server has answered about images: core/answers.mjs. */
    answers: createAnswers(),
    /** Request an event of Viewer.EVENTS with plain JSON details: core/rpc.mjs. */
    async request(event, details = {}, options) {
      if (BRING_IMAGE.includes(event)) removed = false;
      const succeed = message.begin();
      const answer = await page.answers.through(event, details, view?.run ?? null, () => ask(event, details, options));
      succeed();
      return answer;
    },
    /** Call `listener()` when the server refuses requests about the run on the page, because its checkpoint is gone. */
    onChanged: requests.onChanged,
    /** What a value of the server holds: { run, prediction, image }. */
    open: openView,
    /** Show what was opened earlier; null for a page without an image. */
    showRun: (next) => (next ? show(next) : clear()),
    /** A notice over the page for some seconds, or until the next one; an empty one takes it away. */
    showMessage: message.show,
    /** Why something has failed, over the page until a request succeeds, and a button that tries it again. */
    showFailure: (reason, again) => message.fail(reason, again),
    /** For those who hear the page. */
    announce(text) {
      at('live-region').textContent = text;
    },
  }));
  const parts = createParts(page, onRun, message);
  for (const feature of FEATURES) feature(page);
  parts.mountOpeners();
  let hadTruth = false;
  store.subscribe((state) => {
    const { tab, added_panel } = state;
    if (tab !== openTab) parts.bring(tab);
    openTab = tab;
    if (added_panel?.kind === 'attention') parts.bring('layers'); // which draws the panel
    if (!hadTruth && view && labelsOf(state, view.run).size) {
      hadTruth = true;
      parts.bring('curve');
    }
  });
  const toClaim = () => claimOf(window.location.hash, page.results.claims) && parts.bring('results'); // which opens its tab
  window.addEventListener('hashchange', toClaim);
  toClaim();
  page.onDraw(() => {
    root.dataset.drawn = String(Number(root.dataset.drawn ?? 0) + 1);
  });
  queue.onWaiting(message.wait);
  queue.onOther((sentence) => runFailed(sentence)); // the image, the size or another field beside the viewer
  watch('value', () => receive(props.value));
  if (page.saved) { // what its scenes show is there before its tabs
    parts.load('scenes').then(() => receive(props.value), parts.failed);
  } else if (props.value) receive(props.value);
  else if (!decode(window.location.search).linked && !claimOf(window.location.hash, page.results.claims)) page.openFirst?.();

  root.addEventListener('crt-upload', (event) => { removed = !/** @type {CustomEvent} */ (event).detail.image; });

  /** Ask the server, which computes with the image that it has sent last.
   * @type {Crt.Requests['request']}
   */
  async function ask(event, details, options) {
    const known = ABOUT_NO_IMAGE.includes(event) || !view || (served && isSameRun(served, view.run));
    if (!known && !page.saved) throw new RequestError('failed', NOT_ON_SERVER);
    return requests.request(event, details, options);
  }

  /** @param {(Crt.Run & Crt.Bytes) | null} value */
  async function receive(value) {
    if (!value) removed = true;
    else if (removed) return;
    const mine = ++turn;
    if (!value) served = null;
    if (!value) clear();
    if (value?.message) runFailed(value.message, value.final);
    else message.begin('run')();
    if (!value?.records) return;
    if (view && isSameRun(value, view.run) && !view.run.pending) { // Gradio may repeat an event; what waits for this run, and its notice, are here
      served = value;
      root.dispatchEvent(new Event('crt-run-repeated'));
      return;
    }
    if (value.pending && view?.run.imageId === value.imageId && !view.run.pending) return; // the maps at another size stay until all are there
    try {
      const next = await openView(value);
      if (mine !== turn) return;
      message.show('');
      served = next.run;
      show(next);
    } catch (error) {
      if (mine === turn) page.showFailure(sentenceOf(error));
    }
  }

  /** @param {string} sentence
   *  @param {boolean} [final] whether the same run would fail again
   */
  function runFailed(sentence, final = false) {
    if (view?.run.pending) clear(); // what is missing will not come
    message.fail(sentence, final ? undefined : runAgain, 'run');
    root.dispatchEvent(new Event('crt-run-failed'));
  }

  function runAgain() {
    const succeed = message.begin('run');
    page.request('rerun', {}, { acrossRuns: true }).then(succeed, (error) => runFailed(sentenceOf(error), !mayPass(error)));
  }

  /** No image is on the page. */
  function clear() {
    message.show('');
    const before = view;
    view = null;
    root.dataset.state = 'empty';
    delete root.dataset.run;
    for (const listener of onRun) listener(null, before);
    requests.newRun();
    store.set({ drawing: null });
  }

  /** @type {Crt.Page['open']} */
  async function openView({ bytes: kept, data, file, ...run }) {
    const [bytes, image] = await Promise.all([kept ?? answerBytes({ data, file }), loadImage(run.image)]);
    return { run, prediction: openPrediction(run, bytes), image, bytes };
  }

  function show(/** @type {Crt.View} */ next) {
    const before = view;
    view = next;
    const { run, prediction } = next;
    const changes = adopt(store.get(), run, lastRun);
    lastRun = run;
    if (run.pending) root.dataset.state = 'partial';
    else {
      const { absolute } = store.get();
      // The absolute scale begins with a round number above every map of its unit in the first run, refined as by default.
      const scaleOf = (/** @type {'cam' | 'product'} */ unit) => absolute[unit] ?? niceCeiling(prediction.upperBound(unit, pick(run.defaults, ['blocks', 'pass_reduction'])));
      changes.absolute = { cam: scaleOf('cam'), product: scaleOf('product') };
      root.dataset.state = 'shown';
      root.dataset.run = run.run;
    }
    for (const listener of onRun) listener(next, before);
    requests.newRun();
    store.set(changes);
    if (!run.pending && !page.saved) parts.bring('faithfulness');
  }
}
