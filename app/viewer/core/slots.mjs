// The upload and the fields beside it are Gradio's own components; the layout of the viewer has a place for each.

/** @param {Crt.Page} page */
export function mountSlots({ at, onRun }) {
  for (const [role, id] of [['upload-slot', 'crt-image'], ['fields-slot', 'crt-side']]) {
    const component = document.getElementById(id);
    if (component) at(role).append(component);
  }
  const fields = at('fields-slot').parentElement;
  let byHand = false; // then they stay; else they fold when an image comes
  fields.firstElementChild.addEventListener('click', () => { byHand = true; });
  onRun((next, before) => {
    if (!byHand && !next !== !before) fields.open = !next;
  });
}
