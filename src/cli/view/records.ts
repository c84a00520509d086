import { nextTurn } from "../../platform/clock.js";
import { Block, type LogRecord } from "../../reading/records/block.js";
import type { LineFormat } from "../../reading/records/line-format.js";
import { WholeRecords } from "../../reading/records/whole-records.js";
import { Filter, formatOf, isByRecord, type Selection } from "../../reading/selection.js";
import type { OnProgress, Parts } from "./parts.js";

const PAGE = 256 * 1024;
// So far from a page, lines are looked at that may belong to the same records.
const MARGIN = 64 * 1024;
const LONGEST_LINE = 1024 ** 2;
const MOST_KEPT = 24;
// Milliseconds between two turns of the event loop, in which somebody may end what takes long.
const TURN = 20;

/** A record: which part of the log has it, on which page, and as the how manieth there. */
export interface Place {
  readonly part: number;
  readonly page: number;
  readonly index: number;
}

interface Range {
  readonly start: number;
  readonly bytes: Buffer;
}

/**
 * The records of a log that are wanted, found from any place in both directions. A file is cut into pages of one length:
 * a record is on the page on which it begins, so that no place depends on how one came there.
 */
export class Records {
  readonly #parts: Parts;
  readonly #format: LineFormat;
  readonly #onProgress: OnProgress;
  readonly #now: () => number;
  #selection: Selection = {};
  #filter: Filter | undefined;
  /** The page that was asked for last at the end. */
  readonly #pages = new Map<string, readonly LogRecord[]>();
  #turnAt = 0;

  constructor(parts: Parts, format: LineFormat, onProgress: OnProgress, now: () => number) {
    this.#parts = parts;
    this.#format = format;
    this.#onProgress = onProgress;
    this.#now = now;
  }

  get selection(): Selection {
    return this.#selection;
  }

  /** From now on, others are wanted. @throws {LogFileError} `ERR_CLH_OPTION` */
  select(selection: Selection): void {
    this.#filter = isByRecord(selection) ? new Filter(selection) : undefined;
    this.#selection = selection;
    this.#pages.clear();
  }

  /** More has come: the last page may have more records. */
  grown(): void {
    this.#pages.clear();
  }

  async at({ part, page, index }: Place): Promise<LogRecord> {
    return (await this.#page(part, page))[index]!;
  }

  /** The first record that begins there or later; undefined behind the last one. */
  async from(part: number, offset: number): Promise<Place | undefined> {
    if (part >= this.#parts.count) return undefined;
    const page = Math.floor(offset / PAGE);
    const index = (await this.#page(part, page)).findIndex((record) => record.offset >= offset);
    return index === -1 ? this.#firstFrom(part, page + 1) : { part, page, index };
  }

  first(): Promise<Place | undefined> {
    return this.#firstFrom(0, 0);
  }

  async last(): Promise<Place | undefined> {
    const part = this.#parts.count - 1;
    if (part < 0) return undefined;
    return this.#lastTo(part, await this.#lastPage(part));
  }

  async next({ part, page, index }: Place): Promise<Place | undefined> {
    const records = await this.#page(part, page);
    return index + 1 < records.length ? { part, page, index: index + 1 } : this.#firstFrom(part, page + 1);
  }

  async previous({ part, page, index }: Place): Promise<Place | undefined> {
    return index > 0 ? { part, page, index: index - 1 } : this.#lastTo(part, page - 1);
  }

  /** The next record of which a line matches, in this direction; undefined when there is none. */
  async search(from: Place | undefined, pattern: RegExp, isBackward: boolean): Promise<Place | undefined> {
    let asked = "";
    for (let place = from; place !== undefined; ) {
      const { part, page }: Place = place;
      if (asked !== `${part} ${page}` && !(await this.#mayMatch(part, page, pattern))) {
        place = await (isBackward ? this.#lastTo(part, page - 1) : this.#firstFrom(part, page + 1));
        continue;
      }
      asked = `${part} ${page}`;
      if (pattern.test((await this.at(place)).text)) return place;
      place = await (isBackward ? this.previous(place) : this.next(place));
    }
    return undefined;
  }

  /** The first record of this time or later, where times grow; undefined when all are older. */
  async since(time: number): Promise<Place | undefined> {
    for (let part = 0; part < this.#parts.count; part++) {
      const { kind, status } = this.#parts.fileOf(part);
      if (kind !== "active" && status.modifiedAt * 1000 < time) continue;
      let low = 0;
      for (let high = await this.#lastPage(part); low < high; ) {
        const middle = Math.ceil((low + high) / 2);
        const first = (await this.#unfiltered(part, middle)).find((record) => record.time !== undefined);
        if (first === undefined || first.time! >= time) high = middle - 1;
        else low = middle;
      }
      for (let page = low; page <= (await this.#lastPage(part)); page++) {
        const found = (await this.#unfiltered(part, page)).find(
          (record) => (record.time ?? Number.NEGATIVE_INFINITY) >= time,
        );
        if (found !== undefined) return this.from(part, found.offset);
      }
    }
    return undefined;
  }

  /** How much of the log stands before a byte of a part, in percents. */
  percentOf(part: number, offset: number): number {
    const within = this.#parts.weightOf(part) * (offset / Math.max(1, this.#parts.sizeOf(part)));
    return (100 * (this.#weightBefore(part) + within)) / Math.max(1, this.#weightBefore(this.#parts.count));
  }

  /** The first record behind so many percents of the log. */
  async atPercent(percent: number): Promise<Place | undefined> {
    const wanted = (percent / 100) * this.#weightBefore(this.#parts.count);
    let part = 0;
    while (part + 1 < this.#parts.count && this.#weightBefore(part + 1) <= wanted) part++;
    const share = (wanted - this.#weightBefore(part)) / Math.max(1, this.#parts.weightOf(part));
    await this.#parts.ready(part);
    return (await this.from(part, Math.floor(share * this.#parts.sizeOf(part)))) ?? (await this.last());
  }

  #weightBefore(part: number): number {
    let weight = 0;
    for (let i = 0; i < part; i++) weight += this.#parts.weightOf(i);
    return weight;
  }

  async #lastPage(part: number): Promise<number> {
    await this.#parts.ready(part);
    return Math.floor(Math.max(0, this.#parts.sizeOf(part) - 1) / PAGE);
  }

  async #firstFrom(firstPart: number, firstPage: number): Promise<Place | undefined> {
    for (let part = firstPart, page = firstPage; part < this.#parts.count; part++, page = 0)
      for (const last = await this.#lastPage(part); page <= last; page++)
        if ((await this.#page(part, page)).length > 0) return { part, page, index: 0 };
    return undefined;
  }

  async #lastTo(lastPart: number, lastPage: number): Promise<Place | undefined> {
    for (let part = lastPart, page = lastPage; ; page = await this.#lastPage(part)) {
      for (; page >= 0; page--) {
        const { length } = await this.#page(part, page);
        if (length > 0) return { part, page, index: length - 1 };
      }
      if (--part < 0) return undefined;
    }
  }

  async #page(part: number, page: number): Promise<readonly LogRecord[]> {
    const name = `${part} ${page}`;
    const records = this.#pages.get(name) ?? (await this.#load(part, page));
    this.#pages.delete(name);
    this.#pages.set(name, records);
    if (this.#pages.size > MOST_KEPT) this.#pages.delete(this.#pages.keys().next().value!);
    return records;
  }

  async #load(part: number, page: number): Promise<readonly LogRecord[]> {
    await this.#turn(part, page);
    const filter = this.#filter;
    if (filter === undefined) return this.#unfiltered(part, page);
    const from = page * PAGE;
    // A record that begins on a page may go on behind it, and the first line of a page may belong to a record before it.
    const { start, bytes } = await this.#lines(part, Math.max(0, from - MARGIN), from + PAGE + MARGIN);
    const whole = new WholeRecords(formatOf(this.#selection));
    const block = new Block(this.#parts.fileOf(part).path, start, bytes, true, this.#format);
    const records = [...whole.of(block), ...whole.end()];
    return [...filter.of(records.filter(({ offset }) => offset >= from && offset < from + PAGE))];
  }

  async #unfiltered(part: number, page: number): Promise<readonly LogRecord[]> {
    const { start, bytes } = await this.#lines(part, page * PAGE, (page + 1) * PAGE);
    return [...new Block(this.#parts.fileOf(part).path, start, bytes, true, this.#format).records()];
  }

  /**
   * False when no line of a page can match, which all of them together tell, unless a pattern asks for what is not there. A
   * page of which only some records are wanted is not asked.
   */
  async #mayMatch(part: number, page: number, pattern: RegExp): Promise<boolean> {
    if (this.#filter !== undefined || /\(\?<?!/.test(pattern.source)) return true;
    await this.#turn(part, page);
    return pattern.test(this.#format.decode((await this.#lines(part, page * PAGE, (page + 1) * PAGE)).bytes));
  }

  /** The lines that begin within these bytes of a part. */
  async #lines(part: number, from: number, to: number): Promise<Range> {
    const { end } = this.#format;
    const before = from === 0 ? 0 : end.length; // of the terminator behind which a line begins
    const bytes = await this.#parts.read(part, from - before, to - from + before + LONGEST_LINE);
    const first = before === 0 ? 0 : this.#format.endOf(bytes, 0);
    if (first === -1 || first - before >= to - from) return { start: to, bytes: bytes.subarray(0, 0) };
    const limit = to - from + before;
    const last = bytes.length <= limit ? -1 : this.#format.endOf(bytes, limit - end.length);
    const stop = last === -1 ? bytes.length : last;
    return { start: from - before + first, bytes: bytes.subarray(first, stop) };
  }

  /** Lets others have a turn now and then, and tells how far this has come. */
  async #turn(part: number, page: number): Promise<void> {
    const now = this.#now();
    if (now - this.#turnAt < TURN) return;
    this.#turnAt = now;
    this.#onProgress("looking", this.percentOf(part, page * PAGE) / 100);
    await nextTurn();
  }
}
