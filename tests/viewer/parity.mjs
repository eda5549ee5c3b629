// Run by tests/app/viewer/test_viewer.py: every map that Python expects, recomputed by the viewer's own arithmetic.
// node parity.mjs FILE, where FILE holds {runs: [{header, data, wanted: [{kind, method, options, data, h, w}]}]}.

import { readFileSync } from 'node:fs';

import { base64ToBuffer } from '../../app/viewer/core/decode.mjs';
import { openPrediction } from '../../app/viewer/core/prediction.mjs';

let worst = 0;
let compared = 0;
for (const { header, data, wanted } of JSON.parse(readFileSync(process.argv[2], 'utf8')).runs) {
  const prediction = openPrediction(header, base64ToBuffer(data));
  for (const { kind, method, classes, options, values, h, w } of wanted) {
    const got = kind === 'attention' ? prediction.attention(method, options) : prediction.map(method, classes, options);
    if (got.h !== h || got.w !== w) throw new Error(`${method} ${JSON.stringify(options)}: ${got.h} × ${got.w}, not ${h} × ${w}`);
    const max = Math.max(1e-12, ...values.map(Math.abs));
    const away = Math.max(...values.map((value, i) => Math.abs(value - got.data[i]))) / max;
    if (!(away <= 4e-3)) throw new Error(`${header.mode} ${kind} ${method} ${JSON.stringify(options)} is off by ${away}`);
    worst = Math.max(worst, away);
    compared += 1;
  }
}
console.log(JSON.stringify({ compared, worst }));
