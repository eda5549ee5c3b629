// plotly.js, fetched from this server when the first chart comes into view, or taken from a file that holds it.

/** @type {Promise<any> | null} */
let loading = null;
let locate = async () => new URL('../lib/plotly.min.js', import.meta.url).href;

/** Take the library from another address, which `source` gives when the first chart comes into view.
 * @param {() => Promise<string>} source
 */
export function takePlotlyFrom(source) {
  locate = source;
}

/** The library; the same promise for everyone. Rejects if it cannot be fetched, and the next call tries again.
 * @returns {Promise<any>}
 */
export function loadPlotly() {
  loading ??= locate().then(fetchScript).catch((error) => {
    loading = null;
    throw error;
  });
  return loading;
}

/** @param {string} address */
function fetchScript(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    const end = () => {
      const { Plotly } = /** @type {any} */ (window);
      if (Plotly) return resolve(Plotly);
      script.remove();
      return reject(new Error('The chart library did not arrive.'));
    };
    Object.assign(script, { src: address, onload: end, onerror: end });
    document.head.append(script);
  });
}
