// The checkpoint may change: its user chooses another one, or the one behind the page is replaced by anybody there.

import { sameNetworks, shownMethods } from './store.mjs';

const ASKS = ['explain', 'inspect', 'load_heads', 'ablate', 'segment', 'faithfulness', 'export'];

/** @param {Crt.Page} page */
export function mountCheckpoint(page) {
  const { root, store, view, onRun, onAnswer, say, speak } = page;

  onAnswer('swap', ({ state, error, name, classes }) => {
    if (state === 'loading') say('Loading the checkpoint …');
    if (state === 'failed') say(`${error} The checkpoint before it goes on.`);
    if (state !== 'done') return;
    say(`${name}, ${classes} ${classes === 1 ? 'class' : 'classes'}, is loaded.`);
    lookAgain();
  });
  // The server refuses questions about maps of another checkpoint than its current one.
  for (const event of ASKS) onAnswer(event, ({ changed }) => changed && lookAgain());
  onRun(({ run }, before) => {
    if (!before || sameNetworks(before.run, run)) return;
    const { name, sha256 } = run.checkpoint;
    const told = `Checkpoint changed; maps recomputed with ${name} (${sha256.slice(0, 8)}).`;
    say(told);
    speak(told);
    const state = store.get();
    if (shownMethods(state, run).length) return;
    store.set({ visible: { ...state.visible, ...Object.fromEntries(run.methods.map((method) => [method, true])) } });
  });

  function lookAgain() {
    const now = view();
    if (now) root.dispatchEvent(new CustomEvent('crt-settings', { detail: now.run.chosen }));
  }
}
