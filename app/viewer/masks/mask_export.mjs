// What the Masks tab shows, as the server makes it again for an export.

import { gridSize } from '../explore/draw.mjs';
import { exported } from '../core/settings.mjs';
import { packBits } from '../export/bits.mjs';
import { groundTruthOf } from '../ground_truth/ground_truth.mjs';

/** The network whose maps the masks are made of: the one chosen, or the first there is.
 * @param {Crt.State} state
 * @param {Crt.Run} run
 */
export const sourceMethod = ({ mask }, { methods }) => (methods.includes(mask.method) ? mask.method : methods[0]);

/** The parameters of the dense CRF, as the server takes them.
 * @param {Crt.State} state
 */
export const crfSettings = (state) => exported(state, 'masks.crf');

/** The parameters of the random walk, as the server takes them.
 * @param {Crt.State} state
 */
export const walkSettings = (state) => exported(state, 'masks.walk');

/** What describeView has of Explore, as it is in the Masks tab. `colors`: indices into LABEL_COLORS by class.
 * @param {Crt.State} state
 * @param {Crt.View} view
 * @param {Map<number, number>} [colors]
 */
export function describeMasks(state, view, colors = new Map()) {
  const { mask } = state;
  const { relation, segmentation } = view.run.checkpoint;
  const [rows, columns] = gridSize(view.image.naturalWidth, view.image.naturalHeight);
  const truths = state.classes.map((index) => groundTruthOf({ ...state, classes: [index] }, view));
  const packed = (/** @type {Crt.Mask | null} */ points) => points && packBits(points);
  return {
    maps: [{ method: sourceMethod(state, view.run), letter: '' }], image: false, difference: false, ground_truth: null, added_panel: null,
    masks: {
      ...exported(state, 'masks'), deeplab: Boolean(segmentation && mask.deeplab),
      crf: mask.crf ? crfSettings(state) : null, walk: relation && mask.walk ? walkSettings(state) : null, colors: [...colors],
      ground_truth: truths.map((one) => (one.complete ? packed(one.raster(rows, columns)) : null)),
      ignore: truths.map((one) => (one.complete ? packed(one.ignore(rows, columns)) : null)),
    },
  };
}
