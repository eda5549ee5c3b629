// How a slide fills the screen: panels of Explore as large as it allows, and the images of the other tabs.

const PANEL_GAP_PX = 16; // px between panels, as in presentation.css
const PANEL_MIN_PX = 140; // px of a panel; below it the page scrolls
const NARROW_TEXTS = 17; // a panel narrower than this many heights of its text has a short caption
const SMALLEST_TEXT_PX = 11; // px of the smallest text of a tab, which becomes as large as the slide's own
const CAPTION_PX = 46; // px of a mask's caption, before it is magnified
const IMAGE_PX = /** @type {const} */ ([24, 1600]); // px of an image in a tab, before it is magnified
const CHART_PX = /** @type {const} */ ([90, 900]); // px of the height of a chart, before it is magnified
const CHART_MIN_WIDTH_PX = 220; // px of a chart that has another beside it, before it is magnified
const LINE_WIDTH = 1.4; // px of an outline elsewhere on the page: explore/draw.mjs
const SCREEN = { width: 1920, height: 1080, line: 4.8 }; // a projector's pixels, and px of an outline there

/** Columns, and the width of a panel, that make `count` panels largest in a box. `aspect`: width / height of the
 *  image; `extra`: height of a panel around its image.
 * @param {number} count
 * @param {number} aspect
 * @param {{ width: number, height: number }} box
 * @param {number} extra
 */
export function arrange(count, aspect, box, extra) {
  let best = { columns: 1, width: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const wide = (box.width - (columns - 1) * PANEL_GAP_PX) / columns;
    const high = ((box.height - (rows - 1) * PANEL_GAP_PX) / rows - extra) * aspect;
    const width = Math.floor(Math.min(wide, high));
    if (width > best.width) best = { columns, width };
  }
  return best.width > 0 ? best : { columns: 1, width: Math.floor(box.width) };
}

/** Columns of charts on a slide: two from two charts on, where the slide is wide enough for them.
 * @param {number} count
 * @param {number} width of the slide in px, before it is magnified
 */
export const chartColumns = (count, width) => (count > 1 && width >= 2 * CHART_MIN_WIDTH_PX ? 2 : 1);

/** The largest whole number from `low` to `high` that fits; `low` if none does. What fits, fits in all smaller sizes.
 * @param {number} low
 * @param {number} high
 * @param {(size: number) => boolean} fits
 */
export function largestFitting(low, high, fits) {
  let [from, to] = [low, high];
  while (from < to) {
    const middle = Math.ceil((from + to) / 2);
    if (fits(middle)) from = middle;
    else to = middle - 1;
  }
  return from;
}

/** What the width of outlines is multiplied by on a screen, so that they are seen from the last row.
 * @param {{ width: number, height: number }} screen
 */
export function outlineScale({ width, height }) {
  const share = Math.min(width / SCREEN.width, height / SCREEN.height);
  return Math.max(1, (share * SCREEN.line) / LINE_WIDTH);
}

/** Fit what a slide shows into the screen.
 * @param {Pick<Crt.Page, 'root' | 'at'>} page
 * @param {Crt.State} state
 * @param {HTMLImageElement} image
 */
export function layOut(page, state, image) {
  const aspect = image.naturalWidth / image.naturalHeight;
  if (state.tab === 'explore') layOutPanels(page, aspect);
  else layOutTab(page, state.tab, aspect);
}

/** Height of the screen that is left between the head and the foot of a slide.
 * @param {Pick<Crt.Page, 'root' | 'at'>} page
 */
function freeHeight({ root, at }) {
  const style = window.getComputedStyle(root);
  const around = parseFloat(style.paddingTop) + parseFloat(style.paddingBottom) + 2 * parseFloat(style.rowGap || '0');
  return root.clientHeight - at('present-head').offsetHeight - at('present-foot').offsetHeight - around;
}

/** Pixels of a slide's text.
 * @param {Pick<Crt.Page, 'at'>} page
 */
const textPx = ({ at }) => parseFloat(window.getComputedStyle(at('present-words')).fontSize);

/** Panels as large as the screen allows; twice, because what is around an image may grow when it gets narrow.
 * @param {Pick<Crt.Page, 'root' | 'at'>} page
 * @param {number} aspect
 */
function layOutPanels(page, aspect) {
  const panels = page.at('panels');
  const articles = /** @type {HTMLElement[]} */ ([...panels.children]);
  if (!articles.length) return;
  const box = { width: panels.clientWidth, height: freeHeight(page) };
  for (let pass = 0; pass < 2; pass++) {
    const extra = Math.max(...articles.map((panel) => [...panel.children].reduce((sum, part) => sum + (part.matches('.stage') ? 0 : /** @type {HTMLElement} */ (part).offsetHeight), 2)));
    const { columns, width } = arrange(articles.length, aspect, box, extra);
    panels.style.setProperty('--present-columns', columns);
    panels.style.setProperty('--panel', `${Math.max(width, PANEL_MIN_PX)}px`);
    panels.dataset.narrow = width < NARROW_TEXTS * textPx(page) ? 'yes' : 'no';
  }
}

/** The text of a tab as large as the slide's, and its images and charts as large as the screen allows.
 * @param {Pick<Crt.Page, 'root' | 'at'>} page
 * @param {string} tab
 * @param {number} aspect
 */
function layOutTab(page, tab, aspect) {
  const { root } = page;
  const panel = /** @type {HTMLElement} */ (root.querySelector(`[role="tabpanel"][data-tab="${tab}"]`));
  const zoom = textPx(page) / SMALLEST_TEXT_PX;
  panel.style.setProperty('--present-zoom', String(zoom));
  const figures = [...panel.querySelectorAll('figure')].filter((one) => one.offsetParent !== null);
  const box = { width: root.clientWidth / zoom, height: freeHeight(page) / zoom };
  const charts = figures.filter((one) => one.matches('.curve')).length;
  const columns = charts ? chartColumns(charts, box.width) : arrange(Math.max(1, figures.length), aspect, box, CAPTION_PX).columns;
  panel.style.setProperty('--present-columns', String(columns));
  const set = (/** @type {number} */ size) => panel.style.setProperty(charts ? '--present-chart' : '--present-image', `${size}px`);
  const [low, high] = charts ? CHART_PX : IMAGE_PX;
  const size = largestFitting(low, high, (one) => {
    set(one);
    return root.scrollHeight <= root.clientHeight && root.scrollWidth <= root.clientWidth;
  });
  set(size);
}
