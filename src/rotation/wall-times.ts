/** Wall times at which a log is rotated, in seconds. Pure arithmetic on a clock without a zone. */
export interface WallTimes {
  /** The first one behind `wall`. */
  after(wall: number): number;
  /** The last one before `wall`. */
  before(wall: number): number;
}

const HOUR = 3600;

export const HOURLY: WallTimes = {
  after: (wall) => (Math.floor(wall / HOUR) + 1) * HOUR,
  before: (wall) => (Math.ceil(wall / HOUR) - 1) * HOUR,
};

/** The first of each month. @param atTime seconds since midnight */
export function monthly(atTime: number): WallTimes {
  const inMonth = (wall: number, months: number) => firstOfMonth(wall, months) + atTime;
  return {
    after: (wall) => [0, 1].map((months) => inMonth(wall, months)).find((time) => time > wall)!,
    before: (wall) => [0, -1].map((months) => inMonth(wall, months)).find((time) => time < wall)!,
  };
}

/** Of the month in which `wall` is, or of one so many months later. */
export function firstOfMonth(wall: number, months = 0): number {
  const date = new Date(wall * 1000);
  date.setUTCMonth(date.getUTCMonth() + months, 1);
  return date.setUTCHours(0, 0, 0, 0) / 1000;
}
