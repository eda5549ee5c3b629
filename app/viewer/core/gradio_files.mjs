// Where this page's Gradio serves files. Of `window.gradio_config` only `root` is read, and only here; the script that
// loads the modules (viewer.py) reads it too.

import { fileUrl } from './decode.mjs';

/** The address of a file in Gradio's cache.
 * @param {string} path
 */
export const fileAddress = (path) => fileUrl(path, window.gradio_config?.root ?? '');
