/*
 * Records that cross from the thread that logs to the one that writes, through memory that both see: their bytes one
 * after another in a ring, their lengths in another one. One side only writes, the other only reads. What the reader has
 * begun to append to which file is noted here too, so that who comes after a reader that was lost knows what is done.
 */

/** What both threads share; crosses between them by structured clone. */
export interface RingMemory {
  readonly control: SharedArrayBuffer;
  readonly lengths: SharedArrayBuffer;
  readonly bytes: SharedArrayBuffer;
  /** Of the handler in the other thread: see `Counts`. */
  readonly counts: SharedArrayBuffer;
}

// Places in `control`, 32 bits each. Numbers of records count on and on, and wrap around.
/** Records that were put in, and taken out. */
export const HEAD = 0;
export const TAIL = 1;
/** Where in `bytes` the oldest record may begin: before it all is free. */
export const BYTE_TAIL = 2;
/** Who changes the tail now. */
export const OWNER = 3;
/** The reader waits to be woken; changes when it is. */
export const IS_ASLEEP = 4;
export const WAKE = 5;
/** Changes with each attempt of the reader to write. */
export const PROGRESS = 6;
/** The writer wants to be told of progress. */
export const IS_AWAITED = 7;
/** Records that the writer has dropped, and that have no marker yet. */
export const DROPPED = 8;
/** Records in the spill of the reader. */
export const SPILLED = 9;
/** Which spill that is; see `spillPath`. */
export const SPILL_ID = 18;
/** Records that are being appended (or put into a spill), from which tail on, and where: inode and device, offset in two halves. */
export const INTENT = 10;
export const INTENT_TAIL = 11;
export const INTENT_FILE = 12;
export const INTENT_OFFSET = 16;
/** The reader will not touch this memory any more. */
export const IS_LEFT = 18;
const CONTROL_BYTES = 128;

export const NOBODY = 0;
export const READER = 1;
export const WRITER = 2;

// For how many bytes there is room for one more record.
const BYTES_PER_RECORD = 32;
const FEWEST_RECORDS = 1024;

/** Of closed handlers, for those to come: garbage collection does not see how much memory this is. */
const retired: RingMemory[] = [];
const MOST_FREE = 16;
// Those that a reader has not left yet take no memory from anybody, but a reader that was lost never leaves.
const MOST_RETIRED = 64;

/** Gives back what {@link takeRingMemory} gave. It is used again when the reader has left it. */
export function retireRingMemory(memory: RingMemory): void {
  const free = retired.filter(isFree);
  if (free.length >= MOST_FREE) retired.splice(retired.indexOf(free[0]!), 1);
  else if (retired.length >= MOST_RETIRED) retired.shift();
  retired.push(memory);
}

function isFree({ control }: RingMemory): boolean {
  return Atomics.load(new Int32Array(control), IS_LEFT) === 1;
}

/** Memory for a ring of so many bytes, which is empty. */
export function takeRingMemory(bytes: number, counts: number): RingMemory {
  const at = retired.findIndex((memory) => memory.bytes.byteLength === bytes && isFree(memory));
  if (at < 0) return makeRingMemory(bytes, counts);
  const [memory] = retired.splice(at, 1);
  new Int32Array(memory!.control).fill(0);
  new Float64Array(memory!.counts).fill(0);
  return memory!;
}

function makeRingMemory(bytes: number, counts: number): RingMemory {
  const records = 2 ** Math.ceil(Math.log2(Math.max(FEWEST_RECORDS, bytes / BYTES_PER_RECORD)));
  return {
    control: new SharedArrayBuffer(CONTROL_BYTES),
    lengths: new SharedArrayBuffer(records * 4),
    bytes: new SharedArrayBuffer(bytes),
    counts: new SharedArrayBuffer(counts * 8),
  };
}

/** What both sides do. */
export class Ring {
  readonly control: Int32Array;
  readonly controlBytes: Buffer;
  readonly lengths: Int32Array;
  readonly bytes: Buffer;
  readonly mask: number;

  constructor({ control, lengths, bytes }: RingMemory) {
    this.control = new Int32Array(control);
    this.controlBytes = Buffer.from(control);
    this.lengths = new Int32Array(lengths);
    this.bytes = Buffer.from(bytes);
    this.mask = this.lengths.length - 1;
  }

  load(place: number): number {
    return Atomics.load(this.control, place);
  }

  /** Records in it. */
  get count(): number {
    return (this.load(HEAD) - this.load(TAIL)) | 0;
  }

  /** Where the record of this number is; a negative length says that it is at the start, the end having no room. */
  startOf(record: number, after: number): number {
    return this.lengths[record & this.mask]! < 0 ? 0 : after;
  }

  lengthOf(record: number): number {
    return Math.abs(this.lengths[record & this.mask]!);
  }

  /** Takes out the next `count` records. Called by the owner. */
  release(count: number): void {
    if (count <= 0) return; // somebody has taken over, and taken them out
    let tail = this.load(TAIL);
    let at = this.load(BYTE_TAIL);
    for (const end = (tail + count) | 0; tail !== end; tail = (tail + 1) | 0) {
      at = this.startOf(tail, at) + this.lengthOf(tail);
    }
    // In this order, and loaded in the other one: who comes between them sees less room than there is, never none.
    Atomics.store(this.control, TAIL, tail);
    Atomics.store(this.control, BYTE_TAIL, at);
  }

  wake(): void {
    Atomics.store(this.control, IS_ASLEEP, 0);
    Atomics.add(this.control, WAKE, 1);
    Atomics.notify(this.control, WAKE);
  }

  /** The tail is nobody's, if it was `owner`'s. */
  letGo(owner: number): void {
    Atomics.compareExchange(this.control, OWNER, owner, NOBODY);
    Atomics.notify(this.control, OWNER);
  }
}
