import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Explored } from "../support/explorer.js";

/*
 * The model of docs/concepts/lease.md: every order of the steps of a thread that logs, the thread that releases, and another
 * process. A step is one access to the shared memory, or one system call, of lock/lease.ts and lock/lease-memory.ts.
 */

type Double =
  | "there is no thread"
  | "the thread does not ask"
  | "the logger does not ask"
  | "the thread does not look again before it sleeps"
  | "the logger does not ring"
  | "an open is closed that the thread may use";

type LoggerStep =
  | "out"
  | "writes"
  | "begins"
  | "rings"
  | "between"
  | "sees idle" // only where it does not ask
  | "writes in lease"
  | "ends"
  | "waits"
  | "abandons";
type ThreadStep =
  | "looks"
  | "compares"
  | "sees idle"
  | "gives"
  | "has given"
  | "lies down"
  | "looks again"
  | "sleeps"
  | "dead";

interface State {
  /** Which open has the lock: of another process, or of ours, that has another number after each that was abandoned. */
  readonly owner: "nobody" | "other" | number;
  readonly open: number;
  readonly slot: "free" | "idle" | "busy" | "giving";
  readonly lease: number;
  readonly isAsleep: boolean;
  readonly hasRung: boolean;
  readonly logger: LoggerStep;
  readonly thread: ThreadStep;
  /** The lease that the thread has seen at its last look. */
  readonly seen: number;
  /** The open that the thread is about to unlock. */
  readonly giving: number;
}

const first: State = {
  owner: "nobody",
  open: 0,
  slot: "free",
  lease: 0,
  isAsleep: false,
  hasRung: false,
  logger: "out",
  thread: "looks",
  seen: 0,
  giving: 0,
};

// Leases are told apart from the last one alone, and more than one open that is abandoned shows nothing new.
const LEASES = 2;
const OPENS = 2;

function loggerSteps(state: State, double?: Double): [string, State][] {
  const { slot, owner, open, lease } = state;
  const to = (logger: LoggerStep, changes: Partial<State> = {}): State => ({ ...state, logger, ...changes });
  const released = owner === open ? "nobody" : owner;
  switch (state.logger) {
    case "out":
      return owner === "nobody" ? [["locks", to("writes", { owner: open })]] : [];
    case "writes":
      return [
        ["releases", to("out", { owner: released })],
        ["counts the lease", to("begins", { lease: (lease + 1) % LEASES })],
      ];
    case "begins":
      return [["stores idle", to("rings", { slot: "idle" })]];
    case "rings":
      if (!state.isAsleep || double === "the logger does not ring") return [["does not ring", to("between")]];
      return [["rings", to("between", { isAsleep: false, hasRung: true })]];
    case "between":
      if (double === "the logger does not ask")
        return slot === "idle" ? [["sees idle", to("sees idle")]] : [["goes", to("waits")]];
      return slot === "idle" ? [["resumes", to("writes in lease", { slot: "busy" })]] : [["is late", to("waits")]];
    case "sees idle":
      return [["takes it", to("writes in lease", { slot: "busy" })]];
    case "writes in lease":
      return [
        ["keeps", to("between", { slot: "idle" })],
        ["stores free", to("ends", { slot: "free" })],
      ];
    case "ends":
      return [["releases", to("out", { owner: released })]];
    case "waits":
      if (slot !== "giving") return [["may go on", to("out")]];
      return open + 1 < OPENS ? [["gives up", to("abandons", { owner: released })]] : [];
    case "abandons":
      // A descriptor that was closed is given to the next file that is opened.
      return [
        [
          "opens anew",
          to("out", {
            slot: "free",
            ...(double !== "an open is closed that the thread may use" && { open: open + 1 }),
          }),
        ],
      ];
  }
}

function threadSteps(state: State, double?: Double): [string, State][] {
  const { slot, seen, lease, owner } = state;
  const to = (thread: ThreadStep, changes: Partial<State> = {}): State => ({ ...state, thread, ...changes });
  switch (state.thread) {
    case "looks":
    case "looks again": {
      const isAgain = state.thread === "looks again";
      if (slot !== "free") return [["sees a lease", to("compares", { isAsleep: false })]];
      return isAgain
        ? [["falls asleep", to("sleeps")]]
        : [
            ["sees none", to("looks")],
            ["lies down", to("lies down", { hasRung: false })], // notes the bell
          ];
    }
    case "compares":
      return seen === lease ? [["has seen it", to("sees idle")]] : [["notes it", to("looks", { seen: lease })]];
    case "sees idle":
      if (double === "the thread does not ask")
        return [["takes it for idle", to("gives", { slot: "giving", giving: state.open })]];
      return slot === "idle"
        ? [["takes it", to("gives", { slot: "giving", giving: state.open })]]
        : [["leaves it", to("looks")]];
    case "gives":
      return [["unlocks", to("has given", { owner: owner === state.giving ? "nobody" : owner })]];
    case "has given":
      // A slot whose open was abandoned is used no more.
      return [["stores free", to("looks", slot === "giving" ? { slot: "free" } : {})]];
    case "lies down":
      return [
        [
          "is asleep",
          to(double === "the thread does not look again before it sleeps" ? "sleeps" : "looks again", {
            isAsleep: true,
          }),
        ],
      ];
    case "sleeps":
      return state.hasRung ? [["wakes up", to("looks", { isAsleep: false })]] : [];
    case "dead":
      return [];
  }
}

function next(state: State, double?: Double): [string, State][] {
  const named = (who: string, steps: [string, State][]) =>
    steps.map(([name, after]): [string, State] => [`${who} ${name}`, after]);
  const other: [string, State][] =
    state.owner === "nobody"
      ? [["locks", { ...state, owner: "other" }]]
      : state.owner === "other"
        ? [["releases", { ...state, owner: "nobody" }]]
        : [];
  const thread = double === "there is no thread" ? [] : threadSteps(state, double);
  return [
    ...named("logger", loggerSteps(state, double)),
    ...named("thread", thread),
    ...named("other", other),
    ...(state.thread === "dead" ? [] : named("thread", [["dies", { ...state, thread: "dead" }]])),
  ];
}

function fault({ logger, owner, open }: State): string | undefined {
  const isWriting = logger === "writes" || logger === "writes in lease";
  return isWriting && owner !== open ? "a record is written without the lock" : undefined;
}

function check(double?: Double): number {
  const explored = new Explored({ first, next: (state) => next(state, double), fault });
  explored.mustReach(
    "the release of a lock that was kept by a thread which computes now",
    ({ logger, thread }) => logger === "between" && thread !== "dead",
    ({ owner, open }) => owner !== open,
    (name) => name.startsWith("thread") && name !== "thread dies",
  );
  explored.mustReach(
    "the next record",
    ({ open }) => open + 1 < OPENS,
    ({ logger }) => logger === "writes",
    (name) => name !== "thread dies",
  );
  return explored.size;
}

describe("a lease, in every order of steps", () => {
  test("no record is written without the lock, and no lock stays with a thread that computes", () => {
    assert.ok(check() > 200);
  });

  for (const [double, complaint] of [
    ["there is no thread", /release of a lock.* is out of reach/],
    ["the thread does not ask", /written without the lock/],
    ["the logger does not ask", /written without the lock/],
    ["the thread does not look again before it sleeps", /release of a lock.* is out of reach/],
    ["the logger does not ring", /release of a lock.* is out of reach/],
    ["an open is closed that the thread may use", /written without the lock/],
  ] as const) {
    test(`is found out when ${double}`, () => assert.throws(() => check(double), complaint));
  }
});
