// Answers of the server that depend on nothing but a run and the details of the request, kept while the page is open: what
// was computed once is shown again without the server, by scenes and in a file of its own (standalone/).

const LIMIT_BYTES = 256 * 2 ** 20;
const HEADER_BYTES = 2000; // bytes of an answer beside its arrays
const KEPT_EVENTS = ['ablate', 'load_heads', 'segment', 'walk', 'deeplab', 'explain'];

/** What all keys of an event about a run begin with. A column of an ablation names its own size and mode.
 * @param {string} event
 * @param {Crt.Run} run
 */
function prefixOf(event, { imageId, checkpoint, chosen }) {
  const at = event === 'ablate' ? [] : [chosen.size, chosen.mode];
  return JSON.stringify([event, imageId, checkpoint.sha256, ...at]).slice(0, -1);
}

/** Names an answer among those of all runs.
 * @param {string} event
 * @param {object} details of the request
 * @param {Crt.Run} run that it is about
 */
export const answerKey = (event, details, run) => `${prefixOf(event, run)},${JSON.stringify(details)}]`;

/** Names a run: its image, checkpoint, size and mode.
 * @param {Crt.Run} run
 */
export const runKey = ({ imageId, checkpoint, chosen }) => JSON.stringify(['run', imageId, checkpoint.sha256, chosen.size, chosen.mode]);

/** Answers by key; where they take more than `limit` bytes, those that were not used for longest go first.
 * @param {number} [limit]
 */
export function createAnswers(limit = LIMIT_BYTES) {
  /** @type {Map<string, Crt.Answer>} */
  const known = new Map(); // in the order of their use
  let size = 0;

  /** @param {string} key */
  function forget(key) {
    size -= known.has(key) ? sizeOf(known.get(key)) : 0;
    known.delete(key);
  }

  /** @param {string} key @param {Crt.Answer} answer */
  function put(key, answer) {
    forget(key);
    known.set(key, answer);
    size += sizeOf(answer);
    for (const oldest of [...known.keys()]) {
      if (size <= limit || oldest === key) return;
      forget(oldest);
    }
  }

  return {
    put,
    /** @param {string} key */
    get(key) {
      const found = known.get(key);
      if (found) {
        known.delete(key);
        known.set(key, found);
      }
      return found;
    },
    /** The keys of an event about a run.
     * @param {string} event
     * @param {Crt.Run} run
     */
    keysOf: (event, run) => [...known.keys()].filter((key) => key.startsWith(`${prefixOf(event, run)},`)),
    /** A request whose answer is taken from here where it is known, and kept where the server gives it.
     * @param {string} event
     * @param {object} details
     * @param {Crt.Run | null} run on the page
     * @param {() => Promise<Crt.Answer>} ask
     */
    async through(event, details, run, ask) {
      if (!run || !KEPT_EVENTS.includes(event)) return ask();
      const key = answerKey(event, details, run);
      const found = this.get(key);
      if (found) return found;
      const { id, request, ...answer } = await ask(); // those two belong to the request alone
      put(key, answer);
      return answer;
    },
  };
}

/** @param {Crt.Answer} answer */
const sizeOf = ({ bytes, labels }) => HEADER_BYTES + (bytes?.byteLength ?? 0) + (typeof labels === 'string' ? labels.length : 0);
