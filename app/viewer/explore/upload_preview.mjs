// The preview of the upload is Gradio's own. Of a file that the browser does not decode, such as TIFF or HEIC, it would be
// the icon of a broken image: the image that the server has decoded takes its place.

/** Show what the server has decoded where the browser cannot, and nothing of a file that neither can read: the message at
 *  the top gives the reason.
 * @param {Crt.Page} page
 */
export function mountUploadPreview({ root, view, onRun }) {
  let awaited = false; // whether the run on the page is that of an earlier image

  const previewOf = (/** @type {Event} */ { target }) => (target instanceof HTMLImageElement && target.closest('#crt-image') ? target : null);
  const listen = (/** @type {string} */ name, /** @type {(preview: HTMLImageElement) => void} */ use) => document.addEventListener(name, (event) => {
    const preview = previewOf(event);
    if (preview) use(preview);
  }, true); // neither event bubbles

  listen('error', (preview) => {
    preview.style.visibility = 'hidden';
    preview.dataset.undecoded = 'yes';
    if (!awaited) replace(view());
  });
  listen('load', (preview) => {
    preview.style.visibility = '';
    if (!preview.src.startsWith('data:')) delete preview.dataset.undecoded; // another file, which the browser decodes
  });
  root.addEventListener('crt-upload', () => { awaited = true; });
  root.addEventListener('crt-run-repeated', () => arrived(view()));
  onRun(arrived);

  /** @param {Crt.View | null} now */
  function arrived(now) {
    if (!now) return;
    awaited = false;
    replace(now);
  }

  /** @param {Crt.View | null} now */
  function replace(now) {
    if (!now) return;
    for (const preview of document.querySelectorAll('#crt-image img[data-undecoded]')) /** @type {HTMLImageElement} */ (preview).src = now.run.image;
  }
}
