import assert from 'node:assert/strict';
import { test } from 'node:test';

import { largestRow } from '../../app/viewer/results.mjs';

test('the largest number of a column is found, whatever else its cells hold', () => {
  assert.equal(largestRow(['41.5', '51.5 ± 1.5', '–']), 1);
  assert.equal(largestRow(['–', '3.0', 'x']), -1);
  assert.equal(largestRow(['3.0', '3.0']), -1);
});
