import { Backoff } from "../base/backoff.js";
import type { Clock } from "../platform/clock.js";
import type { Sender } from "./sender.js";
import { lastOf } from "./shipment.js";
import type { Spool } from "./spool.js";

// Milliseconds without a step forward, after which records are sent once more: one shipment where nobody says anything, all
// of them where the collector says that it has not had them. Each time it takes twice as long.
const SILENCE_MS = 8000;
const LONGEST_SILENCE_MS = 300_000;
const STANDSTILL_MS = 3000;
const LONGEST_STANDSTILL_MS = 60_000;

/** What the collector says of the records of one writer, which stay in its spool until they are in the log. */
export class Confirmations {
  readonly #spool: Spool;
  readonly #sender: Pick<Sender, "takeBack" | "ask" | "run">;
  readonly #clock: Clock;
  readonly #onConfirmed: (number: number) => void;
  readonly #silence = new Backoff(SILENCE_MS, LONGEST_SILENCE_MS);
  readonly #standstill = new Backoff(STANDSTILL_MS, LONGEST_STANDSTILL_MS);
  /** When to take records back, unless there is a step forward before. */
  #patienceEnds: number;
  /** Number of the last record by which the collector was asked. */
  #asked: number | undefined;
  #cancel: (() => void) | undefined;

  /** @param onConfirmed forgets what is in the log */
  constructor(
    spool: Spool,
    sender: Pick<Sender, "takeBack" | "ask" | "run">,
    clock: Clock,
    onConfirmed: (number: number) => void,
  ) {
    this.#spool = spool;
    this.#sender = sender;
    this.#clock = clock;
    this.#onConfirmed = onConfirmed;
    this.#patienceEnds = clock.monotonic() + this.#standstill.next();
  }

  /** The stream has taken something. */
  sent(): void {
    this.#cancel ??= this.#clock.after(this.#silence.next(), () => this.#ask());
  }

  /** The log has all records up to this one. */
  heard(number: number): void {
    if (number > this.#spool.forgotten) this.#goOn(Math.min(number, this.#spool.last));
    else if (number < this.#spool.sent && this.#clock.monotonic() >= this.#patienceEnds) this.#takeBack();
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #goOn(number: number): void {
    const wasAsked = this.#asked;
    this.#onConfirmed(number);
    this.#silence.reset();
    this.#standstill.reset();
    this.#patienceEnds = this.#clock.monotonic() + this.#standstill.next();
    this.close();
    // The collector has come to what it was asked by, behind all others, and these were not there.
    if (wasAsked !== undefined && number >= wasAsked && number < this.#spool.sent) this.#takeBack();
    this.#asked = undefined;
    if (this.#spool.sent > this.#spool.forgotten) this.sent();
  }

  #takeBack(): void {
    this.#patienceEnds = this.#clock.monotonic() + this.#standstill.next();
    this.#sender.takeBack();
    this.#spool.rewind();
    void this.#sender.run();
  }

  #ask(): void {
    this.#cancel = undefined;
    const first = this.#spool.first();
    if (first === undefined || this.#spool.sent <= this.#spool.forgotten) return;
    this.#asked = lastOf(first);
    this.#sender.ask(first);
    void this.#sender.run();
    this.sent();
  }
}
