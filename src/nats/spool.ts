import { joined, lastOf, type Shipment } from "./shipment.js";
import type { SpoolFile } from "./spool-file.js";
import { DamagedFrame, type SpoolIdentity } from "./spool-format.js";

/** When a file has so many bytes, the next one is begun: what is sent is deleted by whole files. */
const FILE_BYTES = 16 * 1024 ** 2;

/** Where files of spools are made. */
export interface SpoolMaker {
  create(identity: SpoolIdentity, index: number): SpoolFile;
}

/** The records that one writer has on the local disk, in the order of their numbers: those that are sent, and those still needed. */
export class Spool {
  readonly identity: SpoolIdentity;
  readonly #maker: SpoolMaker;
  readonly #onDamage: (path: string, cause: unknown) => void;
  /** Oldest first. */
  readonly #files: SpoolFile[];
  #made = 0;
  /** The first frame that is not sent. */
  #next: { file: number; place: number };
  /** Numbers of the last record that is not needed any more, of the last that is sent, and of the last that is here. */
  #forgotten = 0;
  #sent = 0;
  #last = 0;

  /**
   * @param files of a process that has ended
   * @param onDamage is told of a file that the disk does not give back, and that was put aside
   */
  constructor(
    identity: SpoolIdentity,
    maker: SpoolMaker,
    onDamage: (path: string, cause: unknown) => void,
    files: readonly SpoolFile[] = [],
  ) {
    this.identity = identity;
    this.#maker = maker;
    this.#onDamage = onDamage;
    this.#files = [...files];
    this.#next = { file: 0, place: files[0]?.start ?? 0 };
    const numbers = files.flatMap(({ found }) => found ?? []);
    this.#forgotten = this.#sent = (numbers[0]?.first ?? 1) - 1;
    this.#last = numbers.at(-1)?.last ?? this.#forgotten;
  }

  /** True when nothing in it is needed. */
  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** Records that are still needed. */
  get count(): number {
    return this.#last - this.#forgotten;
  }

  /** Bytes on the disk. */
  get size(): number {
    return this.#files.reduce((sum, { size }) => sum + size, 0);
  }

  /** Number of the last record that was sent. */
  get sent(): number {
    return this.#sent;
  }

  /** Number of the last record that is in it. */
  get last(): number {
    return this.#last;
  }

  /** Number of the last record that is not needed any more. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /**
   * Adds records that follow on the others; all or none.
   * @throws a system error
   */
  append(shipment: Shipment): void {
    let file = this.#files.at(-1);
    if (file === undefined || file.size >= FILE_BYTES) {
      file = this.#maker.create(this.identity, ++this.#made);
      this.#files.push(file);
      if (this.#files.length === 1) this.#next = { file: 0, place: file.start };
    }
    file.append(shipment);
    if (this.isEmpty) this.#forgotten = this.#sent = shipment.first - 1;
    this.#last = lastOf(shipment);
  }

  /** The first records that are not sent, in about so many bytes; undefined when all are. */
  head(bytes: number): Shipment | undefined {
    const found: Shipment[] = [];
    let length = 0;
    for (let { file, place } = this.#next; file < this.#files.length; ) {
      const frame = this.#frameAt(file, place);
      if (frame === "damaged") return this.head(bytes);
      if (frame === "unreadable") break;
      if (frame === undefined) {
        file++;
        place = this.#files[file]?.start ?? 0;
        continue;
      }
      const { shipment } = frame;
      const before = found.at(-1);
      const follows = before === undefined || shipment.first === lastOf(before) + 1;
      if (!follows || (length > 0 && length + shipment.bytes.length > bytes)) break;
      found.push(shipment);
      length += shipment.bytes.length;
      place = frame.end;
    }
    return found.length === 0 ? undefined : joined(found);
  }

  /** Records up to this one are sent. */
  sentTo(number: number): void {
    this.#next = this.#passed(this.#next, number);
    this.#sent = Math.max(this.#sent, number);
  }

  /**
   * Records up to this one are not needed any more.
   * @param isDone no others are expected soon: the last file is deleted as well when all of it is done
   */
  forgetTo(number: number, isDone: boolean): void {
    if (number > this.#sent) this.sentTo(number);
    if (this.#files.length === 0) return;
    const { file, place } = this.#passed({ file: 0, place: this.#files[0]!.start }, number);
    this.#forgotten = Math.min(Math.max(this.#forgotten, number), this.#last);
    const done = this.#files.splice(0, file);
    this.#next = { file: Math.max(0, this.#next.file - file), place: this.#next.place };
    // What the disk refuses now is only sent again by others, and told apart by its numbers.
    for (const each of done) each.remove();
    if (isDone && this.isEmpty) this.close();
    else this.#files[0]?.forgetTo(place);
  }

  /** The first records that are still needed, sent or not. */
  first(): Shipment | undefined {
    const frame = this.#files.length === 0 ? undefined : this.#frameAt(0, this.#files[0]!.start);
    return typeof frame === "string" ? undefined : frame?.shipment;
  }

  /** Sends again all that is still needed. */
  rewind(): void {
    this.#next = { file: 0, place: this.#files[0]?.start ?? 0 };
    this.#sent = this.#forgotten;
  }

  /** Gives it up: what is still needed of it is left for others. */
  close(): void {
    const { isEmpty } = this;
    for (const file of this.#files.splice(0)) isEmpty ? file.remove() : file.close();
    this.#next = { file: 0, place: 0 };
    this.#forgotten = this.#sent = this.#last;
  }

  /** Behind all frames whose last record is not behind `number`. */
  #passed({ file, place }: { file: number; place: number }, number: number): { file: number; place: number } {
    for (let at = { file, place }; at.file < this.#files.length; ) {
      const frame = this.#frameAt(at.file, at.place);
      if (frame === "damaged") return this.#next;
      if (frame === "unreadable") return at;
      if (frame === undefined) {
        if (at.file + 1 === this.#files.length) return at;
        at = { file: at.file + 1, place: this.#files[at.file + 1]!.start };
      } else if (lastOf(frame.shipment) <= number) at = { file: at.file, place: frame.end };
      else return at;
    }
    return { file, place };
  }

  /** Throws nothing: it is called when nobody is there to catch. */
  #frameAt(index: number, place: number): ReturnType<SpoolFile["frameAt"]> | "damaged" | "unreadable" {
    const file = this.#files[index]!;
    try {
      return file.frameAt(place);
    } catch (cause) {
      if (!(cause instanceof DamagedFrame)) {
        this.#onDamage(file.path, cause); // it may be readable again
        return "unreadable";
      }
      this.#files.splice(index, 1);
      this.#next = { file: 0, place: this.#files[0]?.start ?? 0 };
      this.#setAside(file, cause);
      return "damaged";
    }
  }

  #setAside(file: SpoolFile, cause: DamagedFrame): void {
    try {
      file.setAside();
      this.#onDamage(`${file.path}.damaged`, cause);
    } catch (error) {
      this.#onDamage(file.path, error);
    }
  }
}
