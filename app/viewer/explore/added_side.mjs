// The added panel as A or B of a comparison: its option among the networks, and what it has not of their settings.

import { make } from '../core/dom.mjs';
import { rawWords } from './compare.mjs';
import { ADDED_PANEL, hasClasses, shownMaps } from './shown_maps.mjs';

const SIDES = /** @type {('a' | 'b')[]} */ (['a', 'b']);

/** @param {Crt.Page} page */
export function mountAddedSide({ at, addedPanels, panelGrid: { maps }, onDraw }) {
  const options = SIDES.map(() => make('option', { value: ADDED_PANEL }));

  onDraw((state, now) => {
    const panel = state.added_panel && addedPanels[state.added_panel.kind]?.(state.added_panel, now);
    const chosen = SIDES.map((key) => Boolean(panel) && state.compare[key].method === ADDED_PANEL);
    SIDES.forEach((key, i) => {
      const select = at(`${key}-method`);
      if (!panel) options[i].remove();
      else if (options[i].parentElement !== select) select.append(options[i]);
      options[i].textContent = panel ? panel.title : '';
      if (chosen[i]) select.value = ADDED_PANEL;
      at(`${key}-class`).parentElement.hidden = chosen[i] && !hasClasses(state.added_panel, now.run);
    });
    if (state.compare.view === 'difference' && chosen.includes(true)) {
      const [a, b] = shownMaps(state, now.run).map(({ method, own }) => maps.shown(state, now, method, own).unit);
      at('difference-unit').title = rawWords([a, b]);
    }
  });
}
