// The tabs, as the ARIA practice has them: one tab stop, arrow keys move between tabs.

import { TABS } from './store.mjs';

export function mountTabs({ root, store }) {
  const tabs = TABS.map((name) => root.querySelector(`[role="tab"][data-tab="${name}"]`));
  const panels = TABS.map((name) => root.querySelector(`[role="tabpanel"][data-tab="${name}"]`));
  const open = (name, focus) => {
    store.set({ tab: name });
    if (focus) tabs[TABS.indexOf(name)].focus();
  };
  const keys = { ArrowRight: 1, ArrowLeft: -1 };
  tabs.forEach((tab, index) => {
    tab.addEventListener('click', () => open(TABS[index], false));
    tab.addEventListener('keydown', (event) => {
      const jump = { Home: 0, End: TABS.length - 1 }[event.key];
      if (!(event.key in keys) && jump === undefined) return;
      event.preventDefault();
      open(TABS[jump ?? (index + keys[event.key] + TABS.length) % TABS.length], true);
    });
  });
  const show = ({ tab }) => {
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
