import type { Clock } from "../platform/clock.js";

/** Does `action` when `signal` is aborted, at once when it is already. Returns how to give up. */
export function onAbort(signal: AbortSignal | undefined, action: () => void): () => void {
  if (signal?.aborted) action();
  else signal?.addEventListener("abort", action, { once: true });
  return () => signal?.removeEventListener("abort", action);
}

/** As the method of the clock; rejects with the reason of `signal` when that is aborted. */
export async function delay(clock: Clock, milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return clock.delay(milliseconds);
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const end = (tell: () => void) => {
      cancel();
      forget();
      tell();
    };
    const cancel = clock.after(milliseconds, () => end(resolve), true);
    const forget = onAbort(signal, () => end(() => reject(signal.reason)));
  });
}
