// What the passes of a network do: the attention rollout of each, and how much each changes.

import { figure } from '../maths/numbers.mjs';
import { largest } from '../maths/order.mjs';
import { make } from '../core/dom.mjs';
import { thumbnail } from './layer_maps.mjs';

/** The rollout (passes, n, P) of each pass in an element, which is hidden without one.
 * @param {HTMLElement} box
 * @param {Crt.View} view
 * @param {Crt.Opened | null} rollout
 * @param {string} colormap
 */
export function drawRollout(box, { prediction, image }, rollout, colormap) {
  box.hidden = !rollout;
  if (!rollout) return box.replaceChildren();
  const [passes, n, patches] = rollout.shape;
  const cells = Array.from({ length: passes }, (_, pass) => {
    const rows = rollout.data.subarray(pass * n * patches, (pass + 1) * n * patches);
    const map = prediction.merge(rows, Math.round(Math.sqrt(patches)), prediction.grid.patchCells);
    const words = `Rollout of pass ${pass + 1}: largest share ${figure(largest(map.data))}`;
    const canvas = thumbnail(map, prediction.grid, image, largest(map.data), colormap);
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', words);
    return make('figure', { class: 'layers-cell', title: words }, [canvas, make('span', { text: `Pass ${pass + 1}` })]);
  });
  return box.replaceChildren(make('h3', { text: 'Attention rollout of the class token (Abnar and Zuidema, 2020)' }), ...cells);
}

/** The table of what each pass changes.
 * @param {Crt.Page['at']} at
 * @param {Crt.Run} run
 * @param {string} method
 */
export function drawChanges(at, run, method) {
  const sizes = run.residual[method] ?? [];
  const likeness = method === 'crt' ? run.similarity : [];
  at('layers-passes').replaceChildren(make('th', { scope: 'col', text: 'Pass' }), ...sizes.map((_, k) => make('th', { scope: 'col', text: String(k + 1) })));
  const row = (/** @type {string} */ title, /** @type {number[]} */ values) => make('tr', {}, [make('th', { scope: 'row', text: title }), ...values.map((value) => make('td', { text: figure(value) }))]);
  at('layers-rows').replaceChildren(
    row('Relative size of the residual, ‖F(x)‖ / ‖x‖', sizes),
    ...(likeness.length ? [row('Cosine of the tokens before and after the loop', sizes.map((_, k) => likeness[k + 1] ?? NaN))] : []),
  );
}
