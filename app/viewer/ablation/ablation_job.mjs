// The columns of an ablation: what the networks saw of one image at several sizes and modes. They are asked for one at
// a time, the next when the answer is there, so that others get their turn and to cancel is not to ask again.

/** Names a column among those of all images and checkpoints. `subject`: the image and checkpoint, as `subjectOf`.
 * @param {string} subject
 * @param {Crt.SizeMode} which
 */
export const keyOf = (subject, { size, mode }) => `${subject}/${size}/${mode}`;

/** The image and the checkpoint of a run.
 * @param {Crt.Run} run
 */
export const subjectOf = (run) => `${run.imageId}.${run.checkpoint.sha256}`;

/** @typedef {Crt.SizeMode & { key: string }} Wanted */
/** @typedef {Omit<Crt.AblationColumn, 'key'>} Column */

/** `ask({ key, size, mode })` sends one question; `changed()` is called whenever something is new. A column is
 *  { run, prediction }, { cannot: sentence } for what this checkpoint cannot do, or { error: sentence }, which is requested again.
 * @param {(wanted: Wanted) => void} ask
 * @param {() => void} changed
 */
export function createAblationJob(ask, changed) {
  /** @type {Map<string, Column>} */
  const columns = new Map();
  /** @type {Wanted[]} */
  let todo = []; // of the round under way, the first one under way
  let total = 0;
  let running = false;
  let version = 0;

  const settled = (/** @type {string} */ key) => columns.has(key) && !columns.get(key)?.error;
  function next() {
    running = todo.length > 0;
    if (running) ask(todo[0]);
  }
  function notify() {
    version++;
    changed();
  }

  return {
    get: (/** @type {string} */ key) => columns.get(key),
    /** Whether this column is the one under way. */
    waits: (/** @type {string} */ key) => running && todo[0].key === key,
    /** Those of the questions that have no answer yet, or failed. */
    missing: (/** @type {Wanted[]} */ questions) => questions.filter(({ key }) => !settled(key)),
    /** { running, done, total } of the newest round, and a number that changes with every change. */
    progress: () => ({ running, done: total - todo.length, total }),
    version: () => version,
    /** Ask for what is missing of these questions [{ key, size, mode }]. */
    start(/** @type {Wanted[]} */ questions) {
      todo = questions.filter(({ key }) => !settled(key));
      total = questions.length;
      next();
      notify();
    },
    /** Ask for nothing more. What is under way at the server still comes in. */
    stop() {
      running = false;
      notify();
    },
    /** Take an answer, also one that is no longer awaited. */
    take(/** @type {string} */ key, /** @type {Column} */ column) {
      if (column.error && settled(key)) return;
      columns.set(key, column);
      const awaited = running && todo[0].key === key;
      todo = todo.filter((one) => one.key !== key);
      if (awaited) next();
      notify();
    },
    /** Forget all, for another image or checkpoint. */
    clear() {
      columns.clear();
      todo = [];
      total = 0;
      running = false;
      notify();
    },
  };
}
