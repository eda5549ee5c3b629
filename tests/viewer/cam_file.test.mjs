import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 as nodeCrc } from 'node:zlib';

import { BadCam, UNNAMED, checkAspect, classFinder, isDeepPng, readCams, sizeProblem } from '../../app/viewer/explore/cam_file.mjs';
import { crc32 } from '../../app/viewer/maths/crc32.mjs';

// tests/app/viewer/test_cam_file.py compares what is read, and refused, with the library.

/** An npy of float32 values. */
function npy(shape, values) {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')},), }\n`;
  const head = Buffer.alloc(10);
  head.write('\x93NUMPY\x01\x00', 'latin1');
  head.writeUInt16LE(header.length, 8);
  return new Uint8Array(Buffer.concat([head, Buffer.from(header), Buffer.from(Float32Array.from(values).buffer)]));
}

test('a file is read wherever its bytes lie in a buffer', async () => {
  const file = npy([2, 3], [1, 2, 3, 4, 5, 6]);
  const larger = new Uint8Array(file.length + 7);
  larger.set(file, 5);
  const cams = await readCams(larger.subarray(5, 5 + file.length), ['cat']);
  assert.deepEqual([...cams.keys()], [UNNAMED]);
  assert.deepEqual(cams.get(UNNAMED), { data: Float32Array.of(1, 2, 3, 4, 5, 6), h: 2, w: 3 });
});

test('maps of several classes come by their names, each with values of its own', async () => {
  const cams = await readCams(npy([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]), ['cat', 'dog']);
  assert.deepEqual([...cams].map(([name, { data }]) => [name, ...data]), [['cat', 1, 2, 3, 4], ['dog', 5, 6, 7, 8]]);
});

test('a file that is too large is refused before it is read', () => {
  assert.equal(sizeProblem(64 * 2 ** 20), '');
  assert.equal(sizeProblem(64 * 2 ** 20 + 1), 'This file has 65 MiB, and 64 are the most: save a smaller map.');
});

test('classes are found as they are, without their number and blanks, and in any case where that leaves one', () => {
  const find = classFinder(['001.Black_footed_Albatross', 'dining_table', 'Dog', 'dog', 'Été']);
  assert.equal(find('Black footed Albatross'), '001.Black_footed_Albatross');
  assert.equal(find('black_footed albatross'), '001.Black_footed_Albatross');
  assert.equal(find('Dining Table'), 'dining_table');
  assert.deepEqual([find('dog'), find('Dog'), find('DOG')], ['dog', 'Dog', undefined]);
  assert.equal(find('e\u0301te\u0301'), 'Été');
  assert.deepEqual([find(''), find('toString')], [undefined, undefined]);
});

test('a map fits an image within a cell', () => {
  checkAspect([24, 32], [375, 500]);
  checkAspect([11, 16], [333, 500]);
  assert.throws(() => checkAspect([14, 14], [375, 500]), (error) => error instanceof BadCam
    && error.message === 'This map has the shape (14, 14), which does not fit the image of (375, 500): resize it to the shape of the image.');
});

test('a greyscale PNG of 16 bits is no mask', () => {
  const head = (bits, type) => Uint8Array.from([137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 4, 0, 0, 0, 3, bits, type]);
  assert.deepEqual([isDeepPng(head(16, 0)), isDeepPng(head(8, 0)), isDeepPng(head(16, 2)), isDeepPng(head(16, 0).subarray(0, 20)), isDeepPng(Uint8Array.of(1))], [true, false, false, false, false]);
});

test('CRC-32 is that of zlib', { skip: !nodeCrc }, () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * i) % 251);
  assert.equal(crc32(bytes), nodeCrc(bytes));
  assert.equal(crc32(new Uint8Array(0)), 0);
});
