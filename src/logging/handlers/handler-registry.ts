import { inspect } from "node:util";
import { sharedState } from "../../base/shared-state.js";
import { writeToStandardError } from "../../platform/standard-error.js";

/** What is asked of a handler when the process ends. */
export interface Closable {
  /** Writes what it keeps, as much as can be done at once. */
  flushSync(): void;
  /** False: what it keeps is let go with it. */
  readonly flushOnClose?: boolean;
  /** Lets go of what it holds. */
  close(): void;
}

// Held weakly: who drops a handler without closing it leaks nothing.
const state = sharedState("handlers", 1, () => ({
  open: new Set<WeakRef<Closable>>(),
  references: new WeakMap<Closable, WeakRef<Closable>>(),
  named: new Map<string, WeakRef<Closable>>(),
  isWatchingExit: false,
}));
const { open, references, named } = state;
const dropped = new FinalizationRegistry<WeakRef<Closable>>((reference) => open.delete(reference));

/** A handler is open: it is flushed and closed when the process ends. */
export function addHandler(handler: Closable): void {
  const reference = new WeakRef(handler);
  open.add(reference);
  references.set(handler, reference);
  dropped.register(handler, reference);
  if (state.isWatchingExit) return;
  state.isWatchingExit = true;
  process.once("exit", () => {
    try {
      shutdown();
    } catch (error) {
      // Thrown on, it would keep the listeners that come after from writing what they hold.
      writeToStandardError(`--- Logging error ---\n${inspect(error)}\n`);
    }
  });
}

/** A handler is closed. */
export function forgetHandler(handler: Closable): void {
  open.delete(references.get(handler)!);
}

/** A handler is called something else than before. */
export function nameHandler(handler: Closable, before: string | undefined, now: string | undefined): void {
  if (before !== undefined && named.get(before)?.deref() === handler) named.delete(before);
  if (now !== undefined) named.set(now, references.get(handler)!);
}

/** The open handler that a configuration has given this name. */
export function handlerNamed(name: string): Closable | undefined {
  return named.get(name)?.deref();
}

/** The names of open handlers. */
export function handlerNames(): Set<string> {
  return new Set([...named.keys()].filter((name) => handlerNamed(name) !== undefined));
}

/** All that are open, the last that was made first. */
export function openHandlers(): Closable[] {
  return [...open].reverse().flatMap((reference) => reference.deref() ?? []);
}

/**
 * Flushes and closes handlers, by default all. Done by itself when the process ends. What one of them throws is thrown
 * when all have been flushed and closed.
 */
export function shutdown(handlers: readonly Closable[] = openHandlers()): void {
  const errors = new Map<Closable, unknown>();
  const attempt = (handler: Closable, action: () => void) => {
    try {
      action();
    } catch (error) {
      errors.set(handler, error);
    }
  };
  const flush = (handler: Closable) => {
    if (handler.flushOnClose !== false) attempt(handler, () => handler.flushSync());
  };
  // One may hand its records to another, so none is closed yet.
  for (const handler of handlers) flush(handler);
  for (const handler of handlers) {
    flush(handler);
    attempt(handler, () => handler.close());
  }
  if (errors.size > 1) throw new AggregateError(errors.values(), "Several handlers could not be flushed or closed.");
  for (const error of errors.values()) throw error;
}
