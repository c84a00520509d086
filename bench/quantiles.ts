export type Quantiles = Readonly<Record<"p50" | "p99" | "p99.9" | "max", number>>;

/** @param latencies milliseconds; they are sorted @returns microseconds */
export function quantiles(latencies: Float64Array): Quantiles {
  const sorted = latencies.sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]! * 1000;
  return { p50: at(0.5), p99: at(0.99), "p99.9": at(0.999), max: at(1) };
}
