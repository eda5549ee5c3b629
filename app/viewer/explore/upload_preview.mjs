// The preview of the upload is Gradio's own: of a file that is no image it would show the browser's broken icon.

/** Hide an image of the upload that cannot be shown; the message at the top gives the reason. */
export function mountUploadPreview() {
  const hide = (/** @type {Event} */ event) => {
    const { target } = event;
    if (target instanceof HTMLImageElement && target.closest('#crt-image')) target.style.visibility = event.type === 'error' ? 'hidden' : '';
  };
  for (const event of ['error', 'load']) document.addEventListener(event, hide, true); // neither event bubbles
}
