// The run of a scene: as this browser keeps it, or as the server gives it for the scene's link.

import { runKey } from '../core/answers.mjs';
import { answerBytes } from '../core/download.mjs';
import { imageOf } from '../permalink/query.mjs';

/** @typedef {import('./scene_file.mjs').Kept} Kept */

/** The run of a link, beside the one on the page, null for none; '' leaves it to the server, which takes the checkpoint's first.
 * @param {Crt.Link} link
 * @param {Crt.Run | null} run
 * @returns {import('../permalink/permalink.mjs').Wanted}
 */
export function wantedOf({ image, checkpoint, size, mode }, run) {
  const same = (checkpoint ?? '') === run?.chosen.checkpoint;
  return { pic: image ?? (run ? imageOf(run) : ''), checkpoint: checkpoint ?? '', size: size ?? '', mode: mode ?? (same ? run.checkpoint.modes[0] : '') };
}

/** Whether a run is the one that is wanted.
 * @param {import('../permalink/permalink.mjs').Wanted} wanted
 * @param {Crt.Run} run
 */
export function isWanted({ pic, checkpoint, size, mode }, run) {
  const { chosen } = run;
  return pic === imageOf(run) && checkpoint === chosen.checkpoint && size === chosen.size && mode === chosen.mode;
}

/** A run as it is kept, and its key.
 * @param {Crt.View} view
 * @returns {[string, Kept]}
 */
export const keptRun = ({ run, bytes }) => [runKey(run), { ...run, bytes }];

/** The run of a link from the server, as it is kept. Throws RequestError.
 * @param {Crt.Page} page
 * @param {Crt.Link} link
 * @param {AbortSignal} signal
 * @returns {Promise<[string, Kept]>}
 */
export async function fetchedRun(page, link, signal) {
  const now = page.view();
  const wanted = wantedOf(link, now?.run ?? null);
  if (now && isWanted(wanted, now.run)) return keptRun(now);
  const { data, file, ...run } = await page.link.fetch(wanted, signal);
  return [runKey(run), { ...run, data: null, bytes: await answerBytes({ data, file }) }];
}
