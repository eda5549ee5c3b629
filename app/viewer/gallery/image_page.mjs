// The page of one image in a gallery: its name, and the viewer as in a file of its own. The results are in a file that all
// pages share (app/gallery/site.py). CAMs of other methods are kept as those of files that a user gives; the first is shown.

import { keepSaved } from '../explore/file_cams.mjs';
import { openFile as openViewer } from '../standalone/standalone.mjs';
import { mountNeighbours } from './neighbours.mjs';

/** Open the record of the page in an element that holds the template.
 * @param {HTMLElement} element
 * @param {Omit<Parameters<typeof openViewer>[1], 'results'> & { id: string, name: string, cams: import('../explore/file_cams.mjs').SavedFile[] }} record
 * @param {() => Promise<string>} plotly gives the address of plotly.js
 */
export function openFile(element, record, plotly) {
  document.title = `${record.name} – CRT explorer`;
  /** @type {HTMLElement} */ (element.querySelector('h1')).textContent = record.name;
  const [id] = record.cams.map((file) => keepSaved(record.value.imageId, file));
  const saved = { ...record.saved, added_panel: id ? { kind: /** @type {const} */ ('file'), id } : null };
  openViewer(element, { ...record, saved, results: /** @type {any} */ (window).crtResults }, plotly);
  mountNeighbours(element, record.id);
}
