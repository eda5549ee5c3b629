// Tiles of an image: their maps merged, resized and normalized, and which of them cover a point (docs/method.md sections 2
// and 4), as crt.models.tiles and crt.refine have them.

const TINY = 1e-12; // crt.refine's

/** Tiles' maps (n × side × side) -> { data, h, w }: averaged where tiles overlap, cropped to the image's cells.
 * @param {Crt.TileGrid} grid
 * @param {Float32Array} tiles
 * @param {number} side
 * @param {Crt.Size} cells
 * @returns {Crt.Values}
 */
export function mergeTiles(grid, tiles, side, cells) {
  const [rows, cols] = grid.shape;
  const step = (side * grid.stride) / grid.tile;
  const width = (cols - 1) * step + side;
  const height = (rows - 1) * step + side;
  const sum = new Float32Array(height * width);
  const count = new Float32Array(height * width);
  for (let t = 0; t < rows * cols; t++) {
    const top = Math.floor(t / cols) * step;
    const left = (t % cols) * step;
    for (let i = 0; i < side; i++) {
      for (let j = 0; j < side; j++) {
        const at = (top + i) * width + left + j;
        sum[at] += tiles[(t * side + i) * side + j];
        count[at] += 1;
      }
    }
  }
  const [h, w] = [Math.min(cells[0], height), Math.min(cells[1], width)];
  const data = new Float32Array(h * w);
  for (let i = 0; i < h; i++) {
    for (let j = 0; j < w; j++) data[i * w + j] = sum[i * width + j] / count[i * width + j];
  }
  return { data, h, w };
}

/** Tiles that cover a point of the image, x and y from 0 to 1: [{ index, row, col }].
 * @param {Crt.TileGrid} grid
 * @param {number} x
 * @param {number} y
 */
export function tilesAt(grid, x, y) {
  const [height, width] = grid.content;
  const cols = grid.shape[1];
  return range(grid.shape[0] * cols)
    .map((index) => ({ index, row: Math.floor(index / cols), col: index % cols }))
    .filter(({ row, col }) => {
      const [dx, dy] = [x * width - col * grid.stride, y * height - row * grid.stride];
      return dx >= 0 && dy >= 0 && dx < grid.tile && dy < grid.tile;
    });
}

/** n tiles of attention, each divided by its largest value, and the square root; in place.
 * @param {Float32Array} values
 * @param {number} n
 */
export function tileNormalized(values, n) {
  const count = values.length / n;
  for (let t = 0; t < n; t++) {
    const tile = values.subarray(t * count, (t + 1) * count);
    const max = tile.reduce((found, value) => Math.max(found, value), TINY);
    for (let i = 0; i < count; i++) tile[i] = Math.sqrt(tile[i] / max);
  }
  return values;
}

/** n squares of side `from` -> side `to`, bilinear with cell centres, as torch's interpolate without aligned corners.
 * @param {Float32Array} values
 * @param {number} n
 * @param {number} from
 * @param {number} to
 */
export function resizeTiles(values, n, from, to) {
  const out = new Float32Array(n * to * to);
  const samples = range(to).map((i) => {
    const at = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const low = Math.min(from - 1, Math.floor(at));
    return [low, Math.min(from - 1, low + 1), at - low];
  });
  for (let t = 0; t < n; t++) {
    samples.forEach(([y0, y1, fy], i) => samples.forEach(([x0, x1, fx], j) => {
      const at = (/** @type {number} */ y, /** @type {number} */ x) => values[(t * from + y) * from + x];
      const top = at(y0, x0) * (1 - fx) + at(y0, x1) * fx;
      out[(t * to + i) * to + j] = top * (1 - fy) + (at(y1, x0) * (1 - fx) + at(y1, x1) * fx) * fy;
    }));
  }
  return out;
}

/** @param {number} count */
const range = (count) => Array.from({ length: count }, (_, i) => i);
