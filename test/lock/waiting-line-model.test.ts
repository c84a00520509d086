import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Explored } from "../support/explorer.js";

/*
 * The model of docs/concepts/waiting-line.md: every order of the system calls of three writers without pause, each of which may
 * be stopped, go on, or be killed between any two of them. What they do is what lock/waiting-line.ts does.
 */

/** How a writer differs from one that does as it should. */
type Double = "asks nobody" | "leaves before it has the lock" | "takes any free place" | "has no patience";

type Step = "idle" | "ask" | "try" | "look" | "hold place" | "wait" | "try in line" | "leave" | "write";

interface Writer {
  readonly step: Step;
  /** In its turn: it takes the lock without asking. */
  readonly isInTurn: boolean;
  readonly place: number | undefined;
  /** The place that it has found free, or that it is about to pass. */
  readonly seen: number | undefined;
  readonly fate: "runs" | "stopped" | "killed";
}

interface State {
  readonly holder: number | undefined;
  readonly writers: readonly Writer[];
  /** The one that is watched waits, and since then each has begun so many turns. */
  readonly isWatching: boolean;
  readonly turns: readonly number[];
}

const WRITERS = 3;
/** All are alike: one is watched, and nothing happens to it. */
const WATCHED = 0;
const none = Array<number>(WRITERS).fill(0);
const first: State = {
  holder: undefined,
  isWatching: false,
  turns: none,
  writers: Array.from({ length: WRITERS }, () => ({
    step: "idle",
    isInTurn: false,
    place: undefined,
    seen: undefined,
    fate: "runs",
  })),
};

function change(state: State, who: number, changes: Partial<Writer>, holder = state.holder): State {
  return normal({
    ...state,
    holder,
    writers: state.writers.map((writer, i) => (i === who ? { ...writer, ...changes } : writer)),
  });
}

/** Only the order of places matters: without this there would be no end of states. */
function normal({ writers, ...rest }: State): State {
  const places = writers.flatMap(({ place, seen }) => [place, seen]).filter((place) => place !== undefined);
  const order = [...new Set(places)].sort((a, b) => a - b);
  const shift = (place: number | undefined) => (place === undefined ? undefined : order.indexOf(place));
  return { ...rest, writers: writers.map((one) => ({ ...one, place: shift(one.place), seen: shift(one.seen) })) };
}

/** A turn of `who` begins. */
function begin(state: State, who: number): State {
  if (who === WATCHED || !state.isWatching) return state;
  return { ...state, turns: state.turns.map((turns, i) => (i === who ? turns + 1 : turns)) };
}

/** The lock is taken. */
function take(state: State, who: number, step: Step): State {
  const taken = change(state, who, { step }, who);
  return who === WATCHED ? { ...taken, isWatching: false, turns: none } : taken;
}

function stepOf(state: State, who: number, double: Double | undefined): State | undefined {
  const me = state.writers[who]!;
  const others = state.writers.filter((_, i) => i !== who);
  const places = others.flatMap(({ place }) => (place === undefined ? [] : [place]));
  switch (me.step) {
    case "idle":
      return change(state, who, { step: me.isInTurn || double === "asks nobody" ? "try" : "ask" });
    case "ask":
      if (places.length > 0) return change(state, who, { step: "look" });
      return begin(change(state, who, { step: "try", isInTurn: true }), who);
    case "try":
      if (state.holder !== undefined) return change(state, who, { step: "look" });
      // What asks nobody begins a turn each time.
      return double === "asks nobody" ? begin(take(state, who, "write"), who) : take(state, who, "write");
    case "look": {
      let place = Math.max(...places, -1) + 1;
      if (double === "takes any free place") for (place = -1; places.includes(place); ) place++;
      return change(state, who, { step: "hold place", seen: place });
    }
    case "hold place":
      if (places.includes(me.seen!)) return change(state, who, { step: "look", seen: undefined });
      return {
        ...change(state, who, { step: "wait", place: me.seen!, seen: undefined, isInTurn: false }),
        ...(who === WATCHED && { isWatching: true }),
      };
    case "wait": {
      const before = others.filter(({ place }) => place !== undefined && place < me.place!);
      const isPatient =
        before.some(({ fate }) => fate === "runs") || (before.length > 0 && double === "has no patience");
      if (isPatient) return undefined; // looks again later
      if (double !== "leaves before it has the lock") return change(state, who, { step: "try in line" });
      return begin(change(state, who, { step: "try", place: undefined, isInTurn: true }), who);
    }
    case "try in line":
      if (state.holder !== undefined) return change(state, who, { step: "wait" });
      return begin(take(state, who, "leave"), who);
    case "leave":
      return change(state, who, { step: "write", place: undefined, isInTurn: true });
    case "write":
      return { ...change(state, who, { step: "idle" }), holder: undefined };
  }
}

function next(state: State, double: Double | undefined): [string, State][] {
  const all: [string, State][] = [];
  state.writers.forEach((me, who) => {
    if (me.fate === "killed") return;
    const name = `${who} `;
    // One at a time: the others are what must go on.
    if (who !== WATCHED && state.writers.every(({ fate }) => fate === "runs")) {
      const rest = state.holder === who ? undefined : state.holder;
      const killed = change(state, who, {
        fate: "killed",
        step: "idle",
        isInTurn: false,
        place: undefined,
        seen: undefined,
      });
      all.push([`${name}killed`, { ...killed, holder: rest }]);
      all.push([`${name}stopped`, change(state, who, { fate: "stopped" })]);
    }
    if (me.fate === "stopped") {
      all.push([`${name}goes on`, change(state, who, { fate: "runs" })]);
      return;
    }
    const after = stepOf(state, who, double);
    if (after !== undefined) all.push([name + me.step, after]);
    if (me.isInTurn && me.step === "idle") all.push([`${name}turn over`, change(state, who, { isInTurn: false })]);
  });
  return all;
}

function fault({ holder, writers, turns }: State): string | undefined {
  const writing = writers.flatMap(({ step, fate }, i) =>
    ["write", "leave"].includes(step) && fate !== "killed" ? [i] : [],
  );
  if (writing.length > 1 || (writing.length === 1 && holder !== writing[0])) return "two write";
  const other = turns.findIndex((count) => count > 1);
  return other === -1 ? undefined : `${other} has had two turns before ${WATCHED}`;
}

function check(double?: Double): number {
  const explored = new Explored({ first, next: (state) => next(state, double), fault });
  explored.mustReach(
    "its turn",
    // A holder that is stopped holds up all others: for that there is lockTimeout.
    ({ holder, writers }) => holder === undefined || writers[holder]!.fate !== "stopped",
    ({ holder }) => holder === WATCHED,
    (name) => !name.endsWith("goes on"),
  );
  return explored.size;
}

describe("the waiting line, in every order of steps", () => {
  test("excludes, lets nobody wait for two turns of another, and goes on without who is stopped or killed", () => {
    assert.ok(check() > 1000);
  });

  for (const [double, complaint] of [
    ["asks nobody", /has had two turns/],
    ["leaves before it has the lock", /has had two turns/],
    ["takes any free place", /has had two turns/],
    ["has no patience", /out of reach/],
  ] as const) {
    test(`finds out a writer that ${double}`, () => assert.throws(() => check(double), complaint));
  }
});
