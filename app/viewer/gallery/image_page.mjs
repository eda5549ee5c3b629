// The page of one image in a gallery: its name, and the viewer as in a file of its own. The results are in a file that all
// pages share (app/gallery/site.py).

import { openFile as openViewer } from '../standalone/standalone.mjs';

/** Open the record of the page in an element that holds the template.
 * @param {HTMLElement} element
 * @param {Omit<Parameters<typeof openViewer>[1], 'results'> & { name: string }} record
 * @param {() => Promise<string>} plotly gives the address of plotly.js
 */
export function openFile(element, record, plotly) {
  document.title = `${record.name} – CRT explorer`;
  /** @type {HTMLElement} */ (element.querySelector('h1')).textContent = record.name;
  openViewer(element, { ...record, results: /** @type {any} */ (window).crtResults }, plotly);
}
