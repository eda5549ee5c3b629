// Colours of charts: the networks' own are used for nothing else, and what has an order takes a ramp of one hue.

/** Names of networks, as lines of a result begin with them, and the variable of each one's colour.
 * @type {[RegExp, string][]}
 */
const NETWORKS = [
  [/^CRT's CNN|^its CNN|^CNN branch/i, '--crt_cnn'],
  [/^CRT/, '--crt'],
  [/^TS-CAM/, '--tscam'],
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
 *  neutral. Lines of one colour differ in their dash.
 * @param {string[]} names
 * @returns {{ color: string, dash: string }[]}
 */
export function lineStyles(names) {
  const counted = names.length > 1 && names.every((name) => /\d$/.test(name)) && new Set(names.map((name) => name.replace(/\d+$/, ''))).size === 1;
  if (counted) return names.map((_, k) => ({ color: rampColor(k, names.length), dash: DASHES[0] }));
  /** @type {Map<string, number>} */
  const used = new Map();
  let plain = 0;
  return names.map((name) => {
    const network = NETWORKS.find(([begin]) => begin.test(name));
    const color = network ? `var(${network[1]})` : NEUTRAL[plain++ % NEUTRAL.length];
    const before = used.get(color) ?? 0;
    used.set(color, before + 1);
    return { color, dash: DASHES[before % DASHES.length] };
  });
}

/** A CSS colour -> rgba(), which Plotly can read: variables and mixtures as they are at `element`.
 * @param {string} color
 * @param {Element} element
 */
export function resolveColor(color, element) {
  const probe = document.createElement('span');
  probe.style.color = color;
  element.append(probe);
  const computed = getComputedStyle(probe).color;
  probe.remove();
  const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { willReadFrequently: true }));
  pen.fillStyle = computed;
  pen.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
  return `rgba(${r},${g},${b},${Number((a / 255).toFixed(3))})`;
}
