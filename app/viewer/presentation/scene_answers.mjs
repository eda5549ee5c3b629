// Which answers of the server a screen is made of, beside its run.

import { wantedBy } from '../ablation/plan.mjs';
import { answerKey } from '../core/answers.mjs';
import { addedClasses } from '../explore/shown_maps.mjs';
import { sourceMethod } from '../masks/mask_export.mjs';
import { maskDetails, walkDetails } from '../masks/mask_settings.mjs';

/** @typedef {{ event: string, details: object, key: string }} Needed */

/** The answers that the open tab shows. A column of the Ablate tab is among them whether it has been run or not.
 * @param {Crt.State} state
 * @param {Crt.Run} run
 * @returns {Needed[]}
 */
export function neededAnswers(state, run) {
  return pairs(state, run).map(([event, details]) => ({ event, details, key: answerKey(event, details, run) }));
}

/**
 * @param {Crt.State} state
 * @param {Crt.Run} run
 * @returns {[string, object][]}
 */
function pairs(state, run) {
  const { tab, added_panel, mask } = state;
  if (tab === 'ablate') return wantedBy(state.ablate.show, run.chosen).map(({ size, mode }) => ['ablate', { size, mode }]);
  if (tab === 'layers') return state.layers.head === null ? [] : [['load_heads', { method: state.layers.method }]];
  if (tab === 'masks') {
    const own = { ...state, mask: { ...mask, method: sourceMethod(state, run) } };
    const { relation, segmentation } = run.checkpoint;
    return [
      ...(mask.crf ? [/** @type {[string, object]} */ (['segment', maskDetails(own)])] : []),
      ...(relation && mask.walk ? [/** @type {[string, object]} */ (['walk', walkDetails(own)])] : []),
      ...(segmentation && mask.deeplab ? [/** @type {[string, object]} */ (['deeplab', {}])] : []),
    ];
  }
  const shown = tab === 'explore' ? addedClasses(state, run) : [];
  if (!added_panel || !shown.length) return [];
  if (added_panel.kind === 'explainer') return shown.map((classes) => ['explain', { method: added_panel.method, name: added_panel.name, classes }]);
  return added_panel.kind === 'file' || added_panel.head === null ? [] : [['load_heads', { method: added_panel.method }]];
}
