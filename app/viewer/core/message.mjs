// The message of the page: a notice, or a failure, which goes by itself when a later request succeeds.

/** @typedef {(label: string, click: () => void) => HTMLElement} MakeButton */

/** @param {{ replaceChildren(...nodes: (Node | string)[]): void, hidden: boolean }} node
 *  @param {MakeButton} makeButton
 */
export function createMessage(node, makeButton) {
  let failed = false; // whether a failure is shown

  /** Show a notice; an empty one takes it away.
   * @param {string} text
   * @param {() => void} [again] tries again what has failed
   */
  function show(text, again) {
    failed = false;
    node.replaceChildren(text, ...(again ? [' ', makeButton('Try again', again)] : []));
    node.hidden = !text;
  }

  return {
    show,
    /** Show why something has failed, with a button that tries it again.
     * @param {string} text
     * @param {() => void} [again]
     */
    fail(text, again) {
      show(text, again);
      failed = true;
    },
    /** A request has succeeded. */
    succeed() {
      if (failed) show('');
    },
  };
}
