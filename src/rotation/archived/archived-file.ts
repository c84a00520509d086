import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { EXTENSIONS, FORMATS } from "../../log-files/compression-formats.js";
import type { ArchivedBackup } from "../../options/options.js";
import { nextTurn } from "../../platform/clock.js";
import type { FileSystem } from "../../platform/file-system.js";
import { readChunks } from "../../platform/read-chunks.js";

const CHUNK_BYTES = 64 * 1024;

/** How records end in a log, in bytes. */
interface Terminator {
  readonly bytes: Buffer;
  /** Of one character of the encoding; a terminator begins at a multiple of it. */
  readonly unit: number;
}

/** A backup while the hook has it: read by its descriptor, whatever the file is called meanwhile. */
export class ArchivedFile implements ArchivedBackup {
  readonly path: string;
  readonly bytes: number;
  readonly period: string | undefined;
  readonly signal: AbortSignal;
  readonly #fs: FileSystem;
  readonly #terminator: () => Terminator;
  readonly #fd: number;
  #isOpen = true;
  /** The hook does not depend on the name. */
  wasStreamed = false;

  /** @param fd of the file, open until {@link end} is called */
  constructor(
    fs: FileSystem,
    fd: number,
    terminator: () => Terminator,
    { path, bytes, period, signal }: Pick<ArchivedBackup, "path" | "bytes" | "period" | "signal">,
  ) {
    this.#fs = fs;
    this.#fd = fd;
    this.#terminator = terminator;
    this.path = path;
    this.bytes = bytes;
    this.period = period;
    this.signal = signal;
  }

  stream(): Readable {
    this.wasStreamed = true;
    return Readable.from(this.#chunks(), { objectMode: false });
  }

  async sha256(): Promise<string> {
    const hash = createHash("sha256");
    for await (const chunk of this.#chunks()) hash.update(chunk);
    return hash.digest("hex");
  }

  async records(): Promise<number> {
    const extension = EXTENSIONS.find((one) => one !== "" && this.path.endsWith(one));
    const format = Object.values(FORMATS).find((one) => one.extension === extension);
    if (format === undefined) return count(this.#chunks(), this.#terminator());
    if (format.open === undefined)
      throw new Error(`Node ${process.versions.node} cannot decompress ${extension}: records are not counted`);
    return pipeline(this.#chunks(), format.open(), (plain: AsyncIterable<Buffer>) => count(plain, this.#terminator()));
  }

  end(): void {
    this.#isOpen = false;
  }

  /** The event loop turns between two of them. */
  async *#chunks(): AsyncGenerator<Buffer, void, void> {
    const check = () => {
      if (!this.#isOpen) throw new Error(`${this.path} is read after the hook has ended`);
    };
    check(); // the descriptor may be that of another file by now
    for (const chunk of readChunks(this.#fs, this.#fd, CHUNK_BYTES)) {
      yield chunk;
      await nextTurn();
      check();
    }
  }
}

async function count(chunks: AsyncIterable<Buffer>, { bytes: terminator, unit }: Terminator): Promise<number> {
  let records = 0;
  let before = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const bytes = Buffer.concat([rest, chunk]);
    let start = 0;
    for (let at = bytes.indexOf(terminator); at !== -1; at = bytes.indexOf(terminator, start)) {
      const isOne = (before + at) % unit === 0;
      if (isOne) records++;
      start = at + (isOne ? terminator.length : 1);
    }
    start = Math.max(start, bytes.length - terminator.length + 1);
    rest = bytes.subarray(start);
    before += start;
  }
  return records;
}
