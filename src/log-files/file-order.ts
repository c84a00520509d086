/* In which order files were made, as far as their times can tell. Pure: it sees times, and no files. */

/**
 * Times of files that were made in this order, as far as they can be believed: each is no earlier than the one before,
 * so that a file of 1970 among others is as old as its neighbour. A time that is yet to come is that of a wrong clock:
 * such a file is as old as the next one that tells its time, or else as the one before; -Infinity when none does.
 * @param times seconds since 1970, as they stand on the disk
 */
export function believedTimes(times: readonly number[], now: number): number[] {
  const believed: number[] = [];
  let latest = Number.NEGATIVE_INFINITY;
  for (const time of times) {
    if (time <= now) latest = Math.max(latest, time);
    believed.push(latest);
  }
  for (let i = times.length - 2; i >= 0; i--) if (times[i]! > now) believed[i] = believed[i + 1]!;
  return believed;
}

/**
 * All files of these sequences, each of which is in the order in which its files were made. That order stays; files of
 * two sequences are compared by what can be believed of their times, and where these are equal, those of the first
 * sequence come first.
 */
export function inOrder<File>(
  sequences: readonly (readonly File[])[],
  timeOf: (file: File) => number,
  now: number,
): File[] {
  const timed = sequences.flatMap((files) => {
    const times = believedTimes(files.map(timeOf), now);
    return files.map((file, i) => ({ file, time: times[i]! }));
  });
  // Stable; and no difference, since that of two infinite times is no number.
  return timed.sort((a, b) => (a.time === b.time ? 0 : a.time < b.time ? -1 : 1)).map(({ file }) => file);
}
