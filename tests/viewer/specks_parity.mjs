// Run by tests/app/viewer/test_specks.py: labels without their specks, as the page outlines them, for the cases of a file.
// node specks_parity.mjs FILE, where FILE holds [{ h, w, labels, least }]; prints a list of labels.

import { readFileSync } from 'node:fs';

import { withoutSpecks } from '../../app/viewer/masks/specks.mjs';

const cases = JSON.parse(readFileSync(process.argv[2], 'utf8'));
console.log(JSON.stringify(cases.map(({ h, w, labels, least }) => [...withoutSpecks({ labels: Uint8Array.from(labels), h, w }, least)])));
