import type { Clock } from "../platform/clock.js";
import type { Places } from "../platform/lock-backend.js";
import type { LockFile } from "./lock-file.js";
import {
  FIRST_SLEEP_AS_NEXT_MS,
  LONGEST_SLEEP_AS_NEXT_MS,
  LONGEST_SLEEP_MS,
  LOOKS_AS_NEXT,
  PASSED_OVER_MS,
  PATIENCE_MS,
  SLEEP_FOR_EACH_BEFORE_MS,
  TURN_MS,
} from "./lock-timing.js";

const NOWHERE = -1;
const END = Number.POSITIVE_INFINITY;

/**
 * The writers that wait for one lock, first come, first served: each holds a byte of the lock file behind those of the
 * others. It serves fairness alone, and nothing is wrong when it is not kept: see docs/concepts/waiting-line.md.
 */
export class WaitingLine {
  readonly #file: LockFile;
  readonly #clock: Clock;
  /** Undefined until it is known whether the file that is open can have a line; null where it cannot. */
  #places: Places | null | undefined;
  #place = NOWHERE;
  /** Others wait for us, if we are before them. */
  #isHere = false;
  /** When our turn came, or nobody waited. */
  #turnBegan = Number.NEGATIVE_INFINITY;
  /** The first of all, and the first that is not passed over; maybe we are that. */
  #first = NOWHERE;
  #next = NOWHERE;
  /** Since when that one is the next. */
  #nextSince = 0;
  /** The lock is tried for though another is next. */
  #isPassing = false;
  /** Those up to `end` are passed over, as long as the first one is still that one. */
  #passed = { first: NOWHERE, end: NOWHERE, until: 0 };

  constructor(file: LockFile, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
  }

  /** True once it is known that there is a line. */
  get isKept(): boolean {
    return this.#places != null;
  }

  get isEntered(): boolean {
    return this.#place !== NOWHERE;
  }

  /** True while we are entered, and nobody is before us. */
  get isNext(): boolean {
    return this.isEntered && this.#next === this.#place;
  }

  /** True when the lock may be tried for. Called with the lock file open. */
  mayTry(): boolean {
    const now = this.#clock.monotonic();
    this.#isPassing = false;
    if (!this.isEntered && now - this.#turnBegan < TURN_MS) return true;
    return this.#ask(true, (places) => {
      const next = this.#firstBefore(places, this.isEntered ? this.#place : END, now);
      if (this.#next !== (next ?? this.#place)) {
        this.#next = next ?? this.#place;
        this.#nextSince = now;
      }
      if (next === undefined) {
        if (!this.isEntered) this.#turnBegan = now;
        return true;
      }
      if (this.isEntered && now - this.#nextSince >= PATIENCE_MS) {
        this.#nextSince = now; // if the lock is not free, that is not its fault
        this.#isPassing = true;
      }
      return this.#isPassing;
    });
  }

  /** Takes the last place, or comes back to the one that we have: from now on others wait for us. */
  enter(): void {
    if (this.#isHere) return;
    this.#next = NOWHERE;
    this.#ask(undefined, (places) => {
      const { fd } = this.#file;
      if (this.isEntered) places.hold(fd, this.#place, true);
      for (let place = 0; !this.isEntered; ) {
        const taken = places.find(fd, place, END, false);
        if (taken === undefined) {
          if (places.hold(fd, place, true)) this.#place = place;
        } else if (taken >= place && taken < Number.MAX_SAFE_INTEGER) place = taken + 1;
        else {
          this.#giveUp(); // a stranger has locked a whole range, such as all of the file, and no place is behind it
          return;
        }
      }
      this.#isHere = true;
    });
  }

  /** Goes away, and keeps the place: others do not wait for us until we {@link enter} again. */
  stepBack(): void {
    if (!this.#isHere) return;
    this.#isHere = false;
    this.#ask(undefined, (places) => places.hold(this.#file.fd, this.#place, false));
  }

  /** The lock was taken: our turn begins, and somebody else is next. */
  leave(): void {
    if (!this.isEntered) return;
    const now = this.#clock.monotonic();
    if (this.#isPassing) this.#passed = { first: this.#first, end: this.#next, until: now + PASSED_OVER_MS };
    this.#turnBegan = now;
    this.#ask(undefined, (places) => places.free(this.#file.fd, this.#place));
    this.#place = NOWHERE;
    this.#isHere = false;
  }

  /** The lock file was closed, and with it our place. */
  forget(): void {
    this.#places = undefined;
    this.#place = NOWHERE;
    this.#isHere = false;
    this.#turnBegan = Number.NEGATIVE_INFINITY;
  }

  /** Milliseconds after which to look again. */
  pause(): number {
    if (this.isNext) {
      const waited = this.#clock.monotonic() - this.#nextSince;
      return Math.min(Math.max(waited / LOOKS_AS_NEXT, FIRST_SLEEP_AS_NEXT_MS), LONGEST_SLEEP_AS_NEXT_MS);
    }
    return Math.min(Math.max(1, this.#place - this.#next) * SLEEP_FOR_EACH_BEFORE_MS, LONGEST_SLEEP_MS);
  }

  #firstBefore(places: Places, end: number, now: number): number | undefined {
    const first = this.#firstIn(places, 0, end);
    const passed = this.#passed;
    this.#first = first ?? NOWHERE;
    return first === passed.first && now < passed.until ? this.#firstIn(places, passed.end + 1, end) : first;
  }

  #firstIn(places: Places, from: number, end: number): number | undefined {
    let first: number | undefined;
    for (let at = end; at > from; at = first) {
      const found = places.find(this.#file.fd, from, at, true);
      if (found === undefined) break;
      first = found;
    }
    return first;
  }

  #ask<Answer>(otherwise: Answer, ask: (places: Places) => Answer): Answer {
    if (this.#places === undefined) this.#places = this.#file.places ?? null;
    if (this.#places === null) return otherwise;
    try {
      return ask(this.#places);
    } catch {
      this.#giveUp(); // whatever the code: the lock itself tells what is wrong with the file
      return otherwise;
    }
  }

  /** Goes on without a line, until the lock file is opened anew. */
  #giveUp(): void {
    this.#places = null;
    this.#place = NOWHERE;
    this.#isHere = false;
  }
}
