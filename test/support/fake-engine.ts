import assert from "node:assert/strict";
import type { Engine } from "../../src/nats/engine.js";
import { readMessage } from "../../src/nats/wire.js";
import { recordsOf } from "./wire-records.js";

/** What becomes of one message, and of the answer to it. */
export type Fate =
  | "stored"
  /** It is stored, and nobody hears so. */
  | "answer lost"
  /** The message gets lost. */
  | "lost"
  /** It is stored, and the server says that it had it, and not where. */
  | "not yet"
  | Error;

interface Stored {
  readonly subject: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly data: Buffer;
}

/** A stream in memory that answers as a server does, and as a bad network lets it. */
export class FakeStream {
  messages: Stored[] = [];
  /** Of the next messages, in order; then all are stored. */
  fates: Fate[] = [];
  maxPayload = 1024 ** 2;
  inFlight = 0;
  mostInFlight = 0;
  connections = 0;
  /** Connecting fails with this. */
  refusal: Error | undefined;
  /** Called with each message that arrives, before anything becomes of it. */
  onMessage: () => void | Promise<void> = () => {};
  readonly #listeners = new Map<string, (data: Uint8Array) => void>();
  readonly #ids = new Map<string, number>();

  /** To be given to a handler. */
  readonly connect = async (): Promise<Engine> => {
    this.connections++;
    if (this.refusal !== undefined) throw this.refusal;
    let end: (reason?: unknown) => void = () => {};
    const closed = new Promise<unknown>((resolve) => {
      end = resolve;
    });
    const stream = this;
    return {
      get maxPayload() {
        return stream.maxPayload;
      },
      publish: (subject, payload, headers) => this.#publish(subject, payload, new Map(headers)),
      subscribe: (subject, heard) => {
        this.#listeners.set(subject, heard);
      },
      closed: () => closed,
      close: async () => end(),
    };
  };

  /** As a collector tells positions. */
  tell(subject: string, text: string): void {
    this.#listeners.get(subject)?.(Buffer.from(text));
  }

  get subscribed(): string[] {
    return [...this.#listeners.keys()];
  }

  /** All that was stored is lost, and the window in which ids are known. */
  wipe(): void {
    this.messages = [];
    this.#ids.clear();
  }

  /** Records by writer, each once, as a collector takes them; a gap, or what is not as the contract says, is an error. */
  get records(): Map<string, string[]> {
    const found = new Map<string, string[]>();
    const begun = new Map<string, Buffer>();
    for (const { subject, headers, data } of this.messages) {
      const read = readMessage({ subject, headers: { get: (name) => headers.get(name) ?? "" }, data });
      assert.ok(read !== undefined && !("malformed" in read), JSON.stringify(read));
      const all = found.get(read.writer) ?? [];
      found.set(read.writer, all);
      assert.ok(read.first <= all.length + 1, `a gap: after record ${all.length} comes ${read.first}`);
      if (read.part === undefined) {
        all.push(...[...recordsOf(read, data)].slice(all.length + 1 - read.first).map(String));
        continue;
      }
      const before = begun.get(read.writer) ?? Buffer.alloc(0);
      const whole = Buffer.concat([before.subarray(0, read.part.offset), data]);
      begun.set(read.writer, whole);
      if (whole.length === read.part.total && read.first === all.length + 1) all.push(String(whole));
    }
    return found;
  }

  async #publish(subject: string, data: Buffer, headers: Map<string, string>) {
    this.inFlight++;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    try {
      await this.onMessage();
      await new Promise(setImmediate);
      const fate = this.fates.shift() ?? "stored";
      if (fate instanceof Error) throw fate;
      if (fate === "lost") throw timeout();
      const id = headers.get("Nats-Msg-Id")!;
      const before = this.#ids.get(id);
      if (before === undefined) {
        this.messages.push({ subject, headers, data: Buffer.from(data) });
        this.#ids.set(id, this.messages.length);
      }
      if (fate === "answer lost") throw timeout();
      return { seq: fate === "not yet" ? 0 : this.#ids.get(id)!, duplicate: before !== undefined };
    } finally {
      this.inFlight--;
    }
  }
}

function timeout(): Error {
  return Object.assign(new Error("timeout"), { name: "TimeoutError" });
}
