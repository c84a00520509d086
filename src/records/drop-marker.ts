/** The text of the record that stands for `count` dropped ones. */
export function dropMarker(count: number): string {
  return `[concurrent-log-handler] ${count.toLocaleString("en")} records dropped: they could not be written in time, and no more fitted into memory`;
}
