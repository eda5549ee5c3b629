// The example images, and the line above the maps: a claim, else what they show.

import { decode } from '../permalink/query.mjs';
import { make, setText } from '../core/dom.mjs';
import { METHOD_NOTES, pick } from '../core/store.mjs';
import { isDropped, newestOf, sentenceOf } from '../core/rpc.mjs';
import { chosenNames } from './maps.mjs';

/** What of the settings a claim is about: other ones show something else.
 * @param {Crt.State} state
 */
export const subjectOf = (state) => JSON.stringify([pick(state, ['classes', 'loops', 'refined', 'blocks', 'pass_reduction', 'threshold', 'visible', 'added_panel']), state.compare.view, state.compare.a, state.compare.b]);

/** @param {Crt.Page} page */
export function mountExamples(page) {
  const { root, at, cards, onDraw, onRun } = page;
  const newest = newestOf(page.request);
  /** @type {{ id: string, claim?: string } | null} */
  let requested = null; // the card whose run is on its way
  let held = ''; // the example's claim
  let shows = ''; // what the claim is about, once it is drawn
  at('examples-box').hidden = !cards.length;
  at('examples').replaceChildren(...cards.map(({ id, title, thumb, claim, view, first }) => {
    const choose = async () => {
      const forget = view ? page.link.expect({ ...decode(`v=1&${view}`), image: `ex.${id}` }) : () => {};
      requested = { id, claim };
      note('');
      try {
        await newest.request('example', { id }, { acrossRuns: true });
      } catch (error) {
        forget();
        if (isDropped(error)) return;
        requested = null;
        note(sentenceOf(error));
      }
    };
    if (first) page.openFirst = choose;
    return make('button', { type: 'button', class: 'example', title: claim, on: { click: choose } }, [
      make('img', { src: thumb, alt: '' }),
      make('span', { class: 'example-title', text: title }),
      ...(claim ? [make('span', { class: 'example-claim', text: claim })] : []),
    ]);
  }));
  root.addEventListener('crt-upload', () => newest.cancel()); // the user's own image wins
  root.addEventListener('crt-run-repeated', () => requested && showClaim(page.current()));
  onRun(showClaim);

  /** @param {Crt.View | null} next */
  function showClaim(next) {
    at('claim').hidden = !next;
    held = shows = '';
    if (next?.run.pending) return; // the whole run takes the example's settings
    const mine = next && requested?.id === next.run.example ? requested : null;
    if (next) requested = null;
    held = mine?.claim ?? '';
    if (mine) requestAnimationFrame(() => root.getBoundingClientRect().top < 0 && root.scrollIntoView()); // the strip is far below the maps
  }

  onDraw((state, { run }) => {
    shows ||= subjectOf(state);
    const text = shows === subjectOf(state) && held || reading(state, run);
    setText(at('claim'), text);
    at('claim').title = text;
  });

  /**
   * @param {Crt.State} state
   * @param {Crt.Run} run
   */
  function reading(state, run) {
    if (state.tab !== 'explore') return chosenNames(state, run);
    const maps = page.panelGrid.shown().filter(({ spec }) => spec.scales.length).map(({ spec, iou }) => [spec.title, spec.note === METHOD_NOTES[spec.key] ? '' : spec.note, iou.textContent].filter(Boolean).join(', '));
    return `${at('chosen').textContent} at a threshold of ${Math.round(100 * state.threshold)} %${maps.length ? ': ' : ''}${maps.join(' · ')}`;
  }

  /** @param {string} text */
  function note(text) {
    at('examples-note').textContent = text;
    at('examples-note').hidden = !text;
  }
}
