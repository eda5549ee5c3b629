// A card for each claim of the paper: a sentence, the verdict, a chart with the paper's points hollow, and the numbers folded.

import { createChart } from '../charts/chart.mjs';
import { lineStyles } from '../charts/colors.mjs';
import { make } from '../core/dom.mjs';
import { PREFIX } from './address.mjs';
import { tableNode } from './table.mjs';

const MARKS = { holds: '✔', 'does not hold': '✘', inconclusive: '?' };

/** A difference with its sign; a dash where there is none.
 * @param {number | null} value
 */
export function signed(value) {
  if (value === null) return '–';
  const text = Math.abs(value).toFixed(1);
  return `${Number(text) === 0 || value > 0 ? '+' : '−'}${text}`;
}

/** @param {[number, number] | null} bounds */
const range = (bounds) => (bounds ? `${signed(bounds[0])} to ${signed(bounds[1])}` : '–');

/** The chart of a claim as `createChart` takes it: filled marks are ours, hollow ones the paper's.
 * @param {Crt.Claim} claim
 * @returns {Crt.ChartSpec}
 */
export function claimSpec({ sentence, chart }) {
  const { x, y, ours, paper, x_labels: names, joined } = chart;
  const styles = joined ? lineStyles(ours.map(({ name }) => name)) : ours.map(() => ({ color: 'var(--crt)', dash: 'solid' }));
  const places = names.length ? names.map((_, i) => i) : [...new Set(ours.flatMap((line) => line.x))];
  /** @param {Crt.ResultLine} line */
  const points = (line) => line.x.map((value, i) => /** @type {[number, number]} */ ([value, line.y[i]]));
  return {
    title: sentence,
    legend: false,
    x: { label: x, values: places, format: (value) => names[value] ?? String(value), low: places[0] - 0.5, high: places[places.length - 1] + 0.5 },
    y: { label: y, format: (value) => String(Number(value.toFixed(1))), tickformat: '.1~f', zero: !joined },
    series: [
      ...ours.map((line, i) => ({ name: line.name, ...styles[i], points: points(line), half_range: line.half_range, ...(joined ? {} : { marks: /** @type {const} */ ('filled') }) })),
      ...(paper.x.length ? [{ name: paper.name, color: 'var(--ink)', points: points(paper), marks: /** @type {const} */ ('hollow') }] : []),
    ],
  };
}

/** @param {Crt.Claim} claim */
export function claimCard(claim) {
  const { id, sentence, verdict, reason, source, subject, rows, decides, command } = claim;
  const { node, draw, tools } = createChart({ compact: true });
  draw(claimSpec(claim), '');
  const row = rows[decides];
  const uncertainty = row.interval ? ['95 % interval', range(row.interval)] : ['Range of the seeds', range(row.range)];
  const facts = [['Paper', signed(row.paper)], ['Ours', signed(row.ours)], uncertainty];
  return make('article', { class: 'claim-card', id: `${PREFIX.slice(1)}${id}`, tabindex: '-1', 'aria-labelledby': `${id}-sentence` }, [
    make('header', {}, [
      make('span', { class: `badge ${verdict.replaceAll(' ', '-')}` }, [make('span', { 'aria-hidden': 'true', text: `${MARKS[verdict]} ` }), verdict]),
      make('span', { class: 'claim-source', text: source }),
      make('a', { href: `${PREFIX}${id}`, text: 'Link', 'aria-label': `Link: ${sentence}` }),
    ]),
    make('h4', { id: `${id}-sentence`, text: sentence }),
    node,
    make('p', { class: 'hint', text: `${row.name}${rows.length > 1 ? ', the least difference' : ''}` }),
    make('dl', {}, facts.map(([term, text]) => make('div', {}, [make('dt', { text: term }), make('dd', { text })]))),
    make('p', { class: 'hint', text: `${reason[0].toUpperCase()}${reason.slice(1)}.` }),
    make('details', {}, [
      make('summary', { text: 'Numbers and command' }),
      make('p', { class: 'hint', text: `Measurement: ${subject}.` }),
      tableNode({
        head: ['points', 'paper', 'ours', 'range', '95 % interval', 'seeds'],
        rows: rows.map((one) => [one.name, signed(one.paper), signed(one.ours), range(one.range), range(one.interval), String(one.seeds)]),
        label: `Differences: ${sentence}`,
      }),
      ...(command ? [commandNode(command)] : []),
      tools,
    ]),
  ]);
}

/** @param {string} command */
export const commandNode = (command) => make('pre', { class: 'result-command', tabindex: '0', role: 'region', 'aria-label': 'The command that measures it' }, [make('code', { text: command })]);
