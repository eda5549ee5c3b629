import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FIELDS, NOT_LINKED } from '../../app/viewer/permalink/fields.mjs';
import * as l from '../../app/viewer/permalink/query.mjs';
import { INITIAL, TABS, adopt } from '../../app/viewer/core/store.mjs';

const HOSTILE = "${document.title='evil'}<img src=x onerror=\"document.title='evil'\">{{value}}";
const run = {
  classes: ['cat', 'dog', HOSTILE, 'a, b & c=d', 'été #1 %41+'], methods: ['crt'], maxLoops: 4,
  imageId: '0123456789abcdef'.repeat(4), example: null, chosen: { size: '336', mode: 'overlap' },
  checkpoint: { modes: ['overlap', 'non-overlap', 'bilinear'] },
};
const prediction = { depth: () => 12 };

/** Numbers from 0 to 1, the same in every run. */
function random(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A random state: what each field allows, so that fields which others add are tried too. Composite values by path. */
function anyState(next) {
  const pickOne = (list) => list[Math.floor(next() * list.length)];
  const sides = [
    { method: 'tscam' }, { method: 'crt', loops: 0 }, { method: 'crt', loops: 3, refined: false }, { method: 'crt', refined: true },
    ...run.classes.map((name) => ({ method: 'crt', class: name })), { method: 'tscam', refined: false, class: 'dog' },
  ];
  const composite = {
    blocks: [null, [0, 0], [2, 11]],
    'compare.a': sides,
    'compare.b': sides,
    added_panel: [
      null, { kind: 'attention', method: 'crt', pass: 1, block: 3, head: null }, { kind: 'attention', method: 'tscam', pass: null, block: 0, head: 2 },
      { kind: 'explainer', method: 'resnet', name: 'gradcam++' },
    ],
  };
  const state = structuredClone(INITIAL);
  for (const [path, { names, low, high, whole, none }] of FIELDS.values()) {
    const parts = path.split('.');
    const inner = parts.slice(0, -1).reduce((value, name) => value[name], state);
    const name = parts.at(-1);
    if (Object.hasOwn(composite, path)) inner[name] = pickOne(composite[path]);
    else if (none && next() < 0.3) inner[name] = null;
    else if (names) inner[name] = pickOne(names);
    else if (low !== undefined) {
      const value = low + next() * (Math.min(high, 1000) - low);
      inner[name] = whole ? Math.round(value) : Number(value.toPrecision(4));
    } else if (path === 'visible') for (const key of Object.keys(inner.visible)) inner.visible[key] = next() < 0.5;
    else if (typeof inner[name] === 'boolean') inner[name] = next() < 0.5;
    else assert.fail(`the test has no random value for ${path}`);
  }
  return state;
}

/** The paths of all values in a state that are no objects of fixed keys. */
function leaves(value, path = '') {
  if (!value || typeof value !== 'object' || Array.isArray(value) || ['visible', 'compare.a', 'compare.b'].includes(path)) return [path];
  return Object.entries(value).flatMap(([name, inner]) => leaves(inner, path ? `${path}.${name}` : name));
}

test('every key of INITIAL is linked, or has a reason not to be', () => {
  const paths = [...FIELDS.values()].map(([path]) => path);
  const linked = new Set(paths.map((path) => path.split('.')[0]));
  assert.equal(new Set(paths).size, paths.length);
  for (const [key, value] of Object.entries(INITIAL)) {
    if (Object.hasOwn(NOT_LINKED, key)) assert.ok(!linked.has(key), key);
    else for (const path of leaves(value, key)) assert.ok(paths.includes(path), `${path} is neither in FIELDS nor in NOT_LINKED`);
  }
  for (const reason of Object.values(NOT_LINKED)) assert.match(reason, /\w+ \w+/);
  for (const key of linked) assert.ok(Object.hasOwn(INITIAL, key), `${key} is not in INITIAL any more`);
});

test('what is as in the beginning is not written', () => {
  assert.equal(l.encode(INITIAL, null), 'v=1');
  assert.equal(l.encode({ ...INITIAL, classes: [1] }, run), `v=1&pic=sha.${run.imageId.slice(0, 32)}&s=336&c=dog`);
});

test('every state comes back from its link, and the link from the state', () => {
  const next = random(7);
  const lengths = [];
  for (let i = 0; i < 500; i++) {
    const state = { ...anyState(next), classes: [...new Set([Math.floor(next() * 5), Math.floor(next() * 5)])] };
    const query = l.encode(state, run);
    const back = l.decode(query, run.classes);
    assert.deepEqual(back.problems, [], query);
    const { drawing, drawn, ...linked } = state;
    assert.deepEqual({ ...back.settings }, linked);
    assert.equal(l.encode(back.settings, run), query);
    assert.equal(new URL(`http://host/?${query}`).search, `?${query}`); // an address changes nothing in it
    lengths.push(query.length);
  }
  assert.ok(Math.max(...lengths) < 1500, `${Math.max(...lengths)}`);
});

test('a link that names no passes means their sum, whatever the checkpoint starts from', () => {
  assert.equal(l.decode('v=1&pic=ex.cat&l=3').settings.pass_reduction, 'sum'); // as it was written before there was a choice
  assert.ok(!l.encode({ ...INITIAL, pass_reduction: 'sum' }, run).includes('cb='));
  assert.ok(l.encode({ ...INITIAL, pass_reduction: 'first' }, run).endsWith('&cb=first'));
  const state = { ...INITIAL, ...adopt(INITIAL, { ...run, scores: { crt: [[1, 0, 0, 0, 0]] }, defaults: { loops: 3, pass_reduction: 'first' } }, null) };
  assert.equal(state.pass_reduction, 'first');
  assert.equal(l.decode('v=1&pic=ex.cat&cb=evened').settings.pass_reduction, 'tile_normalized'); // its former name
  assert.equal(l.decode(l.encode(state, run)).settings.pass_reduction, 'first');
  const opened = { ...state, ...l.fit(l.decode('v=1&l=3'), { run, prediction }, state).settings };
  assert.equal(opened.pass_reduction, 'sum');
});

test('a usual link is short, the longest is bounded', () => {
  const usual = { ...INITIAL, classes: [0], loops: 2, refined: false, threshold: 0.3, zoom: { k: 2.5, x: 0.31, y: 0.62 } };
  assert.ok(l.encode(usual, run).length < 150);
  const many = { ...run, classes: [...run.classes, ...Array.from({ length: 1000 }, (_, i) => `class number ${i}`)] };
  const state = { ...anyState(random(3)), classes: many.classes.map((_, i) => i) };
  const query = l.encode(state, many);
  assert.ok(query.length < 1500);
  const longest = '“'.repeat(22); // as long in an address as a side's class may be
  const sided = { ...state, compare: { ...state.compare, view: 'difference', a: { method: 'crt_cnn', loops: 9, refined: true, class: longest }, b: { method: 'crt_cnn', class: longest } } };
  assert.ok(l.encode(sided, many).length < 1500);
  assert.equal(l.decode(l.encode(sided, many)).settings.compare.b.class, longest);
  assert.equal(l.decode(l.encode({ ...sided, compare: { ...sided.compare, b: { method: 'crt', class: `${longest}“` } } }, many)).settings.compare.b.class, undefined);
  assert.deepEqual(l.decode(query, many.classes).problems, []);
});

test('image, size and mode', () => {
  const other = { ...run, example: 'voc-2007_000032', chosen: { size: 'native', mode: 'bilinear' } };
  const back = l.decode(l.encode(INITIAL, other));
  assert.deepEqual([back.image, back.size, back.mode], ['ex.voc-2007_000032', 'native', 'bilinear']);
  const learned = { ...run, chosen: { size: '336', mode: 'deconvolution' }, checkpoint: { modes: ['deconvolution', 'overlap'] } };
  assert.equal(l.decode(l.encode(INITIAL, learned)).mode, null); // the checkpoint's first
  assert.equal(l.decode(l.encode(INITIAL, { ...learned, chosen: run.chosen })).mode, 'overlap');
  assert.equal(l.decode('v=1&pic=ex.cat').size, null);
  for (const bad of ['pic=ex.', 'pic=../x', 'pic=sha.12', `pic=sha.${'g'.repeat(32)}`, 's=1000', 's=336.0', 'm=upsidedown', 'm=__proto__']) {
    const found = l.decode(`v=1&${bad}`);
    assert.equal(found.problems.length, 1, bad);
    assert.deepEqual([found.image, found.size, found.mode], [null, null, null]);
  }
});

test('nonsense is left out and said in one sentence', () => {
  const bad = [
    'l=10', 'l=-1', 'l=1.5', 'l=NaN', 'l=Infinity', 'l=1e3', 'l=', 'l', 'th=2', 'th=-0.1', 'th=nan', 'th=1e999', 'th=0x1', 'r=yes', 'r=2',
    'b=3.1', 'b=3', 'b=1.2.3', 'b=a.b', 'cm=__proto__', 'cm=<script>', 't=constructor', 'p=crt.crt', 'p=evil', 'x=attention', 'x=evil.crt.1.1.1',
    'wa=', 'wa=input', 'wa=crt.1.1.1', 'zk=0', 'zk=1e9', 'ac=-1', 'ac=0', '__proto=1&constructor=2', 'toString=1', 'hasOwnProperty=x',
    'foo=bar', '%3Cimg%3E=1', 'l=1&l=2', 'l=%', 'l=%E0%A4%A', `l=${'9'.repeat(500)}`,
  ];
  for (const part of bad) {
    const found = l.decode(`v=1&${part}`, run.classes);
    const whole = structuredClone(INITIAL);
    for (const key of Object.keys(NOT_LINKED)) delete whole[key];
    assert.deepEqual(found.settings, whole, part);
    assert.equal(found.problems.length, 1, `${part}: ${found.problems}`);
    const text = l.problemMessage(found.problems);
    assert.ok(text.startsWith('Parts of this link were left out: ') && text.endsWith('.') && text.length < 250, text);
  }
  assert.equal({}.evil, undefined);
  assert.equal(l.problemMessage([]), '');
});

test('random bytes never throw and never change the kind of a setting', () => {
  const next = random(11);
  const keys = [...FIELDS.keys(), 'v', 'c', 'pic', 's', 'm', 'zz'];
  const letters = '0123456789-.,%=<>&{}$\'"eE+_ aN∞';
  for (let i = 0; i < 3000; i++) {
    const parts = Array.from({ length: 1 + Math.floor(next() * 5) }, () => {
      const text = Array.from({ length: Math.floor(next() * 8) }, () => letters[Math.floor(next() * letters.length)]).join('');
      return `${keys[Math.floor(next() * keys.length)]}=${text}`;
    });
    const found = l.decode(`v=1&${parts.join('&')}`, run.classes);
    for (const value of Object.values(found.settings.zoom)) assert.ok(Number.isFinite(value));
    assert.ok(Number.isInteger(found.settings.loops));
    assert.equal(typeof found.settings.refined, 'boolean');
    assert.ok(TABS.includes(found.settings.tab));
    assert.ok((found.settings.classes ?? []).every((index) => index >= 0 && index < run.classes.length));
    l.encode({ ...found.settings, classes: [] }, run);
  }
});

test('the class of a side travels by name after its settings', () => {
  const compare = { ...INITIAL.compare, view: 'swipe', a: { method: 'crt', loops: 2, refined: true, class: 'a.b~c-' }, b: { method: 'crt', class: '-' } };
  const query = l.encode({ ...INITIAL, compare }, null);
  assert.match(query, /&wa=crt\.2\.1~a\.b~c-&wb=crt~-$/);
  assert.deepEqual(l.decode(query).settings.compare, compare);
  for (const bad of ['wa=crt~', 'wa=~dog', 'wa=crt.1.1.1~dog', `wa=crt~${'a'.repeat(201)}`]) assert.equal(l.decode(`v=1&${bad}`).problems.length, 1, bad);
});

test('a class of a side that the checkpoint lacks is left out and said once', () => {
  const link = l.decode('v=1&c=dog,unicorn&w=difference&wa=crt.2~unicorn&wb=crt~dog');
  assert.deepEqual(link.problems, []); // not known before the run is here
  const { settings, problems } = l.fit(link, { run, prediction }, INITIAL);
  assert.deepEqual([settings.compare.a, settings.compare.b], [{ method: 'crt', loops: 2 }, { method: 'crt', class: 'dog' }]);
  assert.deepEqual(problems, ['this checkpoint has no class “unicorn”']);
});

test('earlier links to two sides open as they were', () => {
  const { settings, problems } = l.decode('v=1&w=swipe&wa=crt.2.1&wb=tscam.-.0', run.classes);
  assert.deepEqual([settings.compare.a, settings.compare.b, problems], [{ method: 'crt', loops: 2, refined: true }, { method: 'tscam', refined: false }, []]);
});

test('another version, no version, no link at all', () => {
  for (const query of ['v=2&l=1', 'l=1', 'v=&l=1', 'v=1&v=1&l=1']) {
    const found = l.decode(query);
    assert.equal(found.linked, false, query);
    assert.ok(found.problems.length >= 1, query);
    assert.equal(found.settings.loops, INITIAL.loops);
  }
  for (const query of ['', '?', '?__theme=dark', '?utm_source=x&view=api', '?foo=1']) {
    assert.deepEqual(l.decode(query).problems, [], query);
    assert.equal(l.decode(query).linked, false);
  }
});

test('classes travel by name; a name that is not known is said, and a comma may have been escaped on the way', () => {
  const link = l.decode(`v=1&c=dog,${encodeURIComponent('a, b & c=d')},unicorn`);
  assert.deepEqual(link.names, ['dog', 'a, b & c=d', 'unicorn']);
  const { settings, problems } = l.fit(link, { run, prediction }, { absolute: { cam: 1, product: 2 } });
  assert.deepEqual(settings.classes, [1, 3]);
  assert.deepEqual(problems, ['this checkpoint has no class “unicorn”']);
  assert.deepEqual(l.decode('v=1&c=cat%2Cdog', run.classes).settings.classes, [0, 1]);
  assert.equal('classes' in l.fit(l.decode('v=1&c=unicorn'), { run, prediction }, { absolute: {} }).settings, false);
});

test('an earlier link to a difference opens with shares; raw values are asked for', () => {
  const earlier = l.decode('v=1&w=difference&wa=crt.2.1&wb=crt.0');
  assert.deepEqual([earlier.linked, earlier.problems, earlier.settings.compare.unit], [true, [], 'share']);
  const raw = { ...INITIAL, compare: { ...INITIAL.compare, view: 'difference', unit: 'raw' } };
  assert.match(l.encode(raw, null), /&wu=raw$/);
  assert.equal(l.decode(l.encode(raw, null)).settings.compare.unit, 'raw');
  assert.equal(l.decode('v=1&wu=pixels').problems.length, 1);
});

test('a link fits the run it meets', () => {
  const link = l.decode('v=1&l=9&b=3.60&ac=5');
  const { settings } = l.fit(link, { run, prediction }, { absolute: { cam: 1, product: 2 } });
  assert.equal(settings.loops, 4);
  assert.deepEqual(settings.blocks, [3, 11]);
  assert.deepEqual(settings.absolute, { cam: 5, product: 2 });
});

test('what others put into the address stays there', () => {
  assert.equal(l.address('?__theme=dark&v=1&l=2&utm_source=a&pic=ex.cat', 'v=1'), '?__theme=dark&utm_source=a&v=1');
  assert.equal(l.address('', 'v=1&l=2'), '?v=1&l=2');
});
