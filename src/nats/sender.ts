import type { Clock } from "../platform/clock.js";
import type { Link, Message } from "./link.js";
import { cut, lastOf, type Shipment } from "./shipment.js";
import type { SpoolIdentity } from "./spool-format.js";
import { headersOf } from "./wire.js";

/** Records of one writer that wait to be sent, oldest first. */
export interface Source {
  /** The first of them; the same again until {@link sentTo} is told of it, or they were taken back. */
  head(): Shipment | undefined;
  /** The stream has them, up to this number. */
  sentTo(number: number): void;
}

/** Sends the records of one writer, with one shipment in flight: nothing can overtake, so their order needs no window. */
export class Sender {
  readonly #link: Link;
  readonly #subject: string;
  readonly #writer: string;
  readonly #acknowledge: string;
  readonly #source: Source;
  readonly #clock: Clock;
  /** How often records were taken back. */
  #attempt: number;
  #again: Shipment | undefined;
  #isRunning = false;
  #since: number | undefined;

  /** @param attempt of the first message */
  constructor(
    link: Link,
    { subject, writer, acknowledge }: Pick<SpoolIdentity, "subject" | "writer" | "acknowledge">,
    source: Source,
    clock: Clock,
    attempt = 0,
  ) {
    this.#link = link;
    this.#subject = subject;
    this.#writer = writer;
    this.#acknowledge = acknowledge;
    this.#source = source;
    this.#clock = clock;
    this.#attempt = attempt;
  }

  /** When what is in flight was first sent; undefined when nothing is. */
  get since(): number | undefined {
    return this.#since;
  }

  /** Sends what waits, if that is not done already. Rejects only when the source throws. */
  async run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) {
        this.#since = this.#clock.monotonic();
        const attempt = this.#attempt;
        if (!(await this.#send(next, attempt))) return;
        this.#since = undefined;
        // What was taken back meanwhile is sent once more, with a number of its own.
        if (attempt === this.#attempt) this.#source.sentTo(lastOf(next));
      }
    } finally {
      this.#isRunning = false;
      this.#since = undefined;
    }
  }

  /** What the source has not forgotten is sent once more, so that the engine takes it for something new. */
  takeBack(): void {
    this.#attempt++;
  }

  /** Sends these once more, before others: whoever reads the stream answers to what it has already, too. */
  ask(shipment: Shipment): void {
    this.#again = shipment;
  }

  #next(): Shipment | undefined {
    const again = this.#again;
    this.#again = undefined;
    if (again === undefined) return this.#source.head();
    this.#attempt++;
    return again;
  }

  #send(shipment: Shipment, attempt: number): Promise<boolean> {
    return this.#link.publish(this.#subject, (maxPayload) => this.#messages(shipment, maxPayload, attempt));
  }

  *#messages(shipment: Shipment, maxPayload: number, attempt: number): Generator<Message> {
    for (const { records, bytes } of cut(shipment, this.#writer, maxPayload))
      yield { payload: bytes, headers: headersOf(records, bytes.length, this.#acknowledge, attempt) };
  }
}
