/* The names of periods: as much of a wall time as tells one from the next, "2024-05", "2024-05-17" or "2024-05-17_10-20-30". */

/** The form of a stamp, for a regular expression. */
export const ANY_STAMP = "\\d{4}-\\d\\d(?:-\\d\\d(?:_\\d\\d(?:-\\d\\d(?:-\\d\\d)?)?)?)?";

const WHOLE_STAMP = /^(\d{4})-(\d\d)(?:-(\d\d)(?:_(\d\d)(?:-(\d\d)(?:-(\d\d))?)?)?)?$/;

/**
 * @param wall its UTC fields are those of the wall
 * @param length of the stamp
 */
export function stampOf(wall: Date, length: number): string {
  return wall.toISOString().slice(0, length).replace("T", "_").replaceAll(":", "-");
}

/** The wall time that a stamp names, in seconds; undefined for what is none, such as "2024-02-30". */
export function wallTimeOf(stamp: string): number | undefined {
  const [, ...parts] = WHOLE_STAMP.exec(stamp) ?? [];
  if (parts.length === 0) return undefined;
  const [year, month, day = 1, hour = 0, minute = 0, second = 0] = parts.filter(Boolean).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year!, month! - 1, day);
  date.setUTCHours(hour!, minute, second);
  return stampOf(date, stamp.length) === stamp ? date.getTime() / 1000 : undefined;
}
