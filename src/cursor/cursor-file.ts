import type { Mount } from "../disk/mount.js";
import { isOursToBelieve } from "../disk/permissions.js";
import { FilePath, FileStatus } from "../platform/file-system.js";
import { Batch, type Journal } from "../records/batch.js";
import type { CountAppended } from "../spill/appended-records.js";
import { openLocked } from "../spill/locked-file.js";
import {
  type Entry,
  entryToBytes,
  hasRoom,
  type Intent,
  newIntent,
  readIntent,
  type StreamPlace,
  startOfSlot,
  type WriterPlace,
  writeIntent,
} from "./cursor-format.js";
import { loadState, NOT_OURS } from "./cursor-state.js";

// Of so many a slot is still mostly room for what changes: 70 bytes each.
const MOST_WRITERS = 50_000;

const NEW_PLACE: StreamPlace = { stream: "", sequence: 0, seen: 0, isComplete: true };

/** A batch that is about to be appended, and the place after it: both are noted before. */
export interface Stage {
  readonly place: StreamPlace;
  /** Writers that are further than before. */
  readonly writers: ReadonlyMap<string, WriterPlace>;
  /** The batch: whole records, one after another, and where each ends. */
  readonly bytes: Buffer;
  readonly ends: number[];
}

/**
 * Where a collector is in its stream, and the batch that it is just appending, with its journal: so that who comes after
 * a kill finds out from the log itself how much of it is there. It belongs to the process that has it locked.
 */
export class CursorFile implements Journal {
  readonly path: string;
  readonly #mount: Mount;
  readonly #fd: number;
  readonly #isSynced: boolean;
  readonly #writers = new Map<string, WriterPlace>();
  #generation = 0;
  #slot = 1;
  #end = Number.POSITIVE_INFINITY;
  #intent = newIntent();
  #place = NEW_PLACE;
  #batch = new Batch();
  /** Why it may not say all that was noted, if so. */
  damage: string | undefined;
  /** Writers that were silent for longer are forgotten, in milliseconds. */
  keepWriters = Number.POSITIVE_INFINITY;

  private constructor(path: string, mount: Mount, fd: number, isSynced: boolean) {
    this.path = path;
    this.#mount = mount;
    this.#fd = fd;
    this.#isSynced = isSynced;
  }

  /**
   * Takes over a cursor whose collector has ended, and settles what that may have left open; undefined when it lives, or
   * there is none. Called with the lock of the log held: one that is locked then has nothing to settle.
   * @param log whose writers are believed, and nobody else
   * @param isSynced whether the disk is waited for
   * @throws a system error, or an error that says who has made it
   */
  static adopt(
    path: string,
    log: string,
    mount: Mount,
    isSynced: boolean,
    countAppended: CountAppended,
  ): CursorFile | undefined {
    return openLocked(path, mount, (fd) => {
      const cursor = new CursorFile(path, mount, fd, isSynced);
      if (!cursor.#isToBelieve(log)) return undefined;
      cursor.#load();
      cursor.#settle(countAppended);
      return cursor;
    });
  }

  /** The same of one that nobody reads on: only what it may have left open. */
  static settle(path: string, log: string, mount: Mount, countAppended: CountAppended): void {
    openLocked(path, mount, (fd): undefined => {
      const cursor = new CursorFile(path, mount, fd, mount.isRemote);
      if (readIntent(mount.fs, fd).end === 0 || !cursor.#isToBelieve(log)) return;
      cursor.#load();
      cursor.#settle(countAppended);
    });
  }

  get place(): StreamPlace {
    return this.#place;
  }

  /** True when nothing was ever noted. */
  get isNew(): boolean {
    return this.#generation === 0;
  }

  /** How far the writers are, by name. */
  get writers(): ReadonlyMap<string, WriterPlace> {
    return this.#writers;
  }

  /** The records that were staged last and are not in the log yet. */
  get batch(): Batch {
    return this.#batch;
  }

  /**
   * Notes a batch, and where the stream is when that is in the log. The one before it must be there.
   * @returns the batch, to be committed
   * @throws a system error: then nothing has changed
   */
  stage(stage: Stage): Batch {
    const { place, writers, bytes, ends } = stage;
    const changes: Entry = {
      generation: this.#generation + 1,
      place,
      isWhole: false,
      writers: [...writers],
      bytes,
      ends,
    };
    const entry = entryToBytes(changes);
    if (hasRoom(this.#slot, this.#end, entry.length)) this.#append(entry, changes, this.#slot, this.#end);
    else if (!this.#stageIn(1 - this.#slot, changes)) {
      // Only slot 1 has room for any batch: what is known already goes into the other one first.
      this.#stageIn(0, { ...changes, place: this.#place, writers: [], bytes: Buffer.alloc(0), ends: [] });
      return this.stage(stage);
    }
    return this.#batch;
  }

  /** Called with the lock of the log held. */
  begin(file: FileStatus, offset: number, end: number): void {
    this.#note({ file, offset, end });
  }

  /** Called with the lock of the log held. */
  end(written: number): void {
    this.#note({ done: written, end: 0 });
  }

  /** Gives it up: another collector goes on. */
  close(): void {
    this.#mount.close(this.#fd);
  }

  /** Begins a slot, with all writers that are not forgotten; false where it has no room for that. */
  #stageIn(slot: number, changes: Entry): boolean {
    const all = new Map([...this.#writers, ...changes.writers]);
    const known = youngest([...all], this.keepWriters);
    const isComplete = changes.place.isComplete && known.length === all.size;
    const whole = { ...changes, isWhole: true, place: { ...changes.place, isComplete }, writers: known };
    const entry = entryToBytes(whole);
    if (slot === 0 && !hasRoom(0, startOfSlot(0), entry.length)) return false;
    this.#append(entry, whole, slot, startOfSlot(slot));
    return true;
  }

  #append(entry: Buffer, said: Entry, slot: number, at: number): void {
    this.#write(() => this.#mount.fs.writeAt(this.#fd, entry, at));
    this.#slot = slot;
    this.#end = at + entry.length;
    this.#take(said, 0);
  }

  /** Makes what an entry says the state of this. */
  #take({ generation, place, isWhole, writers, bytes, ends }: Entry, done: number): void {
    this.#generation = generation;
    this.#place = place;
    if (isWhole) this.#writers.clear();
    for (const [name, writer] of writers) this.#writers.set(name, writer);
    this.#batch = new Batch(bytes, [...ends]);
    this.#batch.advanceTo(done);
    this.#batch.journal = this;
  }

  #isToBelieve(log: string): boolean {
    const { fs } = this.#mount;
    const [opened, there] = [new FileStatus(), new FileStatus()];
    fs.statusOfOpen(this.#fd, opened);
    if (!fs.status(new FilePath(this.path), there) || !there.isSameFile(opened)) return false; // removed since
    if (opened.isFile && isOursToBelieve(fs, log, opened)) return true;
    throw new Error(NOT_OURS);
  }

  #load(): void {
    const { intent, last, done, damage } = loadState(this.#mount.fs, this.#fd);
    this.#intent = intent;
    this.damage = damage;
    if (last !== undefined) {
      this.#slot = last.index;
      this.#end = last.end;
      this.#take(last.entry, done);
    }
    if (intent.generation > this.#generation) {
      this.#generation = intent.generation; // and what comes next is not taken for the same
      this.#end = Number.POSITIVE_INFINITY;
    }
  }

  /** How much of what was about to be appended is in the log? */
  #settle(countAppended: CountAppended): void {
    const { generation, done, end, file, offset } = this.#intent;
    if (end === 0) return;
    const count = this.#batch.countTo(end);
    if (generation !== this.#generation || this.damage !== undefined || count === 0) return;
    const records = [...this.#batch.records()].slice(0, count);
    const found = countAppended(file, offset, records);
    const length = records.slice(0, found).reduce((sum, record) => sum + record.length, 0);
    this.#batch.advanceTo(done + length);
    this.end(done + length);
  }

  #note(change: Partial<Intent>): void {
    const { generation, done } = this.#intent;
    const before = generation === this.#generation ? done : 0;
    const intent = { ...this.#intent, done: before, ...change, generation: this.#generation };
    intent.serial++;
    this.#write(() => writeIntent(this.#mount.fs, this.#fd, intent));
    this.#intent = intent;
  }

  #write(write: () => void): void {
    write();
    if (this.#isSynced) this.#mount.fs.fdatasync(this.#fd);
  }
}

/** Those that were heard of lately, by the time of the stream, as far as there is room for them. */
function youngest(
  writers: (readonly [name: string, place: WriterPlace])[],
  keep: number,
): (readonly [name: string, place: WriterPlace])[] {
  const newest = writers.reduce((latest, [, { time }]) => Math.max(latest, time), 0);
  const young = writers.filter(([, { time }]) => newest - time <= keep);
  return young.length <= MOST_WRITERS ? young : young.sort((a, b) => b[1].time - a[1].time).slice(0, MOST_WRITERS);
}
