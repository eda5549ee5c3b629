import assert from 'node:assert/strict';
import { test } from 'node:test';

import { windowGrid } from '../../app/viewer/explore/draw.mjs';
import * as z from '../../app/viewer/explore/zoom.mjs';

const near = (a, b, tolerance = 1e-9) => assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b}`);
const ZOOMS = [{ k: 1, x: 0.5, y: 0.5 }, { k: 2, x: 0.25, y: 0.75 }, { k: 3.7, x: 0.6, y: 0.2 }, { k: 16, x: 0.04, y: 0.96 }];

test('the window never leaves the image', () => {
  for (const wild of [{ k: 0.1, x: 9, y: -9 }, { k: 99, x: 0, y: 1 }, { k: NaN, x: NaN, y: 0.5 }, { k: 2, x: 0.1, y: 0.9 }]) {
    const { left, top, size } = z.windowOf(wild);
    assert.ok(left >= 0 && top >= 0 && left + size <= 1 + 1e-12 && top + size <= 1 + 1e-12);
  }
  assert.deepEqual(z.tidy({ k: 1, x: 0.1, y: 0.9 }), { k: 1, x: 0.5, y: 0.5 });
});

test('a point goes to the screen and comes back', () => {
  for (const zoom of ZOOMS) {
    for (const point of [{ x: 0, y: 0 }, { x: 0.3, y: 0.8 }, { x: 1, y: 1 }]) {
      const back = z.fromScreen(z.toScreen(point, zoom), zoom);
      near(back.x, point.x);
      near(back.y, point.y);
    }
    near(z.toScreen({ x: zoom.x, y: zoom.y }, zoom).x, 0.5);
  }
});

test('a pointer is found on the image, whatever the size and position of the canvas', () => {
  const canvas = { getBoundingClientRect: () => ({ left: 100, top: 50, width: 200, height: 100 }) };
  const point = z.pointOf(canvas, { clientX: 150, clientY: 100 }, { k: 2, x: 0.5, y: 0.5 });
  assert.deepEqual(point, { x: 0.375, y: 0.5 });
  assert.deepEqual(z.pointOf(canvas, { clientX: 150, clientY: 125 }, { k: 1, x: 0.5, y: 0.5 }), { x: 0.25, y: 0.75 });
  assert.ok(z.pointOf(canvas, { clientX: 90, clientY: 60 }, ZOOMS[0]).x < 0);
});

test('what is magnified at a point stays under it', () => {
  const point = { x: 0.4, y: 0.55 };
  for (const factor of [1.5, 3, 0.8]) {
    const before = { k: 3, x: 0.45, y: 0.5 };
    const [from, to] = [z.toScreen(point, before), z.toScreen(point, z.zoomAt(before, point, factor))];
    near(from.x, to.x, 1e-9);
    near(from.y, to.y, 1e-9);
  }
  assert.deepEqual(z.zoomAt({ k: 2, x: 0.3, y: 0.3 }, point, 1e-3), { k: 1, x: 0.5, y: 0.5 });
  assert.equal(z.zoomAt({ k: 2, x: 0.3, y: 0.3 }, point, 1e6).k, z.MAX_ZOOM);
});

test('the image follows the pointer that drags it', () => {
  const zoom = { k: 4, x: 0.5, y: 0.5 };
  const moved = z.panBy(zoom, 0.25, -0.1);
  const point = z.fromScreen({ x: 0.3, y: 0.6 }, zoom);
  const now = z.toScreen(point, moved);
  near(now.x, 0.55);
  near(now.y, 0.5);
  assert.deepEqual(z.panBy({ k: 1, x: 0.5, y: 0.5 }, 0.4, 0.4), { k: 1, x: 0.5, y: 0.5 });
});

test('two fingers magnify and move: what was between them is between them', () => {
  const zoom = { k: 2, x: 0.5, y: 0.5 };
  const before = [{ x: 0.4, y: 0.5 }, { x: 0.6, y: 0.5 }];
  const now = [{ x: 0.35, y: 0.45 }, { x: 0.65, y: 0.45 }];
  const next = z.pinch(zoom, before, now);
  near(next.k, 3);
  const point = z.fromScreen({ x: 0.5, y: 0.5 }, zoom);
  near(z.toScreen(point, next).y, 0.45);
  assert.equal(z.pinch(zoom, before, before).k, 2);
});

test('keys: + - 0 and arrows with Shift, and nothing of the browser', () => {
  const zoom = { k: 2, x: 0.5, y: 0.5 };
  const point = { x: 0.5, y: 0.5 };
  near(z.keyZoom(zoom, { key: '+' }, point).k, 3);
  near(z.keyZoom(zoom, { key: '-' }, point).k, 2 / 1.5);
  assert.equal(z.keyZoom(zoom, { key: '0' }, point).k, 1);
  assert.ok(z.keyZoom(zoom, { key: 'ArrowRight', shiftKey: true }, point).x > 0.5);
  assert.ok(z.keyZoom(zoom, { key: 'ArrowUp', shiftKey: true }, point).y < 0.5);
  for (const event of [{ key: 'ArrowRight' }, { key: '+', ctrlKey: true }, { key: 'a' }, { key: '0', metaKey: true }]) {
    assert.equal(z.keyZoom(zoom, event, point), null);
  }
});

test('a wheel magnifies a little at a time, lines and pages too', () => {
  for (const event of [{ deltaY: -100 }, { deltaY: -3, deltaMode: 1 }, { deltaY: -1, deltaMode: 2 }, { deltaY: -4, ctrlKey: true }]) {
    const factor = z.wheelFactor(event);
    assert.ok(factor > 1 && factor < 1.4, `${factor}`);
    near(factor * z.wheelFactor({ ...event, deltaY: -event.deltaY }), 1);
  }
});

test('the grid of a window covers it, with margins only inside the image', () => {
  for (const zoom of ZOOMS) {
    const { left, top, size } = z.windowOf(zoom);
    const grid = windowGrid(zoom, 640, 480);
    assert.ok(grid.left <= left + 1e-9 && grid.right >= left + size - 1e-9 && grid.top <= top + 1e-9 && grid.bottom >= top + size - 1e-9);
    assert.ok(grid.left >= -1e-9 && grid.right <= 1 + 1e-9 && grid.top >= -1e-9 && grid.bottom <= 1 + 1e-9);
    near((grid.right - grid.left) / grid.w, size / 320); // as many points a window, however small
    near((grid.bottom - grid.top) / grid.h, size / 240);
  }
  assert.equal(windowGrid(ZOOMS[0], 640, 480).w, 320);
  assert.ok(windowGrid(ZOOMS[2], 640, 480).w > 320);
});
