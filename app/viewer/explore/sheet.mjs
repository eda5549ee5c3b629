// The settings that a narrow page keeps in a sheet at its lower edge, over the page but not in place of it: the maps above
// it stay in sight and in reach. On a wide page they stand in the inspector.

/** @param {Crt.Page} page */
export function mountSheet({ root, at, store }) {
  const sheet = at('sheet'), button = at('sheet-open');
  const isOpen = () => sheet.dataset.open === 'yes';

  /** @param {boolean} open */
  function set(open) {
    sheet.dataset.open = open ? 'yes' : 'no';
    button.setAttribute('aria-expanded', String(open));
  }
  function close() {
    set(false);
    button.focus();
  }

  button.addEventListener('click', () => {
    set(!isOpen());
    if (!isOpen()) return;
    if (store.get().tab === 'explore') at('panels').scrollIntoView();
    at('sheet-close').focus({ preventScroll: true });
  });
  at('sheet-close').addEventListener('click', close);
  sheet.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'Escape' || !isOpen()) return;
    event.stopPropagation();
    close();
  });
  let tab = store.get().tab;
  store.subscribe((state) => {
    if (state.tab !== tab) set(false);
    tab = state.tab;
  });
  root.addEventListener('crt-upload', () => set(false));
}
