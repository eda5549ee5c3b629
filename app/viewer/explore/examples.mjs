// The example images, from which the page can begin at once; each shows one claim.

import { decode } from '../permalink/query.mjs';
import { make } from '../core/dom.mjs';

/** @param {Crt.Page} page */
export function mountExamples(page) {
  const { root, at, cards, ask, onRun } = page;
  let asked = null; // the card whose run is on its way
  at('examples-box').hidden = !cards.length;
  at('examples').replaceChildren(...cards.map(({ id, title, thumb, claim, view }) => {
    const choose = () => {
      if (view) page.link.expect(decode(`v=1&${view}`));
      asked = { id, claim };
      ask('example', { id });
    };
    return make('button', { type: 'button', class: 'example', on: { click: choose } }, [
      make('img', { src: thumb, alt: '' }),
      make('span', { class: 'example-title', text: title }),
      ...(claim ? [make('span', { class: 'example-claim', text: claim })] : []),
    ]);
  }));
  onRun(({ run }) => {
    const mine = asked?.id === run.example ? asked : null;
    asked = null;
    at('claim').textContent = mine?.claim ?? '';
    at('claim').hidden = !mine?.claim;
    if (mine) requestAnimationFrame(() => root.getBoundingClientRect().top < 0 && root.scrollIntoView()); // the strip is far below the maps
  });
}
