import type { Clock } from "../platform/clock.js";
import { Confirmations } from "./confirmations.js";
import type { Engine } from "./engine.js";
import type { Link } from "./link.js";
import { Sender } from "./sender.js";
import type { Spool } from "./spool.js";
import type { SpoolDirectory } from "./spool-directory.js";
import { positionSubject, readPosition } from "./wire.js";

// How many are sent at once: with "written", each waits for a word of the collector.
const AT_ONCE = 16;
const BATCH_BYTES = 256 * 1024;

/** So that the engine does not take what is sent anew for what it has had, and the collector answers. */
const NEW_ATTEMPTS = 2 ** 31;

interface Adoption {
  readonly spools: SpoolDirectory;
  readonly link: Link;
  readonly clock: Clock;
  readonly stream: string;
  /** Undefined: whatever servers the records were for. */
  readonly servers: readonly string[] | undefined;
  readonly onFailure: (path: string, cause: unknown) => void;
  /** So many records of others are in the stream, and with `"written"` in the log. */
  readonly onSent: (records: number) => void;
}

/** Sends what processes have left on this host that have ended: each under its own name, with its own numbers. */
export class Adopter {
  readonly #adoption: Adoption;
  /** Those that wait for a word of the collector. */
  readonly #waiting = new Map<string, Confirmations>();
  #isRunning = false;

  constructor(adoption: Adoption) {
    this.#adoption = adoption;
  }

  /** Sends all that is there; those that others send meanwhile are left to them. Resolves when that is done. */
  async run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    const { spools, onFailure } = this.#adoption;
    try {
      const orphans = spools.adopt((identity) => this.#isWanted(identity), onFailure);
      await Promise.all(Array.from({ length: AT_ONCE }, () => this.#sendEach(orphans)));
    } catch (cause) {
      onFailure(spools.path, cause);
    } finally {
      this.#isRunning = false;
    }
  }

  /** To be called with each new connection: hears again what the collector says. */
  listen(engine: Engine): void {
    for (const subject of this.#waiting.keys()) this.#listenFor(engine, subject);
  }

  #isWanted({ stream, servers }: { readonly stream: string; readonly servers: readonly string[] }): boolean {
    const { stream: ours, servers: known } = this.#adoption;
    return stream === ours && (known === undefined || servers.some((server) => known.includes(server)));
  }

  async #sendEach(orphans: Generator<Spool>): Promise<void> {
    for (let { value: spool } = orphans.next(); spool !== undefined; { value: spool } = orphans.next())
      await this.#send(spool as Spool);
  }

  async #send(spool: Spool): Promise<void> {
    const { count, identity } = spool;
    const { link, clock, onFailure, onSent } = this.#adoption;
    const isWritten = identity.acknowledge === "written";
    const guard = (body: () => void) => {
      try {
        body();
      } catch (cause) {
        onFailure(identity.writer, cause);
      }
    };
    const source = {
      head: () => spool.head(BATCH_BYTES),
      sentTo: (number: number) => {
        guard(() => (isWritten ? spool.sentTo(number) : spool.forgetTo(number, false)));
        confirmations?.sent();
      },
    };
    const attempt = isWritten ? 1 + Math.floor(Math.random() * NEW_ATTEMPTS) : 0;
    const sender = new Sender(link, identity, source, clock, attempt);
    let confirmed = () => {};
    const isConfirmed = new Promise<void>((resolve) => {
      confirmed = resolve;
    });
    const confirmations = isWritten
      ? new Confirmations(spool, sender, clock, (number) => {
          guard(() => spool.forgetTo(number, false));
          if (spool.isEmpty) confirmed();
        })
      : undefined;
    try {
      if (confirmations !== undefined) await this.#hearOf(identity.subject, confirmations);
      await sender.run();
      if (confirmations !== undefined && !spool.isEmpty && !link.isClosed)
        await Promise.race([isConfirmed, link.whenClosed()]);
    } catch (cause) {
      onFailure(identity.writer, cause);
    } finally {
      confirmations?.close();
      this.#waiting.delete(identity.subject);
      onSent(count - spool.count);
      guard(() => spool.close());
    }
  }

  async #hearOf(subject: string, confirmations: Confirmations): Promise<void> {
    this.#waiting.set(subject, confirmations);
    this.#listenFor(await this.#adoption.link.engine(), subject);
  }

  #listenFor(engine: Engine, subject: string): void {
    engine.subscribe(
      positionSubject(this.#adoption.stream, subject),
      (data) => {
        const number = readPosition(data);
        if (number !== undefined) this.#waiting.get(subject)?.heard(number);
      },
      (error) => this.#adoption.onFailure(subject, error),
    );
  }
}
