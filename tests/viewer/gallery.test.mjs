import assert from 'node:assert/strict';
import test from 'node:test';

import { aboutWords, cardText, countText } from '../../app/viewer/gallery/gallery.mjs';
import { linksAround, sideOfKey } from '../../app/viewer/gallery/neighbours.mjs';
import { ALL, PAGE_SIZE, SORTS, byName, classCounts, decodeFilter, encodeFilter, encodePlace, filterAt, meanIou, neighboursOf, pageOf, placeOf, select } from '../../app/viewer/gallery/selection.mjs';

const CLASSES = ['dog', 'cat', 'a & b=c'];
const entry = (name, ...classes) => ({ id: name, name, width: 4, height: 3, masked: classes.some(([, , iou]) => iou !== null), classes });
const IMAGES = byName([
  entry('street/img10.jpg', [0, 0.9, 0.5], [1, 0.7, null]),
  entry('street/img2.jpg', [1, 0.8, null]),
  entry('Garden/CAFÉ.jpg', [1, 0.4, 0.25], [0, 0.1, 0.75]),
  entry('garden/last.jpg', [2, 0.6, null]),
]);
const listed = (changes) => select(IMAGES, { ...ALL, ...changes });
const names = (changes) => listed(changes).map((one) => one.entry.name);

test('images are in the order of their names, numbers in them by value', () => {
  assert.deepEqual(names({}), ['Garden/CAFÉ.jpg', 'garden/last.jpg', 'street/img2.jpg', 'street/img10.jpg']);
});

test('a file name has every word of the text, without regard to capitals and Unicode forms', () => {
  assert.deepEqual(names({ text: 'IMG street' }), ['street/img2.jpg', 'street/img10.jpg']);
  assert.deepEqual(names({ text: 'cafe\u0301' }), ['Garden/CAFÉ.jpg']);
  assert.deepEqual(names({ text: ' .jpg  garden' }), ['Garden/CAFÉ.jpg', 'garden/last.jpg']);
  assert.deepEqual(names({ text: 'street garden' }), []);
  assert.deepEqual(names({ text: '.*' }), []);
});

test('with a class, images that have it are listed with its score and IoU, else with their highest score', () => {
  assert.deepEqual(listed({ class_id: 0 }).map(({ entry: { name }, shown }) => [name, shown]), [['Garden/CAFÉ.jpg', [0, 0.1, 0.75]], ['street/img10.jpg', [0, 0.9, 0.5]]]);
  assert.deepEqual(listed({ class_id: null }).map(({ shown: [index] }) => index), [1, 2, 1, 0]);
});

test('the score of the class that is listed lies between both ends, themselves included', () => {
  assert.deepEqual(names({ low: 0.6, high: 0.8 }), ['garden/last.jpg', 'street/img2.jpg']);
  assert.deepEqual(names({ class_id: 0, low: 0.2 }), ['street/img10.jpg']);
  assert.deepEqual(names({ low: 0.9, high: 0.1 }), []);
});

test('sorting by score or IoU: equal ones by name, those without IoU last in both orders', () => {
  assert.deepEqual(names({ sort: 'score-high' }), ['street/img10.jpg', 'street/img2.jpg', 'garden/last.jpg', 'Garden/CAFÉ.jpg']);
  assert.deepEqual(names({ sort: 'score-low' }), names({ sort: 'score-high' }).reverse());
  assert.deepEqual(names({ sort: 'iou-high' }), ['street/img10.jpg', 'Garden/CAFÉ.jpg', 'garden/last.jpg', 'street/img2.jpg']);
  assert.deepEqual(names({ sort: 'iou-low' }), ['Garden/CAFÉ.jpg', 'street/img10.jpg', 'garden/last.jpg', 'street/img2.jpg']);
  assert.deepEqual(IMAGES.map(({ name }) => name), names({}), 'the index itself keeps its order');
});

test('classes are counted over all images, by name', () => {
  assert.deepEqual(classCounts(IMAGES, CLASSES), [[2, 1], [1, 3], [0, 2]]);
});

test('the mean IoU is that of the images that have one', () => {
  assert.deepEqual(meanIou(listed({})), { mean: 0.375, count: 2 });
  assert.equal(meanIou(listed({ class_id: 2 })), null);
  assert.equal(countText(listed({}), 4), '4 images, mean IoU 38 % (2 images)');
  assert.equal(countText(listed({ class_id: 2 }), 4), '1 of 4 images');
});

test('thousands of images take pages, and a page beyond the last is the last', () => {
  const many = select(Array.from({ length: 2 * PAGE_SIZE + 1 }, (_, i) => entry(`${i}.jpg`, [0, 0.5, null])), ALL);
  assert.deepEqual([1, 2, 3, 9, 0].map((page) => pageOf(many, page)).map(({ page, pages, images }) => [page, pages, images.length]), [
    [1, 3, PAGE_SIZE], [2, 3, PAGE_SIZE], [3, 3, 1], [3, 3, 1], [1, 3, PAGE_SIZE],
  ]);
  assert.deepEqual(pageOf([], 1), { page: 1, pages: 1, images: [] });
});

test('a filter comes back from an address, and what cannot be read is as at first', () => {
  const filter = { text: 'a&b #1 é', class_id: 2, low: 0.125, high: 0.5, sort: 'iou-low', page: 3 };
  assert.deepEqual(decodeFilter(`#${encodeFilter(filter, CLASSES)}`, CLASSES), filter);
  assert.equal(encodeFilter(ALL, CLASSES), '');
  for (const hash of ['', '#', '#all', '#class=horse&min=-1&max=x&sort=toString&page=0', '#min=&max=1e9&page=1.5']) {
    assert.deepEqual(decodeFilter(hash, CLASSES), ALL, hash);
  }
  for (const sort of Object.keys(SORTS)) assert.equal(decodeFilter(`#sort=${sort}`, CLASSES).sort, sort);
});

test('a card has the class, its score, and its IoU only where the image has a mask', () => {
  assert.deepEqual(listed({}).map((one) => cardText(one, CLASSES)), ['cat 40 % · IoU 25 %', 'a & b=c 60 %', 'cat 80 %', 'dog 90 % · IoU 50 %']);
  assert.equal(cardText(listed({ class_id: 1 })[2], CLASSES), 'cat 70 % · not in the mask');
});

test('IoU is explained where there are masks', () => {
  const index = { title: '', checkpoint: 'voc', threshold: 0.15, classes: CLASSES, masks: true, images: IMAGES, failed: [] };
  assert.match(aboutWords(index), /^4 images, checkpoint voc\. .*threshold of 15 %/);
  assert.doesNotMatch(aboutWords({ ...index, masks: false }), /IoU/);
});

test('the images around one are those of the list, in its order', () => {
  const around = (changes, id) => {
    const found = neighboursOf(listed(changes), id);
    return found && [found.index, found.previous?.name ?? null, found.next?.name ?? null];
  };
  assert.deepEqual(around({}, 'street/img2.jpg'), [2, 'garden/last.jpg', 'street/img10.jpg']);
  assert.deepEqual(around({ sort: 'score-low' }, 'street/img2.jpg'), [2, 'garden/last.jpg', 'street/img10.jpg']);
  assert.deepEqual(around({ sort: 'score-high', text: 'street' }, 'street/img2.jpg'), [1, 'street/img10.jpg', null]);
  assert.equal(around({ class_id: 2 }, 'street/img2.jpg'), null);
});

test('links lead to the images around, with the filter, and back to the page of the list that has the image', () => {
  const images = Array.from({ length: 2 * PAGE_SIZE + 1 }, (_, i) => ({ ...entry(`${i}.jpg`, [0, 0.5, null]), id: `i-${i}` }));
  const index = { classes: CLASSES, images };
  assert.deepEqual(linksAround(index, 'i-59', '#class=dog'), {
    list: '../index.html#class=dog&at=i-59', previous: 'i-58.html#class=dog', next: 'i-60.html#class=dog&page=2', position: '60 of 121',
  });
  assert.deepEqual(linksAround(index, 'i-0', ''), { list: '../index.html#at=i-0', previous: null, next: 'i-1.html', position: '1 of 121' });
  assert.equal(linksAround(index, 'i-120', '#page=1').list, '../index.html#page=3&at=i-120');
  assert.deepEqual(linksAround(index, 'gone', '#q=1'), { list: '../index.html#q=1&at=gone', previous: null, next: null, position: '' });
});

test('a place in a list comes back from an address, beside the filter', () => {
  const filter = { ...ALL, text: 'a&at=b', page: 2 };
  const hash = `#${encodePlace(filter, CLASSES, 'cat-1')}`;
  assert.deepEqual([placeOf(hash), decodeFilter(hash, CLASSES)], ['cat-1', filter]);
  assert.deepEqual([placeOf(''), placeOf('#all'), placeOf(`#${encodePlace(ALL, CLASSES, 'x')}`)], ['', '', 'x']);
  assert.deepEqual([0, PAGE_SIZE - 1, PAGE_SIZE].map((index) => filterAt(ALL, index).page), [1, 1, 2]);
});

test('the arrow keys to the sides are ours where nothing else takes them', () => {
  const press = (key, more = {}) => sideOfKey({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, defaultPrevented: false, ...more });
  assert.deepEqual([press('ArrowLeft'), press('ArrowRight'), press('ArrowUp'), press('toString')], ['previous', 'next', null, null]);
  for (const other of ['ctrlKey', 'metaKey', 'altKey', 'shiftKey', 'defaultPrevented']) assert.equal(press('ArrowLeft', { [other]: true }), null, other);
});
