// The map from a file that a scene shows.

import { fileOf, savedKey, toSave } from '../explore/file_cams.mjs';
import { addedClasses } from '../explore/shown_maps.mjs';

/** The key and the maps of the file that is on the screen; null where there is none, or none with a class of the checkpoint. The file has the
 *  key from then on, so that the scene shows the same file again.
 * @param {Crt.State} state
 * @param {Crt.Run} run
 * @returns {[string, import('../explore/file_cams.mjs').SavedFile] | null}
 */
export function shownFile(state, run) {
  const { added_panel } = state;
  if (state.tab !== 'explore' || added_panel?.kind !== 'file' || !addedClasses(state, run).length) return null;
  const file = fileOf(run.imageId, added_panel.id);
  const saved = file && toSave(file, run.classes);
  if (!file || !saved) return null;
  file.source = savedKey(run.imageId, saved);
  return [file.source, saved];
}
