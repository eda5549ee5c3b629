// Run by tests/app/requests/test_settings.py: settings through the page's links, scenes and exports.
// node settings_round_trip.mjs FILE, where FILE holds [{ path, value }]; prints for each what a link and a scene bring back
// (`missing` where they leave the setting as it is) and the details of an export.

import { readFileSync } from 'node:fs';

import { describeAblation } from '../../app/viewer/ablation/ablation_export.mjs';
import { defaults, exported, put, valueAt } from '../../app/viewer/core/settings.mjs';
import { describeView } from '../../app/viewer/export/export.mjs';
import { describeMasks } from '../../app/viewer/masks/mask_export.mjs';
import { decode, encode } from '../../app/viewer/permalink/query.mjs';
import { readScenes, writeScenes } from '../../app/viewer/presentation/scene_file.mjs';

const run = { methods: ['resnet', 'crt'], classes: ['cat'], scores: { crt: [[1]] }, maxLoops: 0, checkpoint: { relation: 0.3, segmentation: true }, imageId: 'a' };
const view = /** @type {any} */ ({ run, image: { naturalWidth: 160, naturalHeight: 120 } });

function roundTrip({ path, value }) {
  const state = defaults();
  put(state, path, value);
  const query = encode(state, null);
  const [scene] = readScenes(writeScenes([{ title: 'a', query }])).scenes;
  const [link, shown] = [query, scene.query].map((one) => {
    const { settings, problems } = decode(one);
    const found = valueAt(settings, path);
    return problems.length ? problems : found === undefined ? 'missing' : found;
  });
  const details = {
    ...describeView(state, view), ...describeMasks(state, view), layers: exported(state, 'layers'),
    ablate: describeAblation(state.ablate.show, {}).ablate,
  };
  return { link, scene: shown, details };
}

console.log(JSON.stringify(JSON.parse(readFileSync(process.argv[2], 'utf8')).map(roundTrip)));
