// The Results tab: mIoU against loops, IoU by class and the paper's claims at a glance; every measurement folded below.

import { createChart } from '../charts/chart.mjs';
import { make } from '../core/dom.mjs';
import { claimOf } from './address.mjs';
import { claimCard, commandNode } from './claims.mjs';
import { lineSpec } from './line_spec.mjs';
import { classesNode, headlineNode, setupsNode } from './overview.mjs';
import { tableNode } from './table.mjs';

/** A section of the results, as `scripts.report` writes it.
 * @typedef {{ head: string[], rows: string[][], highlight: number[], caption: string[] }} Table
 * @typedef {{ title: string, x: string, y: string, lines: Crt.ResultLine[], x_labels?: string[], caption: string }} Chart
 * @typedef {{ title: string, notes: string[], command?: string, tables: Table[], sentences: string[], charts: Chart[], weights_sha256?: string }} Section
 */

/** @param {Crt.Page} page */
export function mountResults({ root, at, results, store, onRun }) {
  const { setups, claims, headline, shown, per_class: perClass, sections } = results;
  at('results-none').hidden = sections.length > 0;
  at('results-shown').hidden = !sections.length;
  at('results-shown').toggleAttribute('data-overview', headline.length > 0 || Boolean(perClass)); // :has() would restyle the page with every node
  at('results-claims-part').hidden = !claims.length;
  if (setups.length) at('results-setups').append(setupsNode(setups));
  if (headline.length) at('results-overview').append(headlineNode(headline, shown ?? [headline[0].network, headline[0].refinement]));
  if (perClass) at('results-overview').append(classesNode(perClass));
  at('results-claims').replaceChildren(...claims.map(claimCard));
  at('results').replaceChildren(...sections.map(sectionNode));
  onRun((view) => {
    const lines = at('results').querySelectorAll('.result-weights');
    sections.forEach((section, i) => { lines[i].textContent = weightsWords(section, view?.run.checkpoint ?? null); });
  });
  followAddress({ root, claims, store });
}

/** Show the card that the address names, now and whenever it changes; the name goes when another tab is opened.
 * @param {Pick<Crt.Page, 'root' | 'store'> & { claims: Crt.Claim[] }} about
 */
function followAddress({ root, claims, store }) {
  let open = false; // whether a card that the address names is in sight
  const show = () => {
    const claim = claimOf(window.location.hash, claims);
    for (const card of root.querySelectorAll('.claim-card')) card.classList.toggle('addressed', card.id === `claim-${claim?.id}`);
    if (!claim) return;
    store.set({ tab: 'results' });
    requestAnimationFrame(() => requestAnimationFrame(() => { // when the tab is in sight
      open = true;
      const card = /** @type {HTMLElement} */ (root.querySelector('.claim-card.addressed'));
      card.scrollIntoView({ block: 'center' });
      card.focus({ preventScroll: true });
    }));
  };
  window.addEventListener('hashchange', show);
  store.subscribe(({ tab }) => {
    if (!open || tab === 'results') return;
    open = false;
    window.history.replaceState(window.history.state, '', `${window.location.pathname}${window.location.search}`);
    show();
  });
  show();
}

/** Whose numbers a section has, beside the checkpoint on the page.
 * @param {Pick<Section, 'weights_sha256'>} section
 * @param {Pick<Crt.Checkpoint, 'sha256' | 'name'> | null} checkpoint
 */
export function weightsWords({ weights_sha256: weights }, checkpoint) {
  if (!weights) return 'Measured with networks trained for it, not with the checkpoint on this page.';
  if (!checkpoint) return `Measured with the weights ${weights.slice(0, 8)}.`;
  return weights === checkpoint.sha256
    ? `Measured with the checkpoint on this page, ${checkpoint.name} (${weights.slice(0, 8)}).`
    : `Measured with the weights ${weights.slice(0, 8)}, not with the checkpoint on this page, ${checkpoint.name} (${checkpoint.sha256.slice(0, 8)}).`;
}

/** @param {Section} section */
function sectionNode({ title, notes, command, tables, sentences, charts }) {
  return make('details', { class: 'result' }, [
    make('summary', {}, [make('h4', { text: title })]),
    make('div', { class: 'result-body' }, [
      make('p', { class: 'hint result-weights' }),
      ...sentences.map((text) => make('p', { text })),
      ...tables.flatMap((table) => [tableNode(table), ...table.caption.map((text) => make('p', { class: 'result-caption', text }))]),
      ...(charts.length ? [make('div', { class: 'result-charts' }, charts.map(chartNode))] : []),
      ...notes.map((text) => make('p', { class: 'hint', text })),
      ...(command ? [commandNode(command)] : []),
    ]),
  ]);
}

/** @param {Chart} chart */
function chartNode(chart) {
  const { node, draw } = createChart();
  draw(lineSpec(chart), chart.caption);
  return node;
}
