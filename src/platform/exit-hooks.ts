import { sharedState } from "../base/shared-state.js";
import { systemClock } from "./clock.js";

/** Somebody who has something left to do before the process ends. */
export interface Unfinished {
  flushSync(): void;
  /** When all have been flushed: what is still left is lost. */
  afterAll?(): void;
}

const UNCAUGHT = ["error", "unhandledrejection"];

// Those that end a process which does not listen. Node ignores SIGPIPE and SIGXFSZ, and a listener undoes that for good.
const SIGNALS: readonly NodeJS.Signals[] = [
  ...(["SIGHUP", "SIGINT", "SIGTERM"] as const),
  ...(process.platform === "win32"
    ? []
    : (["SIGQUIT", "SIGALRM", "SIGVTALRM", "SIGXCPU", "SIGUSR2", "SIGABRT", "SIGTRAP", "SIGSYS"] as const)),
  ...(process.platform === "linux" ? (["SIGIO", "SIGPWR", "SIGSTKFLT"] as const) : []),
];

// Milliseconds for which signals are still heard when nothing is left: to begin with them again takes many system calls.
const SIGNAL_LINGER_MS = 1000;

// A signal that has come is lost when its last listener goes before the event loop has asked for signals (libuv). So
// listeners go only when the loop has asked within so many milliseconds.
const SIGNALS_ASKED_WITHIN_MS = 1;

// Known to all copies of this package in one process: none takes another one for the application.
const IS_OURS = Symbol.for("concurrent-log-handler.exit");

/** One of all copies, which a test runner may load anew for each test: they would listen and patch again and again. */
const state = sharedState("exit-hooks", 1, () => ({
  unfinished: new Set<Unfinished>(),
  /** Those that were flushed in vain when the process ended: nothing is waited for twice. */
  givenUp: new WeakSet<Unfinished>(),
  isWatchingExit: false,
  isWatchingSignals: false,
  isLingering: false,
  onSignal: Object.assign((signal: NodeJS.Signals) => endBy(signal), { [IS_OURS]: true }),
}));

/** Until {@link forget}: `flushSync` is called when the process ends, by a signal that nobody listens for as well. */
export function flushAtExit(one: Unfinished): void {
  state.unfinished.add(one);
  askForSignals();
  if (!state.isWatchingSignals) watchSignals();
  if (!state.isWatchingExit) watchExit();
}

export function forget(one: Unfinished): void {
  if (!state.unfinished.delete(one) || state.unfinished.size > 0) return;
  askForSignals();
  if (state.isLingering) return;
  state.isLingering = true;
  linger();
}

/** Immediates for which the process is still kept. */
let turnsLeft = 0;

/**
 * Keeps the process for one more turn, since a signal may have come while it was busy. The first immediate may run in this
 * turn, after the loop has asked.
 */
function askForSignals(): void {
  if (turnsLeft === 0) systemClock.soon(passTurn);
  turnsLeft = 2;
}

function passTurn(): void {
  if (--turnsLeft > 0) systemClock.soon(passTurn);
}

/** The event loop asks for signals between a timer and an immediate. */
function linger(): void {
  systemClock.after(SIGNAL_LINGER_MS, () => {
    const before = systemClock.monotonic();
    systemClock.soon(() => {
      const isLeft = state.unfinished.size > 0;
      if (!isLeft && systemClock.monotonic() - before > SIGNALS_ASKED_WITHIN_MS) return linger();
      state.isLingering = false;
      if (!isLeft) ignoreSignals();
    });
  });
}

function watchSignals(): void {
  state.isWatchingSignals = true;
  for (const signal of SIGNALS) {
    try {
      // First: a listener that the application has added by `once` is gone when it has been called.
      process.prependListener(signal, state.onSignal);
    } catch {
      // whatever the code: this runtime does not know the signal
    }
  }
}

function ignoreSignals(): void {
  state.isWatchingSignals = false;
  for (const signal of SIGNALS) process.removeListener(signal, state.onSignal);
}

/** Ends the process as the signal does, unless the application listens. */
function endBy(signal: NodeJS.Signals): void {
  const others = process.listeners(signal).filter((listener) => !(IS_OURS in listener));
  const libraries = exitLibraries();
  if (others.length > libraries.reduce((sum, [{ count }]) => sum + count, 0)) return;
  ignoreSignals();
  try {
    // They see now that nobody but their like listens, and end the process when the signal comes again.
    if (others.length > 0) endAfter(libraries);
    else endAll();
  } finally {
    // Windows has no SIGHUP that can be sent.
    process.kill(process.pid, process.platform === "win32" && signal === "SIGHUP" ? "SIGINT" : signal);
  }
}

/** What all copies of one major version of `signal-exit` share. */
interface ExitLibrary {
  /** How many copies there are: each listens for signals, and ends the process if nobody but its like does. */
  readonly count: number;
  on(event: string, action: () => void): void;
}

/** Each with the last event that it tells. */
function exitLibraries(): [library: ExitLibrary, last: string][] {
  const v4 = (globalThis as Record<symbol, unknown>)[Symbol.for("signal-exit emitter")] as ExitLibrary | undefined;
  const v3 = (process as { __signal_exit_emitter__?: ExitLibrary }).__signal_exit_emitter__;
  return [
    ...(v4 ? [[v4, "afterExit"] as [ExitLibrary, string]] : []),
    ...(v3 ? [[v3, "afterexit"] as [ExitLibrary, string]] : []),
  ];
}

/** What the application does by way of such a library comes first, and may be logged. */
function endAfter(libraries: ReturnType<typeof exitLibraries>): void {
  for (const [library, last] of libraries) library.on(last, endAll);
}

/** What the application writes when it exits comes first. */
function watchExit(): void {
  state.isWatchingExit = true;
  const real = process as typeof process & { reallyExit(code?: number): never };
  const { emit, reallyExit } = real;
  let isTold = false;
  real.emit = function (this: typeof process, ...args: unknown[]) {
    if (args[0] !== "exit") return emit.apply(this, args as never);
    isTold = true;
    endAfter(exitLibraries());
    const isHeard = emit.apply(this, args as never);
    endAll();
    return isHeard;
  } as typeof emit;
  // One that listens for "exit" may exit as well, and those behind it hear nothing.
  real.reallyExit = function (this: typeof process, code?: number) {
    endAll();
    return reallyExit.call(this, code);
  };
  // Where somebody has put back what `emit` was before, and in Bun, which does not call it when nothing is left to do.
  process.on("exit", () => {
    if (isTold) return;
    endAfter(exitLibraries());
    endAll();
  });
  // Deno ends without "exit" when nobody catches an exception.
  if (!("deno" in process.versions)) return;
  for (const type of UNCAUGHT) (globalThis as unknown as EventTarget).addEventListener(type, endAll);
}

function endAll(): void {
  const errors = [...failures((one) => one.flushSync()), ...failures((one) => one.afterAll?.())];
  for (const one of state.unfinished) state.givenUp.add(one);
  if (errors.length > 0) throw errors[0];
}

/** One whose listener throws keeps no other from it. */
function failures(attempt: (one: Unfinished) => void): unknown[] {
  const errors: unknown[] = [];
  for (const one of state.unfinished) {
    if (state.givenUp.has(one)) continue;
    try {
      attempt(one);
    } catch (error) {
      errors.push(error);
    }
  }
  return errors;
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
