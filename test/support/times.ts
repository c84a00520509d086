/** "03:30:15" in seconds since midnight. */
export function secondsOfDay(time: string | null): number | undefined {
  if (time === null) return undefined;
  const [hours = 0, minutes = 0, seconds = 0] = time.split(":").map(Number);
  return hours * 3600 + minutes * 60 + seconds;
}
