// Run by tests/app/viewer/test_snippet.py: the Python programs that the page would copy.
// node snippets.mjs FILE, where FILE holds [{state, run}], the state as changes to the first one.

import { readFileSync } from 'node:fs';

import { snippet } from '../../app/viewer/export/snippet.mjs';
import { INITIAL } from '../../app/viewer/core/store.mjs';

const asked = JSON.parse(readFileSync(process.argv[2], 'utf8'));
console.log(JSON.stringify(asked.map(({ state, run }) => snippet({ ...INITIAL, ...state }, run))));
