// What the page shares with the library, written by `python -m scripts.dev.constants`.

/** How the attention of several passes becomes one: crt.pass_reductions.
 *  @type {Record<string, Crt.PassReduction>} */
export const PASS_REDUCTIONS = {
  "sum": {"label": "Sum", "description": "summed over the passes", "weights": [[1.0], [1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]], "tile_normalized": false},
  "mean": {"label": "Mean", "description": "averaged over the passes", "weights": [[1.0], [0.5, 0.5], [0.3333333333333333, 0.3333333333333333, 0.3333333333333333], [0.25, 0.25, 0.25, 0.25], [0.2, 0.2, 0.2, 0.2, 0.2], [0.16666666666666666, 0.16666666666666666, 0.16666666666666666, 0.16666666666666666, 0.16666666666666666, 0.16666666666666666], [0.14285714285714285, 0.14285714285714285, 0.14285714285714285, 0.14285714285714285, 0.14285714285714285, 0.14285714285714285, 0.14285714285714285], [0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125]], "tile_normalized": false},
  "first": {"label": "First only", "description": "of the first pass", "weights": [[1.0], [1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]], "tile_normalized": false},
  "last": {"label": "Last only", "description": "of the last pass", "weights": [[1.0], [0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]], "tile_normalized": false},
  "tile_normalized": {"label": "First, per-tile normalized", "description": "of the first pass, per-tile normalized", "weights": [[1.0], [1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]], "tile_normalized": true},
};

/** @type {string} */
export const DEFAULT_REDUCTION = "sum";

/** Other explainers, by the names that links hold: crt.analysis.explainers.
 *  @type {Record<string, { title: string, slow: boolean }>} */
export const EXPLAINERS = {
  "gradcam": {"title": "Grad-CAM", "slow": false},
  "gradcam++": {"title": "Grad-CAM++", "slow": false},
  "xgradcam": {"title": "XGrad-CAM", "slow": false},
  "hirescam": {"title": "HiResCAM", "slow": false},
  "layercam": {"title": "LayerCAM", "slow": false},
  "eigencam": {"title": "Eigen-CAM", "slow": false},
  "scorecam": {"title": "Score-CAM", "slow": true},
};

/** Names of the networks: crt.types. */
export const METHOD_TITLES = {"resnet": "ResNet", "tscam": "TS-CAM", "crt": "CRT", "crt_cnn": "CRT's CNN"};

/** What the values of a map are in: crt.types.
 *  @type {Record<Crt.Unit, string>} */
export const UNIT_NAMES = {"cam": "raw CAM", "product": "raw CAM × attention", "attention": "share of attention", "explainer": "arbitrary units", "share": "share of own maximum"};

/** Parts of a mask with fewer pixels have no outline: crt.viz.contours. */
export const SPECK_PIXELS = 20;

/** RGB of masks over images: crt.viz.colours.
 *  @type {Crt.RGB[]} */
export const LABEL_COLORS = [[159, 1, 98], [0, 159, 129], [255, 90, 175], [0, 252, 207], [132, 0, 205], [0, 141, 249], [0, 194, 249], [255, 178, 253], [164, 1, 34], [226, 1, 52], [255, 110, 58], [255, 195, 59]];
