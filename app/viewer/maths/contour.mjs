// Iso-lines by marching squares.

import { aboveThreshold } from './threshold.mjs';

// For each case of the four corners (bit 1 top left, 2 top right, 4 bottom right, 8 bottom left): pairs of edges
// (0 top, 1 right, 2 bottom, 3 left) that a line joins.
const LINES = [
  [], [[3, 0]], [[0, 1]], [[3, 1]], [[1, 2]], [[3, 2], [1, 0]], [[0, 2]], [[3, 2]],
  [[2, 3]], [[2, 0]], [[0, 3], [2, 1]], [[2, 1]], [[1, 3]], [[1, 0]], [[0, 3]], [],
];

/** Closed lines where the map crosses `level`: [[x0, y0, x1, y1, …], …], in units of the map's width and height (0 to 1),
 *  what is inside at the left hand. A border below every level is put around the map, so that each line closes.
 * @param {Crt.Grid<Crt.Numbers>} map
 * @param {number} level
 * @returns {number[][]}
 */
export function rings({ data, h, w }, level) {
  const cut = Math.fround(level); // as `aboveThreshold` compares, so that each crossing lies between its two points
  const wide = w + 2; // corners of a row, with the border around
  const next = new Int32Array(2 * (h + 2) * wide).fill(-1); // from an edge of the grid to the next one on its line
  const at = (/** @type {number} */ i, /** @type {number} */ j) => (i < 0 || j < 0 || i >= h || j >= w ? -Infinity : data[i * w + j]);
  const edge = (/** @type {number} */ i, /** @type {number} */ j, /** @type {number} */ k) => { // of the square whose top left corner is i, j: 2 × corner for top and bottom, + 1 for the sides
    const corner = (k === 2 ? i + 2 : i + 1) * wide + (k === 1 ? j + 2 : j + 1);
    return 2 * corner + (k & 1);
  };
  const bit = (/** @type {number} */ i, /** @type {number} */ j) => (aboveThreshold(at(i, j), level) ? 1 : 0);
  const starts = [];
  for (let i = -1; i < h; i++) {
    for (let j = -1; j < w; j++) {
      const kind = bit(i, j) | (bit(i, j + 1) << 1) | (bit(i + 1, j + 1) << 2) | (bit(i + 1, j) << 3);
      if (kind === 0 || kind === 15) continue;
      for (const [from, to] of LINES[kind]) {
        next[edge(i, j, from)] = edge(i, j, to);
        starts.push(edge(i, j, from));
      }
    }
  }
  const found = [];
  const part = (/** @type {number} */ a, /** @type {number} */ b) => (Number.isFinite(a) && Number.isFinite(b) ? (cut - a) / (b - a) : 0.5);
  const unit = (/** @type {number} */ value) => Math.min(1, Math.max(0, value));
  for (const start of starts) {
    const ring = [];
    for (let here = start; next[here] >= 0; ) {
      const corner = here >> 1;
      const [i, j] = [Math.floor(corner / wide) - 1, (corner % wide) - 1];
      const [down, right] = here & 1 ? [part(at(i, j), at(i + 1, j)), 0] : [0, part(at(i, j), at(i, j + 1))];
      ring.push(unit((j + right + 0.5) / w), unit((i + down + 0.5) / h));
      const to = next[here];
      next[here] = -1;
      here = to;
    }
    if (ring.length) found.push(ring);
  }
  return found;
}

/** The same lines as single segments [x0, y0, x1, y1, …].
 * @param {Crt.Grid<Crt.Numbers>} map
 * @param {number} level
 */
export function contour(map, level) {
  return Float32Array.from(rings(map, level).flatMap((ring) => segmentsOf(ring)));
}

/** Those segments at which the map crosses `level`: without those along the frame, which only close a ring.
 * @param {Crt.Grid<Crt.Numbers>} map
 * @param {number} level
 */
export function crossings(map, level) {
  return Float32Array.from(rings(map, level).flatMap(lines).flatMap(({ points, closed }) => segmentsOf(points, closed)));
}

/** A ring as the lines at which the map crosses its level: itself, or what remains without its steps along the frame.
 * @param {number[]} ring
 * @returns {{ points: number[], closed: boolean }[]}
 */
export function lines(ring) {
  const count = ring.length / 2;
  const edge = (/** @type {number} */ i) => [ring[2 * (i % count)], ring[2 * (i % count) + 1]].some((value) => value === 0 || value === 1);
  const first = Array.from({ length: count }, (_, i) => i).find((i) => edge(i) && edge(i + 1));
  if (first === undefined) return [{ points: ring, closed: true }];
  /** @type {{ points: number[], closed: boolean }[]} */
  const found = [];
  for (let k = 1; k <= count; k++) {
    const i = first + k;
    if (k === 1 || (edge(i - 1) && edge(i))) found.push({ points: [], closed: false });
    found[found.length - 1].points.push(ring[2 * (i % count)], ring[2 * (i % count) + 1]);
  }
  return found.filter(({ points }) => points.length > 2);
}

/** @param {number[]} points */
function segmentsOf(points, closed = true) {
  const segments = [];
  for (let i = 0; i < points.length - (closed ? 0 : 2); i += 2) {
    segments.push(points[i], points[i + 1], points[(i + 2) % points.length], points[(i + 3) % points.length]);
  }
  return segments;
}

/** Such segments along the edges between cells above `level` and others, for a map drawn as cells.
 * @param {Crt.Grid<Crt.Numbers>} map
 * @param {number} level
 */
export function cellEdges({ data, h, w }, level) {
  const segments = [];
  const inside = (/** @type {number} */ i, /** @type {number} */ j) => aboveThreshold(data[i * w + j], level);
  for (let i = 0; i < h; i++) {
    for (let j = 0; j < w; j++) {
      if (i > 0 && inside(i, j) !== inside(i - 1, j)) segments.push(j / w, i / h, (j + 1) / w, i / h);
      if (j > 0 && inside(i, j) !== inside(i, j - 1)) segments.push(j / w, i / h, j / w, (i + 1) / h);
    }
  }
  return Float32Array.from(segments);
}
