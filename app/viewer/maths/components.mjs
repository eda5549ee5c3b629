// Boxes of thresholded maps, as crt.metrics.cam_boxes has them (docs/method.md 9); a test compares the two.

import { aboveThreshold } from './threshold.mjs';

const AROUND = [[0, 1], [1, 1], [1, 0], [1, -1], [0, -1], [-1, -1], [-1, 0], [-1, 1]]; // row, column; clockwise from the right

/** The connected parts above a level (corners connect) in reading order: [{ box, area, enclosed }].
 *  `box`: [x0, y0, x1, y1] in points, half-open; `area`: points; `enclosed`: area inside the outer contour.
 * @param {Crt.Grid<Crt.Numbers>} map
 * @param {number} level
 */
export function regions({ data, h, w }, level) {
  const part = new Int32Array(h * w); // 0 outside or not seen yet, else the number of the part
  const inside = (/** @type {number} */ at) => aboveThreshold(data[at], level);
  /** @type {{ box: Crt.Box, area: number, enclosed: number }[]} */
  const found = [];
  for (let at = 0; at < part.length; at++) {
    if (part[at] || !inside(at)) continue;
    const one = fill(part, found.length + 1, at, inside, h, w);
    found.push({ ...one, enclosed: enclosed(part, found.length + 1, at, h, w) });
  }
  return found;
}

/** The box of the largest part, or null. Largest is what encloses most with its outer contour, then what has most points,
 *  then the last in reading order.
 * @param {Crt.Grid<Crt.Numbers>} map
 * @param {number} level
 */
export function largestBox(map, level) {
  let best = null;
  for (const one of regions(map, level)) {
    if (!best || one.enclosed > best.enclosed || (one.enclosed === best.enclosed && one.area >= best.area)) best = one;
  }
  return best && best.box;
}

/** Mark all that is connected with `first`: { box, area }.
 * @param {Int32Array} part
 * @param {number} number
 * @param {number} first
 * @param {(at: number) => boolean} inside
 * @param {number} h
 * @param {number} w
 */
function fill(part, number, first, inside, h, w) {
  const waiting = [first];
  /** @type {Crt.Box} */
  const box = [w, h, 0, 0];
  let area = 0;
  part[first] = number;
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const [i, j] = [Math.floor(at / w), at % w];
    area += 1;
    if (j < box[0]) box[0] = j;
    if (i < box[1]) box[1] = i;
    if (j >= box[2]) box[2] = j + 1;
    if (i >= box[3]) box[3] = i + 1;
    for (const [di, dj] of AROUND) {
      const [y, x] = [i + di, j + dj];
      const next = y * w + x;
      if (y < 0 || x < 0 || y >= h || x >= w || part[next] || !inside(next)) continue;
      part[next] = number;
      waiting.push(next);
    }
  }
  return { box, area };
}

/** Area inside the outer contour, which runs through the centres of the border points: followed once around, clockwise,
 *  from the first point in reading order.
 * @param {Int32Array} part
 * @param {number} number
 * @param {number} first
 * @param {number} h
 * @param {number} w
 */
function enclosed(part, number, first, h, w) {
  const is = (/** @type {number} */ i, /** @type {number} */ j) => i >= 0 && j >= 0 && i < h && j < w && part[i * w + j] === number;
  const start = [Math.floor(first / w), first % w];
  let [i, j] = start;
  let from = 4; // the neighbour at the left is outside: the search begins after it
  let twice = 0;
  let leaving = -1; // direction of the first step; the way is closed when it is taken again
  for (;;) {
    let turn = 1;
    while (turn <= 8 && !is(i + AROUND[(from + turn) % 8][0], j + AROUND[(from + turn) % 8][1])) turn++;
    if (turn > 8) return 0; // a single point
    const way = (from + turn) % 8;
    if (i === start[0] && j === start[1] && way === leaving) return Math.abs(twice) / 2;
    if (leaving < 0) leaving = way;
    const [y, x] = [i + AROUND[way][0], j + AROUND[way][1]];
    twice += j * y - x * i;
    [i, j] = [y, x];
    from = (way + 4) % 8; // look on from where we came
  }
}
