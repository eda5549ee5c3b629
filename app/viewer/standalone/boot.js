// Opens this file: unpacks the modules, gives each an address in which its imports are those of the modules before it,
// and hands the record to the viewer. BLOB_OF is the prefix by which app/viewer/saved_page.py marks an import.
(async () => {
  const BLOB_OF = /'blob-of:([^']+)'/g;
  const part = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
  const unpack = (/** @type {string} */ id) => {
    const bytes = Uint8Array.from(atob(part(id).textContent), (sign) => sign.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')));
  };
  const addressOf = (/** @type {string} */ source) => URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  /** @type {Record<string, string>} */
  const addresses = {};
  for (const [name, source] of await unpack('crt-modules').json()) {
    addresses[name] = addressOf(source.replace(BLOB_OF, (/** @type {string} */ _, /** @type {string} */ imported) => `'${addresses[imported]}'`));
  }
  const element = part('crt-maps');
  const { openFile } = await import(addresses[/** @type {string} */ (element.dataset.entry)]);
  openFile(element, await unpack('crt-record').json(), async () => {
    const { address } = part('crt-plotly').dataset; // of a file beside this one, where it is not in this one
    return address ?? addressOf(await unpack('crt-plotly').text());
  });
})().catch((error) => {
  const message = /** @type {HTMLElement} */ (document.querySelector('[data-role="message"]'));
  message.textContent ||= 'This page could not be opened: use a current version of Chrome, Edge, Firefox or Safari.';
  message.hidden = false;
  console.error(error);
});
