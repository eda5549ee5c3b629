import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 as nodeCrc, deflateSync } from 'node:zlib';

import { vocColor } from '../../app/viewer/maths/labels.mjs';
import { readMask } from '../../app/viewer/ground_truth/mask_png.mjs';
import { BadPng, readGreyPng, readPng } from '../../app/viewer/ground_truth/png.mjs';

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const SAMPLES = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

function chunk(name, body) {
  const out = Buffer.alloc(12 + body.length);
  out.writeUInt32BE(body.length, 0);
  out.write(name, 4, 'latin1');
  Buffer.from(body).copy(out, 8);
  out.writeUInt32BE(nodeCrc ? nodeCrc(out.subarray(4, 8 + body.length)) : 0, 8 + body.length);
  return out;
}

function header(w, h, { depth = 8, type = 0, compression = 0, filter = 0, interlace = 0 } = {}) {
  const body = Buffer.alloc(13);
  body.writeUInt32BE(w, 0);
  body.writeUInt32BE(h, 4);
  body.set([depth, type, compression, filter, interlace], 8);
  return chunk('IHDR', body);
}

const join = (...chunks) => new Uint8Array(Buffer.concat([Buffer.from(SIGNATURE), ...chunks]));

/** The specification's filters, written down a second time and the other way round. */
function filtered(rows, step, kindOf) {
  return Buffer.concat(rows.map((row, i) => {
    const kind = kindOf(i);
    const above = i ? rows[i - 1] : new Uint8Array(row.length);
    const line = row.map((value, j) => {
      const a = j >= step ? row[j - step] : 0;
      const b = above[j];
      const c = j >= step ? above[j - step] : 0;
      const p = a + b - c;
      const near = [a, b, c].map((one) => Math.abs(p - one));
      const best = [a, b, c][near.indexOf(Math.min(...near))];
      return value - [0, a, b, Math.floor((a + b) / 2), best][kind];
    });
    return Buffer.concat([Buffer.from([kind]), Buffer.from(line)]);
  }));
}

/** A PNG of rows of samples. */
function png(rows, { depth = 8, type = 0, palette = null, kind = (i) => i % 5, parts = 1, ...head } = {}) {
  const samples = SAMPLES[type];
  const bytes = rows.map((row) => {
    const line = new Uint8Array(Math.ceil((row.length * depth) / 8));
    row.forEach((value, j) => { line[Math.floor((j * depth) / 8)] |= value << (8 - depth - ((j * depth) % 8)); });
    return line;
  });
  const data = deflateSync(filtered(bytes, Math.max(1, (samples * depth) >> 3), kind));
  const size = Math.ceil(data.length / parts);
  const pieces = Array.from({ length: parts }, (_, k) => chunk('IDAT', data.subarray(k * size, (k + 1) * size)));
  return join(
    header(rows[0].length / samples, rows.length, { depth, type, ...head }), ...(palette ? [chunk('PLTE', palette.flat())] : []),
    chunk('tEXt', Buffer.from('a\0b')), ...pieces, chunk('IEND', []),
  );
}

function random(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const noise = (h, w, below, seed = 1) => {
  const next = random(seed);
  return Array.from({ length: h }, () => Array.from({ length: w }, () => next(below)));
};

test('indices and grey values come back at every depth, with every filter, in several parts', async () => {
  for (const type of [0, 3]) {
    for (const depth of [1, 2, 4, 8]) {
      for (const w of [1, 7, 33]) {
        const rows = noise(11, w, 2 ** depth, w * depth);
        const found = await readPng(png(rows, { depth, type, parts: 3 }));
        assert.deepEqual([found.h, found.w, found.colors], [11, w, null]);
        assert.deepEqual([...found.values], rows.flat(), `type ${type}, depth ${depth}, width ${w}`);
      }
    }
  }
});

test('grey values of 8 and 16 bits come back, others are refused', async () => {
  const rows = noise(11, 14, 256, 3);
  const deep = png(rows, { type: 4 });
  deep.set([16, 0], 24); // seven values of two bytes a line instead of grey and alpha
  const found = await readGreyPng(deep);
  assert.deepEqual([found.h, found.w], [11, 7]);
  assert.deepEqual([...found.data], rows.flatMap((row) => Array.from({ length: 7 }, (_, j) => 256 * row[2 * j] + row[2 * j + 1])));
  assert.deepEqual([...(await readGreyPng(png(rows))).data], rows.flat());
  for (const options of [{ type: 3 }, { type: 2 }, { depth: 4 }]) await assert.rejects(readGreyPng(png(noise(4, 6, 9), options)), BadPng);
  await assert.rejects(readPng(deep), { message: 'This PNG has 16 bits a value: save the mask with 8.' });
});

test('colours are numbered as they come, and what cannot be seen is black', async () => {
  const rows = noise(9, 15, 3, 5).map((row) => row.map((value) => 100 * value));
  const found = await readPng(png(rows, { type: 2 }));
  const back = [...found.values].flatMap((number) => found.colors[number]);
  assert.deepEqual(back, rows.flat());
  const clear = await readPng(png([[255, 0, 0, 255, 9, 9, 9, 0]], { type: 6 }));
  assert.deepEqual(clear.colors, [[255, 0, 0], [0, 0, 0]]);
  assert.deepEqual([...(await readPng(png([[200, 255, 200, 0]], { type: 4 }))).values], [200, 0]);
  const half = await readPng(png([[255, 0, 255, 128]], { type: 6 }));
  assert.deepEqual(half.colors, [[128, 0, 128]]);
  assert.deepEqual([...(await readPng(png([[200, 128]], { type: 4 }))).values], [100]);
});

const good = () => png(noise(20, 20, 5), { type: 3 });
const corrupt = (change) => {
  const bytes = good();
  change(bytes);
  return bytes;
};
const pixels = (rows) => chunk('IDAT', deflateSync(Buffer.concat(rows.map((row) => Buffer.from([0, ...row])))));

test('what is wrong with a file is said in one sentence', async () => {
  const bomb = deflateSync(Buffer.alloc(50e6));
  const cases = [
    [new Uint8Array(0), /no PNG/], [Buffer.from('<svg onload=alert(1)>'), /no PNG/],
    [good().subarray(0, 200), /cut off/], [good().subarray(0, 20), /cut off/], [new Uint8Array(SIGNATURE), /cut off/],
    [corrupt((b) => b.set([255, 255, 255, 255], 8)), /cut off/],
    [join(chunk('IDAT', [1]), chunk('IEND', [])), /begin with its size/],
    [join(chunk('IHDR', [1, 2])), /header of this PNG is wrong/],
    [join(header(2, 2), header(2, 2)), /header of this PNG is wrong/],
    [join(header(2, 2, { depth: 3 }), chunk('IEND', [])), /header of this PNG is wrong/],
    [join(header(2, 2, { type: 5 }), chunk('IEND', [])), /header of this PNG is wrong/],
    [join(header(2, 2, { type: 2, depth: 4 }), chunk('IEND', [])), /header of this PNG is wrong/],
    [join(header(2, 2, { compression: 1 }), chunk('IEND', [])), /header of this PNG is wrong/],
    [join(header(2, 2, { depth: 16 }), chunk('IEND', [])), /16 bits/],
    [join(header(2, 2, { interlace: 1 }), chunk('IEND', [])), /interlaced/],
    [join(header(0, 2), chunk('IEND', [])), /claims 0 × 2/], [join(header(1e5, 1e5), chunk('IEND', [])), /claims 100000 × 100000/],
    [join(header(8000, 8000, { type: 6 }), chunk('IDAT', [1]), chunk('IEND', [])), /save the mask with indices/],
    [join(header(2, 2), chunk('IEND', [])), /no pixels/],
    [join(header(2, 2), chunk('IDAT', [1, 2, 3, 4]), chunk('IEND', [])), /damaged/],
    [join(header(2, 3), pixels([[0, 0], [0, 0]]), chunk('IEND', [])), /fewer pixels/],
    [join(header(2, 1), pixels([[0, 0], [0, 0]]), chunk('IEND', [])), /more pixels/],
    [join(header(4, 4), chunk('IDAT', bomb), chunk('IEND', [])), /more pixels/],
    [join(header(2, 1), chunk('IDAT', deflateSync(Buffer.from([9, 0, 0]))), chunk('IEND', [])), /damaged/],
    [png(noise(40, 300, 256), { type: 2, kind: () => 0 }), /more than 256 colours/],
  ];
  for (const [bytes, words] of cases) {
    await assert.rejects(readPng(new Uint8Array(bytes)), (error) => {
      assert.ok(error instanceof BadPng, String(error.stack));
      assert.match(error.message, words);
      assert.match(error.message, /^[A-Z].*\.$/);
      return true;
    });
  }
});

test('a file with any byte changed is read or refused, never anything else', async () => {
  const next = random(9);
  for (let i = 0; i < 100; i++) {
    const bytes = corrupt((b) => { for (let k = 0; k < 3; k++) b[next(b.length)] = next(256); });
    await readPng(bytes).catch((error) => assert.ok(error instanceof BadPng, String(error.stack)));
  }
});

const VOC_LIKE = ['bird', 'cat', 'dog'];
const about = (classes = VOC_LIKE, chosen = classes[0]) => ({ classes, chosen, source: [2, 3] });
const palette = Array.from({ length: 256 }, (_, k) => vocColor(k));
const read = async (rows, options, what = about()) => {
  const { labels, values, messages } = await readMask(png(rows, options), what);
  return { labels: [...labels], values, messages: messages.join(' ') };
};

test('indices are classes in the order of the checkpoint, or VOC classes by their palette', async () => {
  const plain = await read([[0, 1, 2], [3, 255, 0]], { type: 3, palette: [[0, 0, 0], [9, 9, 9]] });
  assert.deepEqual(plain, { labels: [0, 1, 2, 3, 255, 0], values: { bird: 1, cat: 2, dog: 3 }, messages: 'It holds bird, cat, dog.' });
  assert.deepEqual((await read([[0, 0, 2], [0, 2, 2]], { type: 0 })).values, { cat: 2 });
  const voc = await read([[0, 3, 8], [15, 255, 0]], { type: 3, palette }); // 3 is bird, 8 cat, 15 person, whom this checkpoint lacks
  assert.deepEqual(voc.values, { bird: 3, cat: 8 });
  assert.deepEqual(voc.labels, [0, 3, 8, 15, 255, 0]);
  await assert.rejects(read([[0, 3, 8], [15, 0, 0]], { type: 3 }), /value 8, but there are 3 classes/);
  await assert.rejects(read([[0, 0, 0], [0, 0, 0]], { type: 3 }), /no pixel of any class/);
  await assert.rejects(read([[255, 255, 255], [255, 255, 255]], { type: 0 }), /no pixel of any class/);
});

test('two values are a mask of the class chosen, unless they are classes', async () => {
  for (const [high, options] of [[255, { type: 0 }], [1, { type: 0, depth: 1 }], [1, { type: 3 }], [77, { type: 0 }], [255, { type: 3 }]]) {
    const found = await read([[0, high, 0], [high, 0, 0]], options, about(VOC_LIKE, 'cat'));
    assert.deepEqual([found.labels, found.values], [[0, 1, 0, 1, 0, 0], { cat: 1 }], String(high));
    assert.match(found.messages, /taken for cat/);
  }
  assert.deepEqual((await read([[0, 2, 0], [2, 0, 0]], { type: 0 })).values, { cat: 2 });
  assert.deepEqual((await read([[0, 1, 0], [1, 0, 0]], { type: 3, palette }, about(['aeroplane', 'cat'], 'cat'))).values, { aeroplane: 1 });
});

test('colours are those of VOC, or two', async () => {
  const row = (...labels) => labels.flatMap(vocColor);
  const voc = await read([row(0, 8, 12), row(255, 0, 0)], { type: 2 });
  assert.deepEqual([voc.labels, voc.values], [[0, 8, 12, 255, 0, 0], { cat: 8, dog: 12 }]);
  const dark = await read([[9, 9, 9, 250, 250, 0, 9, 9, 9], [9, 9, 9, 9, 9, 9, 9, 9, 9]], { type: 2 });
  assert.deepEqual([dark.labels, dark.values], [[0, 1, 0, 0, 0, 0], { bird: 1 }]);
  await assert.rejects(read([[1, 1, 1, 2, 2, 2, 3, 3, 3], [1, 1, 1, 1, 1, 1, 1, 1, 1]], { type: 2 }), /not those of PASCAL VOC/);
});

test('another size of the same shape is told, another shape refused, a large one made smaller', async () => {
  const rows = (h, w) => noise(h, w, 2);
  assert.match((await read(rows(20, 30), { type: 0 })).messages, /mask is 30 × 20 px, the image 3 × 2/);
  assert.match((await read(rows(200, 303), { type: 0 })).messages, /303 × 200/);
  await assert.rejects(read(rows(200, 310), { type: 0 }), /310 × 200 px, the image 3 × 2: give one of the same shape/);
  const wide = [0, 0, 0, 0].map(() => Array.from({ length: 2048 }, (_, j) => (j < 1024 ? 0 : 255)));
  const { h, w, labels } = await readMask(png(wide), { ...about(), source: [2, 1024] });
  assert.deepEqual([h, w], [2, 1024]);
  assert.deepEqual([labels[0], labels[511], labels[512], labels[1023]], [0, 0, 1, 1]);
});
