// Run by tests/app/viewer/test_soft_edges.py: which masks have soft edges, and where they are cut off on the page.
// node soft_edges_parity.mjs FILE, where FILE holds [{ values, are_labels, cutoff }]; prints a list of { soft, inside }.

import { readFileSync } from 'node:fs';

import { hasSoftEdges, levelsOfGrey } from '../../app/viewer/ground_truth/soft_edges.mjs';
import { cutLevels } from '../../app/viewer/maths/threshold.mjs';

const cases = JSON.parse(readFileSync(process.argv[2], 'utf8'));
console.log(JSON.stringify(cases.map(({ values, are_labels, cutoff }) => {
  const grey = Uint8Array.from(values);
  const levels = levelsOfGrey(grey);
  return { soft: hasSoftEdges(grey, are_labels), inside: [...cutLevels(grey.map((value) => levels[value]), cutoff)] };
})));
