import type { LogRecord } from "./record.js";

/** What a filter says: whether the record is wanted; or the record that is to be used in its place. */
export type Verdict = boolean | LogRecord;

/** Lets pass what it is asked for; a function, or an object that has one. */
export type FilterLike =
  | ((record: LogRecord) => Verdict)
  | {
      /** Asked of each record. */
      filter(record: LogRecord): Verdict;
    };

/** Lets pass the records of one logger and of those below it: "a.b" passes "a.b" and "a.b.c". */
export class Filter {
  /** Of the logger whose records pass. */
  readonly name: string;

  /** @param name "" passes everything */
  constructor(name = "") {
    this.name = name;
  }

  /** True for a record of that logger, or of one below it. */
  filter(record: LogRecord): Verdict {
    const { name } = this;
    return name === "" || record.name === name || record.name.startsWith(`${name}.`);
  }
}

/** What has filters: loggers and handlers. */
export class Filterer {
  /** Asked in this order. */
  filters: readonly FilterLike[] = [];

  /** Adds a filter, once. */
  addFilter(filter: FilterLike): void {
    if (!this.filters.includes(filter)) this.filters = [...this.filters, filter];
  }

  /** Takes a filter away, if it is there. */
  removeFilter(filter: FilterLike): void {
    this.filters = this.filters.filter((one) => one !== filter);
  }

  /** The record, or what a filter has put in its place; undefined when one does not let it pass. */
  filter(record: LogRecord): LogRecord | undefined {
    let current = record;
    for (const filter of this.filters) {
      const verdict = typeof filter === "function" ? filter(current) : filter.filter(current);
      if (!verdict) return undefined;
      if (typeof verdict === "object") current = verdict;
    }
    return current;
  }
}
