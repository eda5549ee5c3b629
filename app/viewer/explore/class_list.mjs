// The class chart: one row per class with a bar for each network; a row is a button that picks the class.

import { createChart } from '../charts/chart.mjs';
import { methodColor } from '../charts/colors.mjs';
import { make, percent } from '../core/dom.mjs';
import { loopWords } from '../core/words.mjs';
import { METHOD_TITLES, networksOf, probableClasses, scoreRow, toggleClass } from '../core/store.mjs';
import { shownMaps, shownNames } from './shown_maps.mjs';
import { labelsOf } from '../ground_truth/ground_truth.mjs';

const LISTED_CLASSES = 8;

/** @param {Crt.Page} page */
export function mountClassList({ at, store, view, onDraw }) {
  let all = false; // whether every class is listed
  let drawn = ''; // what the chart shows, so that its rows stay as they are until that changes
  const chart = createChart();
  at('class-chart').append(chart.node);
  at('all').addEventListener('click', () => {
    all = !all;
    const now = view();
    if (now) draw(store.get(), now);
  });
  onDraw(draw);

  /**
   * @param {Crt.State} state
   * @param {Crt.View} view
   */
  function draw(state, { run }) {
    const maximum = state.classes.length > 1 && shownMaps(state, run).some(({ own }) => !own.classes);
    at('chosen').textContent = shownNames(state, run) + (maximum ? ' (maximum of their CAMs)' : '');
    at('all').textContent = all ? 'Show the first few' : `Show all ${run.classes.length}`;
    at('all').setAttribute('aria-expanded', all ? 'true' : 'false');
    const key = JSON.stringify([run.run, all, state.classes, state.loops, [...labelsOf(state, run)]]);
    if (key === drawn) return;
    drawn = key;
    const listed = listedClasses(state, run, all);
    drawList(at('chart'), at('legend'), store, run, listed);
    chart.draw(probabilitySpec(state, run, listed), `Each network's probability that the class is in the image, CRT with ${loopWords(state.loops)}.`);
  }
}

/** The networks that have run, in the order of the panels.
 * @param {Crt.Run} run
 */
const listedMethods = (run) => networksOf(run).filter((method) => run.methods.includes(method));

/** The classes of the list, the most probable first: all, or the first few and the chosen ones. Their order stays while loops change.
 * @param {Crt.State} state
 * @param {Crt.Run} run
 * @param {boolean} all
 */
export function listedClasses(state, run, all) {
  const order = probableClasses(run);
  const chosen = new Set(state.classes);
  return all ? order : order.filter((index, rank) => rank < LISTED_CLASSES || chosen.has(index));
}

/** Probabilities of the listed classes by each network, as bars.
 * @param {Crt.State} state
 * @param {Crt.Run} run
 * @param {number[]} listed indices of classes
 * @returns {Crt.ChartSpec}
 */
export function probabilitySpec(state, run, listed) {
  return {
    kind: 'bars',
    title: 'Class probabilities',
    x: { label: 'class', values: listed.map((_, rank) => rank), format: (rank) => run.classes[listed[rank]] },
    y: { label: 'probability', low: 0, high: 1, format: percent, tickformat: '.0%' },
    series: listedMethods(run).map((method) => ({
      name: METHOD_TITLES[method], color: methodColor(method), points: listed.map((index, rank) => [rank, scoreRow(run, method, state.loops)[index]]),
    })),
  };
}

/** Draw the rows of the listed classes.
 * @param {HTMLElement} list
 * @param {HTMLElement} legend
 * @param {Crt.Store} store
 * @param {Crt.Run} run
 * @param {number[]} listed
 */
function drawList(list, legend, store, run, listed) {
  const state = store.get();
  const methods = listedMethods(run);
  const numbered = run.scores.crt ? 'crt' : methods[0];
  legend.replaceChildren(
    ...methods.map((method) => make('span', { class: `key ${method}`, text: METHOD_TITLES[method] })),
    make('span', { text: `Number: ${METHOD_TITLES[numbered]}` }),
  );
  const masked = labelsOf(state, run);
  const tag = () => make('span', { class: 'tag', text: 'mask', title: 'this image has a mask of it' });
  const chosen = new Set(state.classes);
  const { activeElement } = document;
  const focused = activeElement instanceof HTMLElement && list.contains(activeElement) ? activeElement.dataset.index : undefined;
  list.replaceChildren(...listed.map((index) => row(index)));
  if (focused !== undefined) /** @type {HTMLElement | null} */ (list.querySelector(`[data-index="${focused}"]`))?.focus({ preventScroll: true });

  /** @param {number} index */
  function row(index) {
    const values = methods.map((method) => scoreRow(run, method, state.loops)[index]);
    const description = methods.map((method, i) => `${METHOD_TITLES[method]} ${percent(values[i])}`).join(', ');
    const bars = methods.map((method, i) => {
      const bar = make('span', { class: `bar ${method}` });
      bar.style.width = `${Math.max(0.5, 100 * values[i])}%`;
      return make('span', { class: 'track' }, [bar]);
    });
    const pickOne = (/** @type {MouseEvent} */ event) => {
      const several = store.get().multi_select || event.ctrlKey || event.metaKey || event.shiftKey;
      store.set({ classes: toggleClass(store.get().classes, index, several) });
    };
    const button = make(
      'button',
      {
        type: 'button', class: 'class-row', 'data-index': index, 'aria-pressed': chosen.has(index) ? 'true' : 'false',
        title: description, on: { click: pickOne },
      },
      [
        make('span', { class: 'name', text: run.classes[index] }, masked.has(run.classes[index]) ? [tag()] : []),
        make('span', { class: 'bars' }, bars),
        make('span', { class: 'number', 'aria-hidden': 'true', text: percent(values[methods.indexOf(numbered)]) }),
        make('span', { class: 'visually-hidden', text: `: ${description}` }),
      ],
    );
    return make('li', {}, [button]);
  }
}
