// Undo for an image that was replaced or removed: the upload gets its file again, as if the user had chosen it.

import { NO_CONNECTION } from '../core/gradio_queue.mjs';

const GONE = 'The previous image is no longer on the server: choose its file again.';

/** The images of the upload, by address, after it shows another one. `taken`: the former one was chosen again.
 * @param {{ current: string | null, former: string | null, taken?: boolean }} images
 * @param {string | null} address null where the image was removed
 */
export function follow({ current, former, taken }, address) {
  if (address === current) return { current, former, taken };
  return { current: address, former: current ?? (taken ? null : former) };
}

/** The name of the file at an address, as it is written there.
 * @param {string} address
 */
export function nameOf(address) {
  return new URL(address).pathname.split('/').slice(-1)[0] || 'image';
}

/** @param {Crt.Page} page */
export function mountFormerImage({ root, at, showMessage }) {
  /** @type {Parameters<typeof follow>[0]} */
  let images = { current: null, former: null };
  const button = at('former-image');

  for (const name of ['load', 'error']) { // also of a file that the browser does not decode, before upload_preview.mjs replaces it
    document.addEventListener(name, ({ target }) => {
      if (target instanceof HTMLImageElement && target.closest('#crt-image') && target.src.startsWith('http')) show(follow(images, target.src));
    }, true); // neither event bubbles
  }
  root.addEventListener('crt-upload', (event) => {
    if (!(/** @type {CustomEvent} */ (event).detail.image)) show(follow(images, null));
  });
  button.addEventListener('click', restore);

  /** @param {ReturnType<typeof follow>} next */
  function show(next) {
    images = next;
    button.hidden = !images.former;
  }

  async function restore() {
    const { former } = images;
    if (!former) return;
    try {
      const answer = await fetch(former);
      const input = /** @type {HTMLInputElement | null} */ (document.querySelector('#crt-image input[type="file"]'));
      if (!answer.ok || !input) return showMessage(GONE);
      const bytes = await answer.blob();
      const chosen = new DataTransfer();
      chosen.items.add(new File([bytes], nameOf(former), { type: bytes.type }));
      images.taken = true;
      input.files = chosen.files;
      input.dispatchEvent(new Event('change', { bubbles: true }));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // what fetch raises without a connection
      showMessage(NO_CONNECTION);
    }
  }
}
