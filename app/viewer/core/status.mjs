// The line under the maps: what the run was and what it cost.

import { statusLine } from './store.mjs';

/** @param {Crt.Page} page */
export function mountStatus({ at, onRun }) {
  onRun((view) => {
    if (!view) return;
    const { run } = view;
    const status = statusLine(run);
    at('status').textContent = status.text;
    at('stages').textContent = status.stages;
    at('credit').textContent = run.credit ? `Image: ${run.credit}` : '';
  });
}
