// A banner while the browser has no network: what is on the page is drawn here and goes on; the rest needs the server.

/**
 * @param {Pick<Crt.Page, 'at'>} page
 * @param {Pick<Window, 'addEventListener'> & { navigator: Pick<Navigator, 'onLine'> }} browser
 */
export function mountOffline({ at }, browser = window) {
  const update = () => {
    at('offline').hidden = browser.navigator.onLine;
  };
  browser.addEventListener('offline', update);
  browser.addEventListener('online', update);
  update();
}
