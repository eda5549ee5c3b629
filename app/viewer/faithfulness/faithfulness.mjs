// Faithfulness of the maps on the page: requested of the server by a button, one measure of one map at a time.

import { createChart } from '../charts/chart.mjs';
import { methodColor } from '../charts/colors.mjs';
import { settingsOf } from '../explore/maps.mjs';
import { drawHead, drawMeanings, drawRows } from '../charts/metric_table.mjs';
import { signed } from '../maths/numbers.mjs';
import { percent } from '../core/dom.mjs';
import { isDropped, sentenceOf } from '../core/rpc.mjs';
import { METHOD_TITLES, shownMethods } from '../core/store.mjs';
import { DEFAULT_REDUCTION } from '../core/constants.mjs';

/** The measures, with what each costs: runs of the network, and ROAD's equations as many again.
 * @type {[string, number][]}
 */
export const ASKED = [['confidence', 2], ['deletion', 21], ['insertion', 21], ['road', 40]];
const COLUMNS = ['drop', 'increase', 'deletion', 'insertion', 'road'];
/** @typedef {Pick<Crt.Settings, 'loops' | 'refined' | 'blocks' | 'pass_reduction'> & { method: string, classes: number[] }} MapDetails */
/** @typedef {MapDetails & { measure: string, chance: boolean }} Details */
/** What the server answers: the values of one measure, and their curves.
 * @typedef {Crt.MeasureColumn & { value: number, better?: string }} Value
 * @typedef {{ id: string, probability: number, values: Value[], curves: { id: string, points: [number, number][] }[] }} Measured
 */
/** @typedef {{ method: string, chance: boolean, answers: Measured[] }} Row */
/** @typedef {ReturnType<typeof createChart>} Chart */

/** @type {Record<string, [string, string]>} */
const CURVES = {
  deletion: ['Deletion', 'Class probability while the pixels go, the highest of the map first: a faithful map makes it fall early.'],
  insertion: ['Insertion', 'Class probability while the pixels appear in a blurred image, the highest of the map first: a faithful map makes it rise early.'],
  road: ['ROAD', 'Half the difference between the class probabilities without the least and without the most relevant pixels: above 0 is better than chance.'],
};

/** What is requested about the map of a method, without what does not move that map.
 * @param {Crt.State} state
 * @param {string} method
 * @returns {MapDetails}
 */
export function mapDetails(state, method) {
  const { classes, loops, refined, blocks, pass_reduction } = state;
  const seen = refined && ['tscam', 'crt'].includes(method);
  return { method, classes, loops: method === 'crt' ? loops : 0, refined: seen, blocks: seen ? blocks : null, pass_reduction: seen ? pass_reduction : DEFAULT_REDUCTION };
}

/** What has no answer in `found` yet: [{ name, details, cost }].
 * @param {Crt.State} state
 * @param {Crt.Run} run
 * @param {Map<string, unknown>} found
 */
export function missing(state, run, found) {
  const kinds = state.random_baseline ? [false, true] : [false];
  return shownMethods(state, run).flatMap((method) => kinds.flatMap((chance) => ASKED.map(([measure, cost]) => {
    const details = { ...mapDetails(state, method), measure, chance };
    return { name: nameOf(run, details), details, cost };
  }))).filter(({ name }) => !found.has(name));
}

/** The same name for the same answer; a random baseline has neither refinement nor blocks.
 * @param {Pick<Crt.Run, 'run'>} run
 * @param {Details} details
 */
export function nameOf(run, { method, classes, loops, refined, blocks, pass_reduction, measure, chance }) {
  return JSON.stringify([run.run, method, classes, loops, measure, chance, ...(chance ? [] : [refined, blocks, pass_reduction])]);
}

/** Text of one value.
 * @param {string} id
 * @param {number | undefined} value
 */
export function valueText(id, value) {
  if (value === undefined) return '…';
  if (id === 'increase') return value ? 'yes' : 'no';
  return id === 'drop' ? percent(value) : id === 'road' ? signed(Number(value.toFixed(3))) : value.toFixed(3);
}

/** @param {Crt.Page} page */
export function mountFaithfulness({ at, store, request, onDraw, onRun, view, current, panelGrid }) {
  /** @type {Map<string, Measured>} */
  const found = new Map(); // answers by name
  /** @type {Map<string, Value>} */
  const about = new Map(); // the description of each value by its id, from the server
  const charts = Object.fromEntries(Object.keys(CURVES).map((id) => [id, createChart()]));
  /** @type {ReturnType<typeof missing>} */
  let todo = []; // the first one is under way
  /** @type {AbortController | null} */
  let measuring = null; // while the server measures
  let spent = 0; // cost of the answers that came
  let total = 0;
  let part = 0; // of what is under way
  let waiting = ''; // place of what is under way, behind others on the server
  let began = 0;
  let drawn = '';
  at('faithfulness-curves').append(...Object.values(charts).map(({ node }) => node));
  at('faithfulness-chance').addEventListener('change', (/** @type {Crt.InputEvent} */ event) => store.set({ random_baseline: event.target.checked }));
  at('faithfulness-start').addEventListener('click', () => {
    todo = missing(store.get(), current().run, found);
    [spent, part, waiting, began] = [0, 0, '', performance.now()];
    total = todo.reduce((sum, { cost }) => sum + cost, 0);
    note('');
    measureAll();
  });
  at('faithfulness-stop').addEventListener('click', () => stop('Cancelled. Completed measurements are kept.'));
  onRun(() => {
    stop('');
    found.clear();
  });
  onDraw((state, { run }) => {
    if (measuring && !todo.every(({ details }) => same(details, mapDetails(state, details.method)))) stop('Cancelled: the maps have changed.');
    if (state.tab === 'explore') show(state, run);
  });

  const same = (/** @type {Details} */ details, /** @type {MapDetails} */ other) => /** @type {(keyof MapDetails)[]} */ (Object.keys(other)).every((name) => JSON.stringify(details[name]) === JSON.stringify(other[name]));
  const note = (/** @type {string} */ text) => { at('faithfulness-note').textContent = text; };

  async function measureAll() {
    const mine = new AbortController();
    measuring = mine;
    redraw();
    try {
      while (todo.length) {
        const [{ name, details, cost }] = todo;
        const got = await request('faithfulness', details, { signal: mine.signal, onProgress, onLeftRunning });
        found.set(name, got);
        for (const value of got.values) about.set(value.id, value);
        todo = todo.slice(1);
        spent += cost;
        [part, waiting] = [0, ''];
        redraw();
      }
    } catch (error) {
      if (!isDropped(error)) stop(sentenceOf(error));
      return;
    }
    measuring = null;
    note('Measurement complete.');
    redraw();
  }

  /** @param {{ done: number, waiting: string }} content */
  function onProgress(content) {
    part = content.done;
    waiting = content.waiting;
    redraw();
  }

  /** @param {Error} error */
  function onLeftRunning(error) {
    note(`Cancelled, but the server still measures: ${sentenceOf(error)}`);
  }

  /** @param {string} words */
  function stop(words) {
    measuring?.abort();
    if (measuring || !words) note(words);
    measuring = null;
    todo = [];
    at('faithfulness-stop').hidden = at('faithfulness-progress').hidden = true;
    redraw();
  }

  function redraw() {
    const now = view();
    if (now) show(store.get(), now.run);
  }

  /**
   * @param {Crt.State} state
   * @param {Crt.Run} run
   */
  function show(state, run) {
    const methods = shownMethods(state, run);
    const several = state.classes.length > 1;
    const open = missing(state, run, found);
    at('faithfulness-start').hidden = Boolean(measuring);
    at('faithfulness-start').disabled = several || !open.length;
    at('faithfulness-start').textContent = open.length || !methods.length ? 'Measure faithfulness' : 'Measured';
    at('faithfulness-stop').hidden = at('faithfulness-progress').hidden = !measuring;
    at('faithfulness-chance').checked = state.random_baseline;
    at('faithfulness-chance').disabled = Boolean(measuring);
    if (several) note('Faithfulness is measured for one class: select one in the class list.');
    else if (!measuring && at('faithfulness-note').textContent.startsWith('Faithfulness is')) note('');
    if (measuring && todo.length) progress();
    table(state, run, methods);
  }

  function progress() {
    const share = (spent + part * todo[0].cost) / total;
    const { method, measure, chance } = todo[0].details;
    at('faithfulness-progress').value = share;
    const left = (performance.now() - began) * (1 / share - 1) / 1000;
    const time = share > 0.08 ? `, about ${left < 90 ? `${Math.max(1, Math.round(left))} s` : `${Math.round(left / 60)} min`} left` : '';
    note(`${METHOD_TITLES[method]}${chance ? ', random baseline' : ''}: ${measure === 'road' ? 'ROAD' : measure}${waiting ? `. ${waiting}` : time}`);
  }

  /**
   * @param {Crt.State} state
   * @param {Crt.Run} run
   * @param {string[]} methods
   */
  function table(state, run, methods) {
    const rows = methods.flatMap((method) => [false, ...(state.random_baseline ? [true] : [])].map((chance) => {
      const answers = ASKED.flatMap(([measure]) => found.get(nameOf(run, { ...mapDetails(state, method), measure, chance })) ?? []);
      return { method, chance, answers };
    })).filter(({ answers }) => answers.length);
    at('faithfulness-found').hidden = !rows.length;
    const key = JSON.stringify(rows.map(({ method, chance, answers }) => [method, chance, answers.map(({ id }) => id)]));
    if (!rows.length || key === drawn) return;
    drawn = key;
    const name = run.classes[state.classes[0]];
    at('faithfulness-caption').textContent = `This image: ${name}, each map by the network that made it`;
    const columns = COLUMNS.flatMap((id) => about.get(id) ?? []).map(({ id, title, description, better }) => ({ id, title, description, direction: better }));
    drawHead(at('faithfulness-head'), columns);
    drawMeanings(at('faithfulness-definitions'), [...columns, {
      title: 'How', description: 'The network runs at the input size of the page. Networks differ in confidence, which shifts these numbers independently of the map: compare each with its random baseline. One image is not enough for a conclusion.',
    }]);
    drawRows(at('faithfulness-rows'), columns, rows.map(({ method, chance, answers }) => {
      const values = new Map(answers.flatMap((answer) => answer.values.map(({ id, value }) => [id, value])));
      const shown = panelGrid.maps.shown(state, current(), method);
      return {
        key: method, title: METHOD_TITLES[method], compared: !chance,
        note: [`p ${percent(answers[0].probability)}`, chance ? 'random baseline' : settingsOf(shown, current().prediction.isTransformer(method))].filter(Boolean).join(', '),
        values: columns.map(({ id }) => values.get(id) ?? null), texts: columns.map(({ id }) => valueText(id, values.get(id))),
      };
    }));
    for (const [id, [title, reading]] of Object.entries(CURVES)) curve(charts[id], id, title, reading, rows);
  }

  /**
   * @param {Chart} chart
   * @param {string} id
   * @param {string} title
   * @param {string} reading
   * @param {Row[]} rows
   */
  function curve(chart, id, title, reading, rows) {
    const series = rows.flatMap(({ method, chance, answers }) => {
      const points = answers.flatMap((answer) => answer.curves).find((one) => one.id === id)?.points;
      return points ? [{ name: `${METHOD_TITLES[method]}${chance ? ', random baseline' : ''}`, color: methodColor(method), dash: chance ? 'dot' : 'solid', points }] : [];
    });
    chart.node.hidden = !series.length;
    if (!series.length) return;
    const y = id === 'road' ? { label: 'half the difference' } : { label: 'class probability', low: 0, high: 1 };
    chart.draw({ title, x: { label: 'share of the pixels', low: 0, high: 1, format: (value) => `${Math.round(100 * value)} %`, tickformat: '.0%' }, y, series }, reading);
  }
}
