// A finger held on a map shows the image alone until it is lifted.

const HOLD_MS = 350; // ms
const SLACK_PX = 8; // px that a held finger may move

/** Call `show(true)` when a finger has been held on the stage, and `show(false)` when it is lifted.
 * @param {HTMLElement} stage
 * @param {(held: boolean) => void} show
 */
export function attachHold(stage, show) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {PointerEvent | null} */
  let finger = null;
  let held = false;

  function end() {
    clearTimeout(timer);
    finger = null;
    if (held) show(false);
    held = false;
  }
  stage.addEventListener('pointerdown', (event) => {
    end();
    if (event.pointerType !== 'touch' || !event.isPrimary) return; // a second finger zooms
    finger = event;
    timer = setTimeout(() => {
      held = true;
      show(true);
    }, HOLD_MS);
  });
  stage.addEventListener('pointermove', (event) => {
    if (finger && !held && Math.hypot(event.clientX - finger.clientX, event.clientY - finger.clientY) > SLACK_PX) end();
  });
  for (const name of ['pointerup', 'pointercancel', 'pointerleave']) stage.addEventListener(name, end);
  stage.addEventListener('contextmenu', (event) => finger && event.preventDefault());
}
