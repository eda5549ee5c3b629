// Run by tests/app/viewer/test_cam_file.py: files with CAMs as the page reads them.
// node cam_file_parity.mjs FOLDER, where cases.json holds { classes, files, shapes }; prints for each file the sentence that refuses it, or
// { name: { h, w, values } } with the float32 values in base64, and for each pair of shapes the sentence of checkAspect or ''.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { BadCam, checkAspect, readCams } from '../../app/viewer/explore/cam_file.mjs';

const folder = process.argv[2];
const { classes, files, shapes } = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8'));

/** The sentence of the BadCam that is thrown.
 * @param {unknown} error
 */
function sentence(error) {
  if (!(error instanceof BadCam)) throw error;
  return error.message;
}

async function read(file) {
  try {
    const cams = await readCams(new Uint8Array(readFileSync(join(folder, file))), classes);
    return Object.fromEntries([...cams].map(([name, { h, w, data }]) => [name, { h, w, values: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64') }]));
  } catch (error) {
    return sentence(error);
  }
}

function fits([cam, image]) {
  try {
    checkAspect(cam, image);
    return '';
  } catch (error) {
    return sentence(error);
  }
}

const found = [];
for (const file of files) found.push(await read(file));
console.log(JSON.stringify({ files: found, shapes: shapes.map(fits) }));
