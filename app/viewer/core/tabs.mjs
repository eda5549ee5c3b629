// The tabs, as the ARIA practice has them: one tab stop, arrow keys move between tabs.

import { TABS } from './store.mjs';

/** @param {Crt.Page} page */
export function mountTabs({ root, store }) {
  /** @type {(role: string) => HTMLElement[]} */
  const all = (role) => TABS.map((name) => /** @type {HTMLElement} */ (root.querySelector(`[role="${role}"][data-tab="${name}"]`)));
  const [tabs, panels] = [all('tab'), all('tabpanel')];
  const open = (/** @type {string} */ name, /** @type {boolean} */ focus) => {
    store.set({ tab: name });
    if (focus) tabs[TABS.indexOf(name)].focus();
  };
  /** @type {Record<string, number>} */
  const keys = { ArrowRight: 1, ArrowLeft: -1 };
  tabs.forEach((tab, index) => {
    tab.addEventListener('click', () => open(TABS[index], false));
    tab.addEventListener('keydown', (event) => {
      const jump = event.key === 'Home' ? 0 : event.key === 'End' ? TABS.length - 1 : undefined;
      if (!(event.key in keys) && jump === undefined) return;
      event.preventDefault();
      open(TABS[jump ?? (index + keys[event.key] + TABS.length) % TABS.length], true);
    });
  });
  const show = (/** @type {Crt.State} */ { tab }) => {
    root.dataset.tab = tab;
    TABS.forEach((name, index) => {
      tabs[index].setAttribute('aria-selected', name === tab ? 'true' : 'false');
      tabs[index].tabIndex = name === tab ? 0 : -1;
      panels[index].hidden = name !== tab;
    });
  };
  show(store.get());
  store.subscribe(show);
}
