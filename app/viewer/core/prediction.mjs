// The Prediction in the browser: raw maps of every tile and the class token's attention, and the arithmetic between them
// and a class map (docs/method.md sections 2 and 4). It mirrors crt/prediction.py; a test compares the two.

import { decodeHalves } from './decode.mjs';
import { DEFAULT_REDUCTION, PASS_REDUCTIONS } from './constants.mjs';
import { mergeTiles, resizeTiles, tileNormalized, tilesAt } from './tiles.mjs';

/** A header from the server and its bytes -> an object that computes every map of the run.
 * @param {{ grid: Crt.TileGrid, records: Crt.MethodRecord[] }} header
 * @param {ArrayBuffer} buffer
 */
export function openPrediction(header, buffer) {
  const { grid } = header;
  /** @type {(method: string) => Crt.MethodRecord} */
  const recordOf = (method) => records.get(method) ?? missing(method);
  const records = new Map(header.records.map((record) => [record.method, record]));
  /** @type {Map<string, Float32Array>} */
  const arrays = new Map(); // decoded on first use
  /** @type {Map<string, any>} */
  const kept = new Map(); // the attention and the maps used last

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
      return mergeTiles(grid, tiles, side, grid.cells);
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
    return remember(key, () => mergeTiles(grid, tileAttention(method, options), Math.round(Math.sqrt(patches)), grid.patchCells));
  }

  /** A value that no map of a unit exceeds: `cam` raw maps, `product` maps times the attention by `blocks` and `pass_reduction`.
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
    grid, attention, depth, isTransformer, maxLoops, passes, rawMap, upperBound,
    methods: [...records.keys()],
    /** Values of all tiles on cells -> one map of the image: tiles.mjs.
     * @param {Float32Array} tiles
     * @param {number} side
     * @param {Crt.Size} cells
     */
    merge: (tiles, side, cells) => mergeTiles(grid, tiles, side, cells),
    /** The tiles that cover a point of the image, x and y from 0 to 1.
     * @param {number} x
     * @param {number} y
     */
    tilesAt: (x, y) => tilesAt(grid, x, y),
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

/** @param {number[]} shape */
const product = (shape) => shape.reduce((a, b) => a * b, 1);
