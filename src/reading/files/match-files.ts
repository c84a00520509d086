import { isCompressedFormOf, type LogFile } from "../../log-files/list-files.js";
import { isSameContent } from "./snapshot.js";

/**
 * For each file of an earlier look, what it is now: the same file, or its compressed form; undefined when it is gone.
 * The order of files never changes: the oldest go, new ones come behind the newest, and a compressed form stands where
 * its original stood. So files are found by identity, and compressed forms by their places between those.
 */
export function whereabouts(before: readonly LogFile[], now: readonly LogFile[]): (LogFile | undefined)[] {
  const found: (LogFile | undefined)[] = before.map(() => undefined);
  const places = new Map(now.map((file, j) => [keyOf(file), j]));
  let left = -1;
  let leftNow = -1;
  for (let i = 0; i <= before.length; i++) {
    const file = before[i];
    const j = file === undefined ? now.length : places.get(keyOf(file));
    if (j === undefined || j <= leftNow) continue;
    if (file !== undefined && !isSameContent(file, now[j]!)) continue;
    const isLast = file === undefined;
    const run = { originals: before.slice(left + 1, i), candidates: now.slice(leftNow + 1, j) };
    const shift = shiftOf(run.originals, run.candidates, left === -1, isLast);
    for (const [k, original] of run.originals.entries()) {
      const candidate = run.candidates[k + shift];
      if (candidate !== undefined && isCompressedFormOf(candidate, original)) found[left + 1 + k] = candidate;
    }
    if (!isLast) found[i] = now[j];
    left = i;
    leftNow = j;
  }
  return found;
}

function keyOf({ status: { place } }: LogFile): string {
  return `${place.inode} ${place.major} ${place.minor}`;
}

/** By how many places the originals of a run stand before their compressed forms. */
function shiftOf(originals: readonly LogFile[], candidates: readonly LogFile[], isFirst: boolean, isLast: boolean) {
  const difference = candidates.length - originals.length;
  if (originals.length === 0 || candidates.length === 0) return 0;
  if (!isFirst && (isLast || difference === 0)) return 0; // new ones have come at the end
  if (!isLast) return difference; // old ones have gone at the start
  let best = 0;
  let most = -1;
  for (let shift = -originals.length + 1; shift < candidates.length; shift++) {
    const matching = originals.filter((original, k) => {
      const candidate = candidates[k + shift];
      return candidate !== undefined && isCompressedFormOf(candidate, original);
    }).length;
    if (matching > most) {
      most = matching;
      best = shift;
    }
  }
  return best;
}
