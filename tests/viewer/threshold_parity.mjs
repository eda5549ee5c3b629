// Run by tests/app/viewer/test_threshold.py: the page's threshold rule wherever it is applied, for the cases of a file.
// node threshold_parity.mjs FILE, where FILE holds [{ level, values }]; prints for each case what lies inside by every
// function that asks the rule.

import { readFileSync } from 'node:fs';

import { regions } from '../../app/viewer/maths/components.mjs';
import { cellEdges, rings } from '../../app/viewer/maths/contour.mjs';
import { STEPS, overlap, sweep } from '../../app/viewer/maths/iou.mjs';
import { labelMap } from '../../app/viewer/maths/labels.mjs';
import { atThreshold } from '../../app/viewer/maths/localization.mjs';
import { aboveThreshold, maskPixels } from '../../app/viewer/maths/threshold.mjs';

const everywhere = Uint8Array.of(1);
/** Of a map of one point: whether it is inside, as each function says.
 * @param {number} value
 * @param {number} level
 */
function inside(value, level) {
  const map = { data: Float32Array.of(value), h: 1, w: 1 };
  const step = Math.round(STEPS * level);
  return {
    aboveThreshold: aboveThreshold(map.data[0], level),
    overlap: overlap(map.data, level, everywhere) === 1,
    atThreshold: atThreshold(map, level, everywhere).iou === 1,
    regions: regions(map, level).length === 1,
    rings: rings(map, level).length === 1,
    cellEdges: cellEdges({ data: Float32Array.of(value, 0), h: 1, w: 2 }, level).length > 0, // none along the frame
    maskPixels: maskPixels(map.data, level)[3] === 0,
    labels: labelMap([{ data: Float32Array.of(value, 1), h: 1, w: 2 }], level, { together: true })[0] === 1,
    ...(step / STEPS === level ? { sweep: sweep(map.data, 1, everywhere).iou[step] === 1 } : {}),
  };
}

const cases = JSON.parse(readFileSync(process.argv[2], 'utf8'));
console.log(JSON.stringify(cases.map(({ level, values }) => values.map((value) => inside(value, level)))));
