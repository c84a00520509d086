import { isOursToBelieve } from "../disk/permissions.js";
import { closing, FileStatus, type FileSystem, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } from "../platform/file-system.js";
import {
  type Entry,
  type Intent,
  readIntent,
  readSlot,
  SLOTS,
  type Slot,
  type StreamPlace,
  type WriterPlace,
} from "./cursor-format.js";

/** The state of a cursor that its slots and its intent say together. */
interface LoadedState {
  readonly intent: Intent;
  /** Where the last entry is; undefined when there is none. */
  readonly last: (Slot & { readonly entry: Entry }) | undefined;
  /** Bytes of the entry's batch that are in the log for certain. */
  readonly done: number;
  /** Why it may not say all that was noted, if so. */
  readonly damage: string | undefined;
}

export function loadState(fs: FileSystem, fd: number): LoadedState {
  const intent = readIntent(fs, fd);
  const slots = [readSlot(fs, fd, 0), readSlot(fs, fd, 1)];
  const [last] = slots
    .filter((slot): slot is Slot & { entry: Entry } => slot.entry !== undefined)
    .sort((a, b) => b.entry.generation - a.entry.generation);
  const generation = last?.entry.generation ?? 0;
  const done = intent.generation === generation ? intent.done : 0;
  const isUsed = slots.some((slot) => slot.isUsed);
  let damage: string | undefined;
  if (intent.generation > generation) damage = "what it noted last cannot be read any more";
  else if (last === undefined && isUsed && !isFirstEntry(fs, fd, slots)) damage = "nothing in it can be read";
  return { intent, last, done, damage };
}

/** True where a collector died over its first entry: nothing was appended before, since an intent precedes that. */
function isFirstEntry(fs: FileSystem, fd: number, [, second]: readonly Slot[]): boolean {
  const intents = Buffer.alloc(SLOTS);
  fs.read(fd, intents, 0, SLOTS, 0);
  return second?.isUsed === false && intents.every((byte) => byte === 0);
}

/** A cursor as it was at one moment, whoever has it. */
export interface CursorLook {
  /** Undefined when nothing was ever noted. */
  readonly place: StreamPlace | undefined;
  /** How far the writers are, by name. */
  readonly writers: ReadonlyMap<string, WriterPlace>;
  /** Records of the batch in hand that are not in the log yet, as far as was noted, and their bytes. */
  readonly left: { readonly records: number; readonly bytes: number };
  readonly damage: string | undefined;
}

/**
 * Looks into a cursor without its lock.
 * @param log whose writers are believed, and nobody else
 * @throws a system error, or an error that says who has made it
 */
export function lookInto(fs: FileSystem, log: string, path: string): CursorLook {
  return closing(fs, fs.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK), (fd) => {
    const status = new FileStatus();
    fs.statusOfOpen(fd, status);
    if (!status.isFile || !isOursToBelieve(fs, log, status)) throw new Error(NOT_OURS);
    const { last, done, damage } = loadState(fs, fd);
    const ends = (last?.entry.ends ?? []).filter((end) => end > done);
    const bytes = ends.length === 0 ? 0 : ends.at(-1)! - done;
    return {
      place: last?.entry.place,
      writers: new Map(last?.entry.writers),
      left: { records: ends.length, bytes },
      damage,
    };
  });
}

export const NOT_OURS = "others than the writers of the log may have made it";
