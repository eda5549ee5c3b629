// Iso-lines by marching squares.

// For each case of the four corners (bit 1 top left, 2 top right, 4 bottom right, 8 bottom left): pairs of edges
// (0 top, 1 right, 2 bottom, 3 left) that a line joins.
const LINES = [
  [], [[3, 0]], [[0, 1]], [[3, 1]], [[1, 2]], [[3, 2], [0, 1]], [[0, 2]], [[3, 2]],
  [[2, 3]], [[2, 0]], [[0, 3], [2, 1]], [[2, 1]], [[1, 3]], [[1, 0]], [[0, 3]], [],
];

/** Segments [x0, y0, x1, y1, …] where the map crosses `level`, in units of the map's width and height (0 to 1).
 *  A border below every level is put around the map, so that each outline closes. */
export function contour({ data, h, w }, level) {
  const segments = [];
  const at = (i, j) => (i < 0 || j < 0 || i >= h || j >= w ? -Infinity : data[i * w + j]);
  const part = (a, b) => (Number.isFinite(a) && Number.isFinite(b) ? (level - a) / (b - a) : 0.5);
  for (let i = -1; i < h; i++) {
    for (let j = -1; j < w; j++) {
      const a = at(i, j);
      const b = at(i, j + 1);
      const c = at(i + 1, j + 1);
      const d = at(i + 1, j);
      const kind = (a >= level) | ((b >= level) << 1) | ((c >= level) << 2) | ((d >= level) << 3);
      if (kind === 0 || kind === 15) continue;
      const edge = (k) => {
        if (k === 0) return [j + part(a, b), i];
        if (k === 1) return [j + 1, i + part(b, c)];
        if (k === 2) return [j + part(d, c), i + 1];
        return [j, i + part(a, d)];
      };
      for (const [from, to] of LINES[kind]) {
        for (const [x, y] of [edge(from), edge(to)]) {
          segments.push(Math.min(1, Math.max(0, (x + 0.5) / w)), Math.min(1, Math.max(0, (y + 0.5) / h)));
        }
      }
    }
  }
  return Float32Array.from(segments);
}
