// An interactive page with what only the browser has: the server makes the page of the image at hand, and its record takes
// ground truth from files, and the scenes with all that they show. The file then needs neither the server nor a network.

import { base64ToBuffer } from '../core/decode.mjs';
import { toBase64 } from './bits.mjs';

const RECORD = /(<script type="text\/plain" id="crt-record">)([A-Za-z0-9+/=]+)<\/script>/;

/** The page with more of the screen in its record, where it is data like everything else there.
 * @param {ArrayBuffer} page as app/viewer/saved_page.py makes it
 * @param {Pick<Crt.Saved, 'masks' | 'talk'>} more
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function withSaved(page, more) {
  const html = new TextDecoder().decode(page);
  const found = RECORD.exec(html);
  if (!found) throw new Error('the interactive page has no record');
  const record = JSON.parse(await unpacked(found[2]));
  const text = await packed(JSON.stringify({ ...record, saved: { ...record.saved, ...more } }));
  const start = found.index + found[1].length;
  return new TextEncoder().encode(html.slice(0, start) + text + html.slice(start + found[2].length));
}

/** Text, gzipped and in base64, as app/viewer/saved_page.py packs it.
 * @param {string} text
 */
async function packed(text) {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'));
  return toBase64(new Uint8Array(await new Response(stream).arrayBuffer()));
}

/** @param {string} text */
function unpacked(text) {
  const stream = new Blob([base64ToBuffer(text)]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).text();
}
