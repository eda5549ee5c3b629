// Notices over the page: one at a time, gone after some seconds.

const STAYS_MS = { done: 10_000, failed: 30_000 };

/** @type {{ node?: HTMLElement, timer?: ReturnType<typeof setTimeout> }} */
const shown = {};

/** Shows a text in this element in place of any other notice; an empty one takes its own away.
 * @param {HTMLElement} node
 */
export const createNotice = (node) => (/** @type {string} */ text, /** @type {keyof typeof STAYS_MS | 'under way'} */ state = 'done') => {
  node.textContent = text;
  if (text && shown.node) shown.node.hidden = true;
  node.hidden = !text;
  if (!text && shown.node !== node) return;
  clearTimeout(shown.timer);
  shown.node = node;
  if (text && state !== 'under way') shown.timer = setTimeout(() => { node.hidden = true; }, STAYS_MS[state]);
};
