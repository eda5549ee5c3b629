import assert from 'node:assert/strict';
import { test } from 'node:test';

import { mountOffline } from '../../app/viewer/core/offline.mjs';

function mounted(onLine) {
  const browser = Object.assign(new EventTarget(), { navigator: { onLine } });
  const banner = { hidden: false };
  mountOffline({ at: (role) => (role === 'offline' ? banner : null) }, browser);
  return { browser, banner, turn(on) {
    browser.navigator.onLine = on;
    browser.dispatchEvent(new Event(on ? 'online' : 'offline'));
  } };
}

test('the banner is there as long as there is no network', () => {
  const { banner, turn } = mounted(true);
  assert.equal(banner.hidden, true);
  for (const on of [false, true, false]) {
    turn(on);
    assert.equal(banner.hidden, on);
  }
});

test('a page that is opened without a network has it at once', () => {
  assert.equal(mounted(false).banner.hidden, false);
});
