// The checkpoint may change: its user chooses another one, or the one behind the page is replaced by anybody there.

import { sentenceOf } from './rpc.mjs';
import { sameNetworks, networksOf } from './store.mjs';

const LOADING_MS = 1_800_000; // ms to fetch and load a checkpoint, without progress from the server

/** @param {Crt.Page} page */
export function mountCheckpoint(page) {
  const { root, store, view, request, onRun, onChanged, showMessage, showFailure, announce } = page;
  let loading = false;

  root.addEventListener('crt-swap', async (event) => { // of the button beside the viewer
    if (loading) return;
    loading = true;
    showMessage('Loading the checkpoint…', true);
    try {
      const { name, classes } = await request('swap', /** @type {CustomEvent} */ (event).detail, { acrossRuns: true, timeout: LOADING_MS });
      showMessage(`${name}, ${classes} ${classes === 1 ? 'class' : 'classes'}, is loaded.`);
      runAgain();
    } catch (error) {
      showFailure(`${sentenceOf(error)} The checkpoint before it goes on.`);
    } finally {
      loading = false;
    }
  });
  onChanged(runAgain);
  onRun((now, before) => {
    if (!now || !before || sameNetworks(before.run, now.run)) return;
    const { run } = now;
    const { name, sha256 } = run.checkpoint;
    const message = `Checkpoint changed; maps recomputed with ${name} (${sha256.slice(0, 8)}).`;
    showMessage(message);
    announce(message);
    const { visible } = store.get();
    const networks = networksOf(run);
    if (networks.some((method) => visible[method])) return;
    store.set({ visible: { ...visible, ...Object.fromEntries(networks.map((method) => [method, true])) } });
  });

  function runAgain() {
    const now = view();
    if (now) root.dispatchEvent(new CustomEvent('crt-settings', { detail: now.run.chosen }));
  }
}
