import { onExit, signals } from "signal-exit";
import { sharedState } from "../base/shared-state.js";

interface Unfinished {
  flushSync(): void;
}

/** Everybody who has records left, to be written when the process exits. */
const state = sharedState("exit-hooks", 1, () => ({ unfinished: new Set<Unfinished>(), isListening: false }));

const UNCAUGHT = ["error", "unhandledrejection"];

/** Until {@link forget}: `flushSync` is called when the process ends, by a signal that nobody listens for as well. */
export function flushAtExit(delivery: Unfinished): void {
  state.unfinished.add(delivery);
  if (state.isListening) return;
  state.isListening = true;
  const listeners = signals.map((signal) => process.listenerCount(signal));
  onExit(flushAll, { alwaysLast: true }); // what the application writes at its exit comes first
  for (const [i, signal] of signals.entries()) if (process.listenerCount(signal) > listeners[i]!) putLastFirst(signal);
  // Of a process that has nothing more to do, Bun tells signal-exit nothing.
  if ("bun" in process.versions) process.on("exit", flushAll);
  // Deno ends without "exit" when nobody catches an exception.
  if (!("deno" in process.versions)) return;
  for (const type of UNCAUGHT) (globalThis as unknown as EventTarget).addEventListener(type, flushAll);
}

/**
 * For the listener of signal-exit: one that the application has added by `once` is gone when it has been called, and who
 * looks afterwards whether somebody listens would end the process.
 */
function putLastFirst(signal: NodeJS.Signals): void {
  const last = process.listeners(signal).at(-1)!;
  process.removeListener(signal, last); // first, since Deno would remove both
  process.prependListener(signal, last);
}

/** One whose listener throws keeps no other from it. */
function flushAll(): void {
  const errors: unknown[] = [];
  for (const delivery of state.unfinished) {
    try {
      delivery.flushSync();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

export function forget(delivery: Unfinished): void {
  state.unfinished.delete(delivery);
}

interface Settling {
  /** Called when the process has nothing more to do: starts what it is to stay for, if anything is left. */
  settle(): void;
}

const settling = new Set<Settling>();

/** Until {@link endSettling}: lets `task` keep a process alive that would end by itself, to finish what its threads do. */
export function settleBeforeExit(task: Settling): void {
  if (settling.size === 0) process.on("beforeExit", settleAll);
  settling.add(task);
}

export function endSettling(task: Settling): void {
  if (settling.delete(task) && settling.size === 0) process.removeListener("beforeExit", settleAll);
}

function settleAll(): void {
  for (const task of settling) task.settle();
}
