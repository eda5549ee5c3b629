// Colours of charts, by the rules of crt/viz/chart_colours.py: a network's is used for nothing else, and what has an order takes a ramp.

/** Names of networks, as lines of a result begin with them, and the variable of each one's colour.
 * @type {[RegExp, string][]}
 */
const NETWORKS = [
  [/^CRT's CNN|^its CNN|^CNN branch/i, '--crt_cnn'],
  [/^CRT/i, '--crt'],
  [/^TS-CAM/i, '--tscam'],
  [/^ResNet|^CNN alone/i, '--resnet'],
];
const NEUTRAL = ['var(--ink)', 'var(--soft)'];
const DASHES = ['solid', 'dash', 'dot', 'dashdot', 'longdash'];

/** The colour of a network, as CSS.
 * @param {string} method
 */
export const methodColor = (method) => `var(--${method})`;

/** The colour of the k-th of n things in order, as CSS: light to dark on a light page, dark to light on a dark one.
 * @param {number} k
 * @param {number} n
 */
export const rampColor = (k, n) => `color-mix(in oklab, var(--ramp-last) ${n > 1 ? Math.round((100 * k) / (n - 1)) : 100}%, var(--ramp-first))`;

/** What such a colour is, whatever the theme: the name of a variable, or a share of the ramp.
 * @param {string} color
 * @returns {string | number}
 */
export function toneOf(color) {
  const share = /var\(--ramp-last\) (\d+)%/.exec(color);
  return share ? Number(share[1]) / 100 : color.replace(/^var\(--|\)$/g, '');
}

/** A colour and a dash for each line: a network's own colour, a ramp where the names count something ("trained with 2"), else
 *  neutral. Lines of one colour differ in their dash; the paper has hollow marks.
 * @param {string[]} names
 * @returns {{ color: string, dash: string, marks?: 'hollow' }[]}
 */
export function lineStyles(names) {
  const counted = names.length > 1 && names.every((name) => /\d$/.test(name)) && new Set(names.map((name) => name.replace(/\d+$/, ''))).size === 1;
  if (counted) return names.map((_, k) => ({ color: rampColor(k, names.length), dash: DASHES[0] }));
  /** @type {Map<string, number>} */
  const used = new Map();
  let plain = 0;
  return names.map((name) => {
    if (/^paper\b/i.test(name)) return { color: NEUTRAL[0], dash: DASHES[0], marks: 'hollow' };
    const network = NETWORKS.find(([begin]) => begin.test(name));
    const color = network ? `var(${network[1]})` : NEUTRAL[plain++ % NEUTRAL.length];
    const before = used.get(color) ?? 0;
    used.set(color, before + 1);
    return { color, dash: DASHES[before % DASHES.length] };
  });
}

/** What `use` makes of a function that resolves a CSS colour -> rgba(), which Plotly can read, as it is at `element`. One node
 *  resolves each colour once: nodes that come and go restyle the page.
 * @template T
 * @param {Element} element
 * @param {(resolve: (color: string) => string) => T} use
 * @returns {T}
 */
export function withColors(element, use) {
  const probe = document.createElement('span');
  const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { willReadFrequently: true }));
  /** @type {Map<string, string>} */
  const known = new Map();
  element.append(probe);
  try {
    return use((color) => {
      const resolved = known.get(color) ?? rgba(color, probe, pen);
      known.set(color, resolved);
      return resolved;
    });
  } finally {
    probe.remove();
  }
}

/** @param {string} color
 *  @param {HTMLElement} probe
 *  @param {CanvasRenderingContext2D} pen of a canvas of one pixel
 */
function rgba(color, probe, pen) {
  probe.style.color = ''; // one that cannot be read is not the one before
  probe.style.color = color;
  pen.clearRect(0, 0, 1, 1);
  pen.fillStyle = getComputedStyle(probe).color;
  pen.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
  return `rgba(${r},${g},${b},${Number((a / 255).toFixed(3))})`;
}
