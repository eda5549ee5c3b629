// What the Results tab begins with: what was measured on what, mIoU against loops, and IoU by class and network.

import { createChart } from '../charts/chart.mjs';
import { make } from '../core/dom.mjs';
import { lineSpec } from './line_spec.mjs';
import { largestRow, tableNode } from './table.mjs';

/** @param {Crt.Results['setups']} setups */
export const setupsNode = (setups) => tableNode({
  head: ['measurement', 'networks', 'images', 'trainings'],
  rows: setups.map(({ name, networks, images, seeds }) => [name, networks, images, seeds]),
  label: 'Networks, images and seeds of each measurement',
});

/** Of the choices, the ones that a network has; the wished one if it has that, else its last.
 * @param {Crt.HeadlineLines[]} headline
 * @param {string} network
 * @param {string} wished
 */
export function refinementOf(headline, network, wished) {
  const has = headline.filter((one) => one.network === network).map(({ refinement }) => refinement);
  return { has, refinement: has.includes(wished) ? wished : has[has.length - 1] };
}

/** mIoU against loops at test, with a control for the measurement and one for the refinement.
 * @param {Crt.HeadlineLines[]} headline
 * @param {[string, string]} shown
 */
export function headlineNode(headline, shown) {
  const unique = (/** @type {'network' | 'refinement'} */ key) => [...new Set(headline.map((one) => one[key]))];
  const select = (/** @type {string[]} */ names) => make('select', { on: { change: update } }, names.map((text) => make('option', { value: text, text })));
  const [networks, refinements] = [select(unique('network')), select(unique('refinement'))];
  const { node, draw } = createChart();
  let wished = shown[1]; // also while a network lacks it
  networks.value = shown[0];
  refinements.value = shown[1];
  update();
  return make('section', { class: 'headline', 'aria-label': 'mIoU against loops' }, [
    make('div', { class: 'selects' }, [make('label', {}, ['Measurement', networks]), make('label', {}, ['Refinement', refinements])]),
    node,
  ]);

  /** @param {Event} [event] */
  function update(event) {
    if (event?.target === refinements) wished = refinements.value;
    const { has, refinement } = refinementOf(headline, networks.value, wished);
    for (const option of /** @type {HTMLSelectElement} */ (refinements).options) option.disabled = !has.includes(option.value);
    refinements.value = refinement;
    const found = headline.find((one) => one.network === networks.value && one.refinement === refinement);
    if (!found) return;
    const bars = found.lines.some((line) => line.half_range.length) ? ' Bars: half the range over the seeds, up and down.' : '';
    draw(lineSpec({ title: 'mIoU against loops', x: 'loops at test', y: 'mIoU, %', lines: found.lines }), `Best threshold. A network without loops is a level line.${bars}`);
  }
}

/** Where each value lies from the least of all to the largest, 0 to 1; 0 where they are all the same.
 * @param {number[][]} values
 */
export function positions(values) {
  const [least, most] = [Math.min(...values.flat()), Math.max(...values.flat())];
  return values.map((row) => row.map((value) => (most > least ? (value - least) / (most - least) : 0)));
}

/** Classes × networks, each cell coloured by its IoU, from the least to the largest of the table, and the best of a class in bold.
 * @param {Crt.PerClass} about
 */
export function classesNode({ caption, networks, classes, values }) {
  const shares = positions(values);
  const rows = classes.map((name, i) => {
    const best = largestRow(values[i].map(String));
    return make('tr', {}, [make('th', { scope: 'row', text: name }), ...values[i].map((value, column) => {
      const cell = make('td', { class: column === best ? 'best' : '', text: value.toFixed(1) });
      cell.style.setProperty('--share', `${(100 * shares[i][column]).toFixed(0)}%`);
      return cell;
    })]);
  });
  return make('section', { class: 'class-table', 'aria-label': 'IoU by class and network' }, [
    make('h3', { text: 'IoU by class' }),
    make('p', { class: 'hint', text: caption }),
    make('div', { class: 'result-table', tabindex: '0', role: 'region', 'aria-label': 'IoU by class and network, as a table' }, [
      make('table', {}, [
        make('thead', {}, [make('tr', {}, ['class', ...networks].map((text) => make('th', { scope: 'col', text })))]),
        make('tbody', {}, rows),
      ]),
    ]),
  ]);
}
