import type { Place, QueueOwner } from "../delivery/delivery.js";
import { MemoryQueue } from "../delivery/memory-queue.js";
import type { Outlet, OutletObserver } from "../delivery/queued.js";
import type { Batch } from "../records/batch.js";
import { Confirmations } from "./confirmations.js";
import type { Link } from "./link.js";
import type { ResolvedNatsOptions } from "./resolve-nats-options.js";
import { Sender, type Source } from "./sender.js";
import { lastOf, type Shipment, shipmentOf } from "./shipment.js";
import { Spool } from "./spool.js";
import { newWriterName, type SpoolDirectory } from "./spool-directory.js";

/** What an outlet needs of its handler. */
export interface StreamOwner {
  readonly owner: Pick<QueueOwner, "clock" | "markerOf">;
  readonly options: ResolvedNatsOptions;
  readonly spools: SpoolDirectory;
  /** The connection, made again after it was closed. */
  readonly link: () => Link;
  /** So many records and bytes are in the stream. */
  readonly onSent: (records: number, bytes: number) => void;
  /** Records have waited for `spillAfter`: what keeps them from the stream is to be told. */
  readonly onLate: () => void;
  readonly onSpoolFailure: (path: string, cause: unknown) => void;
  /** Nothing is left to be done, and the handler was closed. */
  readonly onClosed: () => void;
}

/**
 * Brings what waits in memory into the stream, one shipment at a time, with the numbers of one writer. What is not answered
 * in time, or must not be lost with the process, goes into a spool on the local disk, and is sent from there first.
 */
export class StreamOutlet implements Outlet {
  readonly subject: string;
  readonly #context: StreamOwner;
  readonly #observer: OutletObserver;
  readonly #queue: MemoryQueue;
  /** Those that have numbers already, and are not in the spool. */
  readonly #numbered: Shipment[] = [];
  readonly #spool: Spool;
  readonly #isWritten: boolean;
  readonly #isCountedUntilSent: boolean;
  /** Number of the next record. */
  #number = 1;
  #sender: Sender | undefined;
  #confirmations: Confirmations | undefined;
  #cancelSoon: (() => void) | undefined;
  #cancelLate: (() => void) | undefined;
  #isFull = false;
  #isClosing = false;
  /** The shipment that was last taken to be sent, until it is. */
  #inFlight: Shipment | undefined;

  constructor(context: StreamOwner, observer: OutletObserver) {
    const { options, spools, onSpoolFailure } = context;
    const writer = newWriterName(options.subject);
    this.subject = `${options.subject}.${writer}`;
    this.#context = context;
    this.#observer = observer;
    this.#queue = new MemoryQueue(options.delivery.maxBatchBytes);
    this.#isWritten = options.acknowledge === "written";
    this.#isCountedUntilSent = options.acknowledge !== "spilled";
    const { servers } = options.servers;
    const { acknowledge, stream } = options;
    this.#spool = new Spool({ writer, subject: this.subject, stream, servers, acknowledge }, spools, onSpoolFailure);
  }

  /** Records that are not acknowledged yet, in the sense of the option. */
  get pending(): number {
    return this.#queue.count + this.#numberedCount + this.spilled;
  }

  get spilled(): number {
    return this.#isCountedUntilSent ? this.#spool.count : 0;
  }

  get queued(): number {
    return this.#queue.length + this.#numbered.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** True when everything is in the stream, and with `"written"` in the log. */
  get isDone(): boolean {
    return this.#spool.isEmpty && this.queued === 0;
  }

  reserve(longest: number): Place | undefined {
    return this.#queue.reserve(longest);
  }

  filled(length: number): void {
    this.#queue.filled(length);
    this.#isClosing = false;
  }

  hasRoomFor(): boolean {
    return true; // but for the limit that all queues have
  }

  add(batch: Batch): void {
    this.#isClosing = false;
    const isFull = this.#queue.add(batch);
    if (isFull) this.#run();
  }

  dropOldest(): number | undefined {
    return this.#queue.drop() ? this.#queue.count : undefined; // what is in flight may be in the stream
  }

  markDropped(count: number): void {
    this.#queue.dropped += count;
  }

  write(when: "soon" | "now"): void {
    if (when === "now") this.#run();
    else
      this.#cancelSoon ??= this.#context.owner.clock.soon(() => {
        this.#cancelSoon = undefined;
        this.#run();
      });
  }

  /** Nothing can be sent while the process is blocked: all goes into the spool. */
  writeWithin(): boolean {
    this.#toDisk();
    if (!this.isDone) {
      if (!this.#context.link().isUp) this.#context.onLate();
      this.write("soon");
    }
    return this.pending === 0;
  }

  /** The collector says that records up to this one are in the log. */
  heard(number: number): void {
    this.#confirmations?.heard(number);
  }

  /** What is in the spool is sent all the same, unless the process ends before: then it is for others. */
  close(): void {
    this.#isClosing = true;
    this.#shutWhenDone();
  }

  get #numberedCount(): number {
    return this.#numbered.reduce((sum, { count }) => sum + count, 0);
  }

  #run(): void {
    const isBehind = !this.#spool.isEmpty && this.#observer.isAwaited();
    if (this.#isWritten || this.#isLate || isBehind) this.#toDisk();
    if (this.isDone) return;
    this.#sender ??= this.#makeSender();
    void this.#sender.run();
  }

  get #isLate(): boolean {
    const since = this.#sender?.since;
    const { owner, options } = this.#context;
    return since !== undefined && owner.clock.monotonic() - since >= options.spillAfter;
  }

  #makeSender(): Sender {
    const { link, owner } = this.#context;
    const source: Source = {
      head: () => this.#head(),
      sentTo: (number) => this.#sentTo(number),
    };
    const sender = new Sender(link(), this.#spool.identity, source, owner.clock);
    if (this.#isWritten)
      this.#confirmations = new Confirmations(this.#spool, sender, owner.clock, (number) => {
        this.#guard(() => this.#spool.forgetTo(number, false));
        this.#progress();
      });
    return sender;
  }

  /** From the spool as long as there is something in it; a record that is in memory is younger. */
  #head(): Shipment | undefined {
    const { maxBatchBytes } = this.#context.options.delivery;
    const head = this.#guard(() => this.#spool.head(maxBatchBytes)) ?? (this.#isWritten ? undefined : this.#oldest());
    this.#notLate();
    if (head !== undefined) this.#waitForAnswer();
    this.#inFlight = head;
    return head;
  }

  #sentTo(number: number): void {
    this.#notLate();
    const inMemory = this.#numbered[0];
    if (inMemory !== undefined && lastOf(inMemory) <= number) this.#numbered.shift();
    else this.#guard(() => (this.#isWritten ? this.#spool.sentTo(number) : this.#spool.forgetTo(number, true)));
    if (this.#inFlight !== undefined && lastOf(this.#inFlight) === number)
      this.#context.onSent(this.#inFlight.count, this.#inFlight.bytes.length);
    this.#inFlight = undefined;
    this.#isFull = false;
    this.#confirmations?.sent();
    this.#progress();
  }

  #progress(): void {
    this.#observer.onProgress();
    this.#shutWhenDone();
  }

  #shutWhenDone(): void {
    if (!this.#isClosing || !this.isDone) return;
    this.#notLate();
    this.#confirmations?.close();
    this.#sender = this.#confirmations = undefined;
    this.#guard(() => this.#spool.close());
    this.#context.onClosed();
  }

  /** The oldest in memory, with its numbers. */
  #oldest(): Shipment | undefined {
    if (this.#numbered.length === 0) this.#giveNumbers();
    return this.#numbered[0];
  }

  /** A marker for dropped records goes in front of those that follow them. */
  #giveNumbers(): void {
    const { dropped } = this.#queue;
    if (dropped > 0) this.#take(this.#context.owner.markerOf(dropped));
    this.#queue.marked(dropped);
    const batch = this.#queue.take();
    if (batch === undefined) return;
    this.#take(batch);
    batch.advanceTo(batch.end);
    this.#queue.settle(batch);
  }

  #take(batch: Batch): void {
    const shipment = shipmentOf(batch, this.#number);
    this.#number += shipment.count;
    this.#numbered.push(shipment);
  }

  /** Puts all that waits in memory into the spool, as far as there is room. */
  #toDisk(): void {
    this.#guard(() => {
      for (let next = this.#oldest(); next !== undefined && this.#hasRoomFor(next); next = this.#oldest()) {
        this.#spool.append(next);
        this.#numbered.shift();
      }
    });
    this.#observer.onProgress();
  }

  /** Told once, until something is sent. */
  #hasRoomFor({ bytes }: Shipment): boolean {
    const { options, spools, onSpoolFailure } = this.#context;
    if (this.#spool.size + bytes.length <= options.maxSpillBytes) return true;
    if (!this.#isFull)
      onSpoolFailure(spools.path, new Error(`it has the ${this.#spool.size} bytes that maxSpillBytes allows`));
    this.#isFull = true;
    return false;
  }

  #waitForAnswer(): void {
    const { owner, options, onLate } = this.#context;
    this.#cancelLate = owner.clock.after(options.spillAfter, () => {
      onLate();
      this.#toDisk();
    });
  }

  #notLate(): void {
    this.#cancelLate?.();
    this.#cancelLate = undefined;
  }

  #guard<Result>(body: () => Result): Result | undefined {
    try {
      return body();
    } catch (cause) {
      this.#context.onSpoolFailure(this.#context.spools.path, cause);
      return undefined;
    }
  }
}
