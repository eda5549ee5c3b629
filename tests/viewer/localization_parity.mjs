// Run by tests/app/viewer/test_localization.py: what the page measures of one map, for the cases of a file.
// node localization_parity.mjs FILE, where FILE holds [{ h, w, map, mask, ignore, level }]; prints a list of measures.

import { readFileSync } from 'node:fs';

import { atThreshold, averagePrecision, pointsAt } from '../../app/viewer/maths/localization.mjs';

const cases = JSON.parse(readFileSync(process.argv[2], 'utf8'));
console.log(JSON.stringify(cases.map(({ h, w, map, mask, ignore, level }) => {
  const upsampled = { data: Float32Array.from(map), h, w };
  const [inside, out] = [Uint8Array.from(mask), ignore && Uint8Array.from(ignore)];
  return { ...atThreshold(upsampled, level, inside, out), pointing: pointsAt(upsampled, inside, out), pxap: averagePrecision(upsampled, inside, out) };
})));
