import { EventEmitter } from "node:events";
import type { LogFileError } from "../../src/base/errors.js";
import type { Gap } from "../../src/collect/collector.js";
import { Drain } from "../../src/collect/drain.js";
import type { StreamMessage, StreamSource, StreamState } from "../../src/collect/stream-message.js";
import type { CursorFile, Stage } from "../../src/cursor/cursor-file.js";
import { News } from "../../src/events/event-queue.js";
import type { HandlerEvents } from "../../src/events/handler-events.js";
import type { RotatingFileHandlerOptions } from "../../src/options/options.js";
import { resolveRotatingOptions } from "../../src/options/resolve-options.js";
import { type Environment, systemEnvironment } from "../../src/platform/environment.js";
import { Batch } from "../../src/records/batch.js";
import { LogWriter } from "../../src/writer/log-writer.js";
import { recordOf } from "./log-oracle.js";

/* A collector of messages that are there already, without any engine. */

export const STREAM = "logs";

/** A message with the records `first` to `first + count - 1` of a writer, counted from 1: those of the oracle count from 0. */
export function numbered(sequence: number, writer: string, first: number, count: number): StreamMessage {
  const records = Array.from({ length: count }, (_, i) => `${recordOf(writer, first - 1 + i)}\n`);
  return { sequence, time: sequence, bytes: Buffer.from(records.join("")), records: { writer, first, count } };
}

/** A message with one record of somebody who does not number his. */
export function unnumbered(sequence: number, writer: string, number: number): StreamMessage {
  return { sequence, time: sequence, bytes: Buffer.from(recordOf(writer, number)) };
}

/** A stream of prepared messages. */
class PreparedSource implements StreamSource {
  readonly stream: string = STREAM;
  readonly #messages: readonly StreamMessage[];
  readonly #onEnd: () => void;
  readonly #atATime: number;
  state: StreamState;

  /**
   * @param onEnd called when all messages were read
   * @param atATime messages that come in one turn of the event loop
   */
  constructor(messages: readonly StreamMessage[], onEnd: () => void, atATime = Number.POSITIVE_INFINITY) {
    this.#messages = messages;
    this.#onEnd = onEnd;
    this.#atATime = atATime;
    this.state = { identity: "one", first: 1, last: messages.at(-1)?.sequence ?? 0 };
  }

  async look(): Promise<StreamState> {
    return this.state;
  }

  read(sequence: number): AsyncIterator<StreamMessage> {
    const left = this.#messages.filter((message) => message.sequence > sequence);
    let given = 0;
    return {
      next: async () => {
        if (++given % this.#atATime === 0) for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
        const value = left.shift();
        if (value !== undefined) return { value, done: false };
        this.#onEnd();
        return { value: undefined, done: true };
      },
    };
  }
}

export interface Collected {
  readonly gaps: Gap[];
  readonly errors: LogFileError[];
  readonly warnings: LogFileError[];
  /** Writers that want to hear how far they are. */
  readonly asked: string[];
  readonly counts: Drain["counts"];
}

export interface Collecting {
  readonly log: string;
  readonly messages: readonly StreamMessage[];
  readonly options?: RotatingFileHandlerOptions;
  readonly environment?: Environment;
  readonly double?: CollectorDouble;
  readonly atATime?: number;
  readonly state?: StreamState;
}

/** Collects all messages into a log, and ends. */
export async function collectAll({
  log,
  messages,
  options = {},
  environment = systemEnvironment(),
  double = "real",
  atATime,
  state,
}: Collecting): Promise<Collected> {
  const events = new EventEmitter<HandlerEvents>();
  const gaps: Gap[] = [];
  const errors: LogFileError[] = [];
  const warnings: LogFileError[] = [];
  const asked: string[] = [];
  events.on("error", (error) => errors.push(error));
  events.on("warning", (warning) => warnings.push(warning));
  const resolved = resolveRotatingOptions(log, options, environment.fs);
  const writer = new LogWriter(resolved, environment, new News(events));
  if (double !== "real") {
    const take = writer.takeCursor.bind(writer);
    writer.takeCursor = (stream) => {
      const cursor = take(stream);
      if (cursor !== undefined) breakCursor(cursor, double);
      return cursor;
    };
  }
  const end = new AbortController();
  const source = new PreparedSource(messages, () => end.abort(), atATime);
  if (state !== undefined) source.state = state;
  const drain = new Drain(
    writer,
    source,
    {
      gap: (gap) => gaps.push(gap),
      warning: (warning) => warnings.push(warning),
      asked: (name) => asked.push(name),
      leading() {},
      written() {},
    },
    end.signal,
  );
  writer.open();
  try {
    await drain.run();
  } finally {
    writer.close();
  }
  await writer.whenSwept();
  return { gaps, errors, warnings, asked, counts: drain.counts };
}

/** Collectors that are broken in one way. */
export type CollectorDouble =
  | "real"
  | "notes no intent"
  | "notes the place before the append"
  | "notes the place after the append"
  | "notes one intent for the whole batch";

function breakCursor(cursor: CursorFile, double: CollectorDouble): void {
  const real = {
    stage: cursor.stage.bind(cursor),
    begin: cursor.begin.bind(cursor),
    end: cursor.end.bind(cursor),
  };
  const nothing = { bytes: Buffer.alloc(0), ends: [] };
  let staged = new Batch();
  switch (double) {
    case "notes no intent":
      cursor.begin = () => {};
      cursor.end = () => {};
      break;
    case "notes one intent for the whole batch": {
      let isOpen = false;
      cursor.begin = (file, offset) => {
        if (!isOpen) real.begin(file, offset, cursor.batch.end);
        isOpen = true;
      };
      cursor.end = (written) => {
        if (written < cursor.batch.end) return;
        isOpen = false;
        real.end(written);
      };
      break;
    }
    default:
      cursor.stage = (stage: Stage) => {
        staged = new Batch(stage.bytes, [...stage.ends]);
        const note = () => real.stage({ ...stage, ...nothing });
        if (double === "notes the place before the append") note();
        else if (staged.isDone) note();
        else
          staged.journal = {
            begin() {},
            end(written) {
              if (written === staged.end) note();
            },
          };
        return staged;
      };
      Object.defineProperty(cursor, "batch", { get: () => staged });
  }
}
