// The message of the page: a notice, or a failure, which goes when later work of its kind succeeds; without either, the
// place of a request that waits.

/** @typedef {(label: string, click: () => void) => HTMLElement} MakeButton */
/** @typedef {'request' | 'load' | 'run'} Kind of work */

/** @param {{ replaceChildren(...nodes: (Node | string)[]): void, hidden: boolean, ariaLive: string | null }} node
 *  @param {MakeButton} makeButton
 */
export function createMessage(node, makeButton) {
  /** @type {Kind | null} */
  let failed = null; // of the failure that is shown
  let failures = 0; // until now
  let place = ''; // of a request that waits
  let text = ''; // of the notice or failure

  /** @param {(Node | string)[]} further */
  function draw(...further) {
    node.ariaLive = text || !place ? null : 'off'; // the seconds change all the time
    node.replaceChildren(text || place, ...further);
    node.hidden = !text && !place;
  }

  /** @param {string} notice
   * @param {() => void} [again] tries again what has failed
   */
  function show(notice, again) {
    failed = null;
    text = notice;
    draw(...(again ? [' ', makeButton('Try again', again)] : []));
  }

  return {
    /** Show a notice; an empty one takes it away, and a failed request, but no load of a part, which is still not here.
     * @param {string} notice
     */
    show(notice) {
      if (notice || failed !== 'load') show(notice);
    },
    /** Show why something has failed, with a button that tries it again.
     * @param {string} reason
     * @param {() => void} [again]
     * @param {Kind} [kind]
     */
    fail(reason, again, kind = 'request') {
      show(reason, again);
      failed = kind;
      failures += 1;
    },
    /** A request waits for others on the server; an empty sentence for none.
     * @param {string} sentence
     */
    wait(sentence) {
      place = sentence;
      if (!text) draw();
    },
    /** Work begins: what it gives is to be called when it has succeeded.
     * @param {Kind} [kind]
     */
    begin(kind = 'request') {
      const before = failures;
      return () => {
        if (failed === kind && failures === before) show('');
      };
    },
  };
}
