// The example pictures, from which the page can begin at once.

import { make } from './page.mjs';

export function mountSamples({ at, props, ask }) {
  const cards = props.cards ?? [];
  at('samples-box').hidden = !cards.length;
  at('samples').replaceChildren(
    ...cards.map(({ id, title, thumb }) => make('button', { type: 'button', class: 'sample', title, on: { click: () => ask('example', { id }) } }, [
      make('img', { src: thumb, alt: '' }),
      make('span', { text: title }),
    ])),
  );
}
