import { Backoff } from "../base/backoff.js";
import type { Clock } from "../platform/clock.js";
import type { Engine } from "./engine.js";
import { type EngineFailure, failureOf, NotStoredYet, needsSomebody } from "./engine-errors.js";

// Milliseconds between two attempts.
const FIRST_RETRY_MS = 20;
const LONGEST_RETRY_MS = 1000;
/** Where somebody is to act first: credentials are renewed while processes run. */
const SLOW_RETRY_MS = 30_000;

/** A server that lets an answer be waited for so often may hang: another one may not. */
const MOST_LATE_ANSWERS = 2;

export interface Message {
  readonly payload: Buffer;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

interface LinkObserver {
  /** Each time that something failed. */
  readonly onFailure: (cause: unknown) => void;
  /** Each time that there is a new connection. */
  readonly onConnected: (engine: Engine) => void;
}

/** The connection of one handler, which is made anew when it is lost. Nothing in it keeps the process alive. */
export class Link {
  readonly #connect: () => Promise<Engine>;
  readonly #clock: Clock;
  readonly #observer: LinkObserver;
  readonly #retries = new Backoff(FIRST_RETRY_MS, LONGEST_RETRY_MS);
  #engine: Engine | undefined;
  #connecting: Promise<Engine> | undefined;
  #lateAnswers = 0;
  #isClosed = false;
  readonly #wake = new Set<() => void>();
  readonly #whenClosed: Promise<void>;
  #tellClosed = (): void => {};

  constructor(connect: () => Promise<Engine>, clock: Clock, observer: LinkObserver) {
    this.#connect = connect;
    this.#clock = clock;
    this.#observer = observer;
    this.#whenClosed = new Promise((resolve) => {
      this.#tellClosed = resolve;
    });
  }

  /** True while there is a connection, as far as is known. */
  get isUp(): boolean {
    return this.#engine !== undefined;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Resolves when {@link close} was called. */
  whenClosed(): Promise<void> {
    return this.#whenClosed;
  }

  /**
   * The connection, made when there is none.
   * @throws what the client throws
   */
  async engine(): Promise<Engine> {
    this.#connecting ??= this.#open();
    return this.#connecting;
  }

  /**
   * Publishes messages, one after another, until the stream has them, however often that takes, and always the same ones.
   * @param cut makes them, so that none is larger than a server takes
   * @returns false when the link was closed before
   */
  async publish(subject: string, cut: (maxPayload: number) => Iterable<Message>): Promise<boolean> {
    let messages: Message[] = [];
    let limit = 0;
    for (let done = 0; !this.#isClosed; ) {
      try {
        const engine = await this.engine();
        if (engine.maxPayload !== limit) {
          limit = engine.maxPayload;
          messages = [...cut(limit)];
          done = 0;
        }
        for (; done < messages.length; done++) await this.#publishOne(engine, subject, messages[done]!);
        return true;
      } catch (cause) {
        if (this.#isClosed) break;
        this.#observer.onFailure(cause);
        if (!this.#isClosed) await this.#pause(this.#after(failureOf(cause)));
      }
    }
    return false;
  }

  /** Ends the connection; what is published then is not sent. */
  close(): void {
    this.#isClosed = true;
    this.#tellClosed();
    for (const wake of this.#wake) wake();
    this.#drop();
  }

  async #publishOne(engine: Engine, subject: string, { payload, headers }: Message): Promise<void> {
    const { seq } = await engine.publish(subject, payload, headers);
    if (!(seq > 0)) throw new NotStoredYet();
    this.#lateAnswers = 0;
    this.#retries.reset();
  }

  async #open(): Promise<Engine> {
    try {
      const engine = await this.#connect();
      if (this.#isClosed) {
        void engine.close();
        throw new Error("the handler was closed");
      }
      this.#engine = engine;
      void this.#watch(engine);
      this.#observer.onConnected(engine);
      return engine;
    } catch (cause) {
      this.#connecting = undefined;
      throw cause;
    }
  }

  async #watch(engine: Engine): Promise<void> {
    await engine.closed();
    if (this.#engine === engine) this.#forget();
  }

  /** How long to wait after such a failure; with another connection then, where this one is of no use. */
  #after(failure: EngineFailure): number {
    if (failure === "slow") this.#lateAnswers++;
    const isStuck = failure === "away" || this.#lateAnswers >= MOST_LATE_ANSWERS;
    if (isStuck || needsSomebody(failure)) this.#drop();
    return needsSomebody(failure) ? SLOW_RETRY_MS : this.#retries.next();
  }

  #drop(): void {
    const engine = this.#engine;
    this.#forget();
    void engine?.close();
  }

  #forget(): void {
    this.#engine = undefined;
    this.#connecting = undefined;
    this.#lateAnswers = 0;
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        this.#wake.delete(end);
        resolve();
      };
      const cancel = this.#clock.after(milliseconds, end);
      this.#wake.add(end);
    });
  }
}
