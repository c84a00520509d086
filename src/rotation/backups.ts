import type { Extension } from "../log-files/compression-formats.js";
import type { Backup } from "./retention.js";

/** Brings a file of the log from one path to another. */
export type Move = (from: string, to: string) => void;

/** What a change of the backups did: where the new ones are now, oldest first, and which had to go for them. */
export interface Insertion {
  readonly placed: string[];
  readonly removed: string[];
}

/** A compressed file that is to become a backup. */
export interface Unpublished {
  readonly path: string;
  /** See `Pending.place`. */
  readonly place: string;
}

/** How compressed files become backups: all that the sweep thread needs to know of them. */
export interface Publisher {
  /** False when this thread cannot tell the name that belongs to `place`. */
  canPublish(place: string): boolean;
  /** Renames compressed files, oldest first, to what they are called as backups. Called with the lock held. */
  publish(files: readonly Unpublished[], extension: Extension): Insertion;
  /** True when what belongs to `place` would get behind `file`, which is not where it was to be: the directory was copied. */
  isOvertaken(place: string, file: Unpublished, extension: Extension): boolean;
}

/** The rotated files of one log. */
export interface Backups {
  /** True when each look at them asks the user's namer for every name. */
  readonly asksForNames: boolean;
  /** Makes the active file the newest backup. Called with the lock held. */
  add(log: string, move: Move): Insertion;
  /**
   * Takes in the files that upstream has rotated and, since it was killed, not numbered. Called with the lock held: while
   * a rotation of upstream goes on, nobody has it.
   * @param extension of our compressed backups; a plain file waits to become one
   * @returns what these files were called
   */
  adopt(extension: Extension): string[];
  /** Where a file that is rotated now will belong when it is compressed. Called with the lock held. */
  place(extension: Extension): string;
  /**
   * All of them, with those that wait to be compressed, in the order in which they were made. Without the lock, others
   * may rename them meanwhile.
   * @param now seconds since 1970
   */
  list(now: number): Backup[];
  /** False when they are no more than that, as far as names tell: then there is no need to look at each file. */
  mayBeMoreThan(count: number): boolean;
  /** The publisher of the sweep thread. */
  publisher(): PublisherData;
}

/** A {@link Publisher} as data, for the sweep thread, to which a function cannot go. */
export interface PublisherData {
  readonly kind: "numbered" | "dated";
  /** How many backups are kept, where that is a matter of their numbers. */
  readonly count: number;
  /** By default name, what the user's namer makes of it; undefined when there is none. */
  readonly names: ReadonlyMap<string, string> | undefined;
}
