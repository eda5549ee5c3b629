// The Prediction in the browser: raw maps of every tile and the class token's attention, and the arithmetic between them
// and a class map (docs/method.md sections 2 and 4). It mirrors crt/prediction.py; a test compares the two.

import { base64ToBuffer, decodeHalves, fileUrl } from './decode.mjs';
import { DEFAULT_REDUCTION, PASS_REDUCTIONS } from './constants.mjs';
import { RequestError } from './rpc.mjs';

const TINY = 1e-12; // crt.refine's

/** A header from the server and its bytes -> what answers for every map of the run.
 * @param {{ grid: Crt.TileGrid, records: Crt.MethodRecord[] }} header
 * @param {ArrayBuffer} buffer
 */
export function openPrediction(header, buffer) {
  const { grid } = header;
  /** @type {(method: string) => Crt.MethodRecord} */
  const recordOf = (method) => records.get(method) ?? missing(method);
  const records = new Map(header.records.map((record) => [record.method, record]));
  /** @type {Map<string, Float32Array>} */
  const arrays = new Map(); // decoded when first asked for
  /** @type {Map<string, any>} */
  const kept = new Map(); // attention and maps asked for lately

  /**
   * @param {string} method
   * @param {'cams' | 'cls_attn'} name
   * @returns {Float32Array}
   */
  function array(method, name) {
    const key = `${method}/${name}`;
    const known = arrays.get(key);
    if (known) return known;
    const { offset, shape, scale } = recordOf(method)[name];
    const values = decodeHalves(buffer, offset, product(shape), scale);
    arrays.set(key, values);
    return values;
  }

  /**
   * @template T
   * @param {string} key
   * @param {() => T} make
   * @returns {T}
   */
  function remember(key, make) {
    if (!kept.has(key)) {
      if (kept.size >= 240) kept.delete(String(kept.keys().next().value));
      kept.set(key, make());
    }
    return kept.get(key);
  }

  /** @param {string} method */
  const isTransformer = (method) => records.get(method)?.kind === 'tokens';
  /**
   * @param {string} method
   * @returns {number}
   */
  const maxLoops = (method) => (isTransformer(method) ? recordOf(method).cams.shape[0] - 1 : 0);
  /** @param {number} loops */
  const passesOf = (loops) => Math.max(1, loops);
  /**
   * @param {string} method
   * @returns {number}
   */
  const depth = (method) => (isTransformer(method) ? recordOf(method).cls_attn.shape[1] : 0);
  /**
   * @param {string} method
   * @returns {number}
   */
  const passes = (method) => (isTransformer(method) ? recordOf(method).cls_attn.shape[0] : 0);

  /** Per tile and patch: attention averaged over blocks, then combined over passes. `blocks`: [first, last] or null;
   *  `pass`: only this pass. Returns Float32Array of n × P. `pass_reduction`: a name of PASS_REDUCTIONS.
   * @param {string} method
   * @param {Crt.MapOptions} options
   */
  function tileAttention(method, { loops = 0, blocks = null, pass_reduction = DEFAULT_REDUCTION, pass = null }) {
    const [, total, n, patches] = recordOf(method).cls_attn.shape;
    const rows = array(method, 'cls_attn');
    const [first, last] = blocks ?? [0, total - 1];
    const reduction = PASS_REDUCTIONS[pass_reduction];
    const used = pass !== null ? [[pass, 1]] : [...reduction.weights[passesOf(loops) - 1].entries()].filter(([, share]) => share !== 0);
    const out = new Float32Array(n * patches);
    for (const [k, share] of used) {
      const weight = share / (last - first + 1);
      for (let block = first; block <= last; block++) {
        const start = (k * total + block) * n * patches;
        for (let i = 0; i < out.length; i++) out[i] += weight * rows[start + i];
      }
    }
    return reduction.tile_normalized && pass === null ? tileNormalized(out, n) : out;
  }

  /** Tiles' maps (n × side × side) -> { data, h, w }: averaged where tiles overlap, cropped to the image's cells.
   * @param {Float32Array} tiles
   * @param {number} side
   * @param {Crt.Size} cells
   * @returns {Crt.Values}
   */
  function merge(tiles, side, cells) {
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

  /** One class: { data, h, w } raw, before ReLU. Refined only if the method is a transformer.
   * @param {string} method
   * @param {number} index
   * @param {Crt.MapOptions} [options]
   * @returns {Crt.Values}
   */
  function rawMap(method, index, { loops = 0, refined = false, blocks = null, pass_reduction = DEFAULT_REDUCTION } = {}) {
    const record = recordOf(method);
    if (record.kind !== 'tokens') {
      const [, h, w] = record.cams.shape;
      return { data: array(method, 'cams').subarray(index * h * w, (index + 1) * h * w), h, w };
    }
    const count = Math.min(loops, maxLoops(method));
    const key = ['map', method, index, count, refined, refined && blocks, refined && pass_reduction].join('/');
    return remember(key, () => {
      const [, n, classes, side] = record.cams.shape;
      const maps = array(method, 'cams');
      const tiles = new Float32Array(n * side * side);
      const weights = refined ? tileWeights(method, side, { loops: count, blocks, pass_reduction }) : null;
      for (let t = 0; t < n; t++) {
        const from = ((count * n + t) * classes + index) * side * side;
        const to = t * side * side;
        for (let i = 0; i < side * side; i++) tiles[to + i] = maps[from + i] * (weights ? weights[to + i] : 1);
      }
      return merge(tiles, side, grid.cells);
    });
  }

  /**
   * @param {string} method
   * @param {number} side
   * @param {Crt.MapOptions} options
   */
  function tileWeights(method, side, options) {
    const key = ['rows', method, side, options.loops, options.blocks, options.pass_reduction].join('/');
    return remember(key, () => {
      const [, , n, patches] = recordOf(method).cls_attn.shape;
      const weights = tileAttention(method, options);
      const from = Math.round(Math.sqrt(patches));
      return from === side ? weights : resizeTiles(weights, n, from, side);
    });
  }

  /** Class-token attention on the patches of the image: { data, h, w }. Options as in tileAttention.
   * @param {string} method
   * @param {Crt.MapOptions} [options]
   * @returns {Crt.Values}
   */
  function attention(method, options = {}) {
    const patches = recordOf(method).cls_attn.shape[3];
    const key = ['attention', method, options.loops, options.blocks, options.pass_reduction, options.pass].join('/');
    return remember(key, () => merge(tileAttention(method, options), Math.round(Math.sqrt(patches)), grid.patchCells));
  }

  /** Tiles that cover a point of the image, x and y from 0 to 1: [{ index, row, col }].
   * @param {number} x
   * @param {number} y
   */
  function tilesAt(x, y) {
    const [height, width] = grid.content;
    const cols = grid.shape[1];
    return range(grid.shape[0] * cols)
      .map((index) => ({ index, row: Math.floor(index / cols), col: index % cols }))
      .filter(({ row, col }) => {
        const [dx, dy] = [x * width - col * grid.stride, y * height - row * grid.stride];
        return dx >= 0 && dy >= 0 && dx < grid.tile && dy < grid.tile;
      });
  }

  /** A value that no map of a unit exceeds: `cam` raw maps, `product` maps times the attention that `blocks` and `pass_reduction` ask for.
   * @param {Crt.Unit} unit
   * @param {Pick<Crt.MapOptions, 'blocks' | 'pass_reduction'>} [options]
   */
  function upperBound(unit, { blocks = null, pass_reduction = DEFAULT_REDUCTION } = {}) {
    let max = 0;
    for (const [method, record] of records) {
      if (record.kind !== 'tokens') {
        if (unit === 'cam') for (const value of array(method, 'cams')) max = Math.max(max, value);
        continue;
      }
      const [counts, n, classes, side] = record.cams.shape;
      const maps = array(method, 'cams');
      const used = blocks && /** @type {Crt.Size} */ (blocks.map((block) => Math.min(block, depth(method) - 1)));
      for (let loops = 0; loops < counts; loops++) {
        const weights = unit === 'product' ? tileWeights(method, side, { loops, blocks: used, pass_reduction }) : null;
        for (let t = 0; t < n; t++) {
          for (let c = 0; c < classes; c++) {
            const from = ((loops * n + t) * classes + c) * side * side;
            for (let i = 0; i < side * side; i++) {
              max = Math.max(max, maps[from + i] * (weights ? weights[t * side * side + i] : 1));
            }
          }
        }
      }
    }
    return max;
  }

  return {
    grid, attention, depth, isTransformer, maxLoops, merge, passes, rawMap, upperBound, tilesAt,
    methods: [...records.keys()],
    /** Height and width of the image in cells of a method's maps.
     * @param {string} method
     */
    contentSize: (method) => recordOf(method).content_size,
    /** The largest value over the classes chosen, after ReLU: { data, h, w }.
     * @param {string} method
     * @param {number[]} classes
     * @param {Crt.MapOptions} [options]
     */
    map(method, classes, options = {}) {
      const maps = classes.map((index) => rawMap(method, index, options));
      const out = new Float32Array(maps[0].data.length);
      for (const { data } of maps) for (let i = 0; i < out.length; i++) if (data[i] > out[i]) out[i] = data[i];
      return { data: out, h: maps[0].h, w: maps[0].w };
    },
  };
}

/** @type {(method: string) => never} */
function missing(method) {
  throw new Error(`there is no map of ${method}`);
}

const NO_DOWNLOAD = 'The result could not be downloaded: check the connection and try again.';

/** Bytes of a run: inside the header as base64, or in a file that the server keeps. Throws RequestError.
 * @param {Crt.Bytes} header
 * @returns {Promise<ArrayBuffer>}
 */
export async function predictionBytes(header) {
  if (header.data) return base64ToBuffer(header.data);
  try {
    const answer = await fetch(fileUrl(header.file ?? '', window.gradio_config?.root ?? ''));
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return await answer.arrayBuffer();
  } catch (error) {
    throw new RequestError('failed', NO_DOWNLOAD, { cause: error });
  }
}

/** Arrays of an answer by name: { data: Float32Array, shape }. `described` and `buffer` as encode_arrays made them.
 * @param {Record<string, Crt.Stored>} described
 * @param {ArrayBuffer} buffer
 * @returns {Record<string, Crt.Opened>}
 */
export function openArrays(described, buffer) {
  return Object.fromEntries(Object.entries(described).map(([name, { shape, scale, offset }]) => [
    name, { shape, data: decodeHalves(buffer, offset, product(shape), scale) },
  ]));
}

/** n tiles of attention, each divided by its largest value, and the square root; in place.
 * @param {Float32Array} values
 * @param {number} n
 */
function tileNormalized(values, n) {
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

/** @param {number[]} shape */
const product = (shape) => shape.reduce((a, b) => a * b, 1);
/** @param {number} count */
const range = (count) => Array.from({ length: count }, (_, i) => i);
