import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Filter } from "../../src/logging/filter.js";
import { Handler } from "../../src/logging/handlers/handler.js";
import { Manager } from "../../src/logging/manager.js";
import type { LogRecord } from "../../src/logging/record.js";
import { oracle } from "../support/oracles.js";

/* Which handlers a record reaches in a tree of loggers. */

interface LoggerSetup {
  readonly level?: number;
  readonly handlers?: readonly string[];
  readonly propagate?: boolean;
  readonly disabled?: boolean;
  readonly filter?: string;
}

interface Row {
  readonly id: number;
  readonly name: string;
  readonly loggers: Record<string, LoggerSetup>;
  readonly handlers: readonly { id: string; level: number; filter?: string }[];
  readonly disable?: number;
  readonly calls: readonly [name: string, level: number][];
  readonly out: readonly Record<string, unknown>[];
}

class Recorder extends Handler {
  readonly #note: () => void;

  constructor(level: number, filter: string | undefined, note: () => void) {
    super({ level });
    this.#note = note;
    if (filter !== undefined) this.addFilter(new Filter(filter));
  }

  override emit(_record: LogRecord): void {
    this.#note();
  }
}

function answers({ loggers, handlers, disable, calls }: Row): Record<string, unknown>[] {
  const manager = new Manager();
  let delivered: string[] = [];
  let lastResort = false;
  const byName = new Map(
    handlers.map(({ id, level, filter }) => [id, new Recorder(level, filter, () => delivered.push(id))]),
  );
  manager.lastResort = new Recorder(30, undefined, () => {
    lastResort = true;
  });
  for (const [name, setup] of Object.entries(loggers)) {
    const logger = manager.getLogger(name);
    if (setup.level !== undefined) logger.setLevel(setup.level);
    if (setup.propagate !== undefined) logger.propagate = setup.propagate;
    if (setup.disabled !== undefined) logger.disabled = setup.disabled;
    if (setup.filter !== undefined) logger.addFilter(new Filter(setup.filter));
    for (const id of setup.handlers ?? []) logger.addHandler(byName.get(id)!);
  }
  if (disable !== undefined) manager.disable = disable;
  return calls.map(([name, level]) => {
    delivered = [];
    lastResort = false;
    const logger = manager.getLogger(name);
    logger.log(level, "m");
    return {
      effective: logger.getEffectiveLevel(),
      enabled: logger.isEnabledFor(level),
      delivered,
      lastResort,
      hasHandlers: logger.hasHandlers(),
    };
  });
}

describe("trees of loggers", () => {
  for (const row of oracle<Row>("logging_hierarchy")) {
    test(`${row.id}: ${row.name}`, () => assert.deepEqual(answers(row), row.out));
  }
});
