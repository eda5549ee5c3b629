// The message of the page: a notice, which goes after some seconds, or a failure, which goes when later work of its kind
// succeeds; without either, the place of a request that waits. The user can close both.

export const NOTICE_MS = 12_000;

/** @typedef {(label: string, click: () => void) => HTMLElement} MakeButton an empty label for the one that closes */
/** @typedef {'request' | 'load' | 'run'} Kind of work */

/** @param {{ replaceChildren(...nodes: (Node | string)[]): void, hidden: boolean, ariaLive: string | null }} node
 *  @param {MakeButton} makeButton
 *  @param {(call: () => void, ms: number) => unknown} [later]
 */
export function createMessage(node, makeButton, later = (call, ms) => setTimeout(call, ms)) {
  /** @type {Kind | null} */
  let failed = null; // of the failure that is shown
  let failures = 0; // until now
  let place = ''; // of a request that waits
  let text = ''; // of the notice or failure
  let turn = 0; // of what is shown

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
    turn += 1;
    draw(...(again ? [' ', makeButton('Try again', again)] : []), ...(text ? [' ', makeButton('', () => show(''))] : []));
  }

  return {
    /** Show a notice; an empty one takes it away, and a failed request, but no load of a part, which is still not here.
     * @param {string} notice
     * @param {boolean} [stays] until there is another one
     */
    show(notice, stays = false) {
      if (notice || failed !== 'load') show(notice);
      const mine = turn;
      if (notice && !stays) later(() => mine === turn && show(''), NOTICE_MS);
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
