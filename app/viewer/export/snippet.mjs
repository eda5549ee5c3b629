// The maps on the page as a Python program of a few lines, which makes them again with this repository.

import { gridClasses, gridMethods, shownMaps } from '../explore/shown_maps.mjs';

/** A text as a Python literal. JSON's escapes are Python's too; what a reader could not see, or would see in another
 *  order than it stands, is escaped as well, in Python's own way beyond four digits.
 * @param {unknown} text
 */
export function pythonString(text) {
  return JSON.stringify(String(text)).replace(/[^\x20-\x7e\p{L}\p{N}\p{M}]/gu, (sign) => {
    const code = sign.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** @typedef {{ name: string, method: string, loops: number, refined: boolean, classes?: number[] }} WantedMap */

/** The maps of the networks on the page: [{ name, method, loops, refined, classes }], `classes` where they are not those chosen; all networks if there
 *  is none; in a grid of classes each network once.
 * @param {Crt.State} state
 * @param {Crt.Run} run
 * @returns {WantedMap[]}
 */
export function wantedMaps(state, run) {
  const { loops, refined } = state;
  const networks = (/** @type {string[]} */ methods) => (methods.some((method) => run.methods.includes(method)) ? methods.filter((method) => run.methods.includes(method)) : run.methods);
  if (state.compare.view === 'classes') return networks(gridMethods(state, run)).map((method) => ({ name: method, method, loops, refined }));
  const maps = shownMaps(state, run).filter(({ method }) => run.methods.includes(method));
  if (!maps.length) return run.methods.map((method) => ({ name: method, method, loops, refined }));
  return maps.map(({ method, letter, own, subject }) => {
    const { classes, ...rest } = own;
    return { name: letter.toLowerCase() || method, method, loops, refined, ...rest, ...(classes && subject ? { classes } : {}) };
  });
}

/** The program. Its arrays are called like the panels, or a and b where two are compared.
 * @param {Crt.State} state
 * @param {Crt.Run} run
 */
export function snippet(state, run) {
  const maps = wantedMaps(state, run);
  const best = maps.find(({ method }) => method === 'crt') ?? maps[maps.length - 1];
  const grid = state.compare.view === 'classes';
  const source = run.checkpoint.source ?? `path/to/${run.checkpoint.name}`;
  const indices = (/** @type {number[]} */ classes) => `[prediction.classes.index(name) for name in [${classes.map((index) => pythonString(run.classes[index])).join(', ')}]]`;
  const classesOf = (/** @type {WantedMap} */ one) => (one.classes ? `classes_${one.name}` : 'classes');
  return [
    `# In the root folder of the CRT explorer. ${grid ? 'The page shows a map for each class.' : 'Where classes are several, the page shows the largest of their maps.'}`,
    'from crt.checkpoint import load_checkpoint',
    'from crt.predictor import InferenceConfig, Predictor',
    'from crt.resample import upsample_cam',
    'from crt.postprocess import cam_to_labels, max_normalize',
    '',
    `predictor = Predictor(load_checkpoint(${pythonString(source)})${run.precision === 'bfloat16' ? ', bfloat16=True' : ''})`,
    `settings = InferenceConfig(size=${sizeOf(run)}, mode=${pythonString(run.mode)}, loops=${run.maxLoops})`,
    `prediction = predictor.predict(${pythonString(run.imageFile ?? 'image.jpg')}, settings)${run.imageFile ? '' : '  # your image'}`,
    `classes = ${indices(grid ? gridClasses(state, run) : state.classes)}`,
    ...maps.flatMap((one) => (one.classes ? [`${classesOf(one)} = ${indices(one.classes)}`] : [])),
    '',
    '# Raw maps (classes, h, w) on cells; prediction.content_size(method) is the image in cells.',
    ...maps.map((one) => `${one.name} = prediction.cams(${[pythonString(one.method), ...options(one, state, run), `classes=${classesOf(one)}`].join(', ')})`),
    '',
    `# The mask of ${best.name} at the threshold, in the image's pixels: 0 background, k + 1 the class of index k.`,
    `seeds = max_normalize(upsample_cam(${best.name}, prediction.content_size(${pythonString(best.method)}), prediction.source))`,
    `mask = cam_to_labels(seeds, ${classesOf(best)}, threshold=${state.threshold})`,
    '',
  ].join('\n');
}

/** Pixels of the longer side that the networks saw; None for the image's own.
 * @param {Crt.Run} run
 */
function sizeOf(run) {
  const seen = Math.max(...run.input);
  return run.chosen.size === 'native' && seen === Math.max(...run.source) ? 'None' : seen;
}

/** Keywords of Prediction.cams, as far as the network has them.
 * @param {WantedMap} map
 * @param {Crt.State} state
 * @param {Crt.Run} run
 */
function options({ method, loops, refined }, state, run) {
  const record = run.records.find((one) => one.method === method);
  if (record?.kind !== 'tokens') return [];
  const words = method === 'crt' ? [`loops=${Math.min(loops, run.maxLoops)}`] : [];
  words.push(`refined=${refined ? 'True' : 'False'}`);
  if (!refined) return words;
  // What is left out would be the checkpoint's default, which the page need not show.
  const [first, last] = (state.blocks ?? []).map((block) => Math.min(block, record.cls_attn.shape[1] - 1));
  words.push(`blocks=${state.blocks ? `range(${first}, ${last + 1})` : 'None'}`);
  words.push(`pass_reduction=${pythonString(state.pass_reduction)}`);
  return words;
}
