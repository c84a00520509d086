import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Filter } from "../../src/logging/filter.js";
import { checkLevel, getLevelName, getLevelNamesMapping, type Level } from "../../src/logging/levels.js";
import { makeLogRecord } from "../../src/logging/record.js";
import { oracle } from "../support/oracles.js";

/* Names of levels, and filters. Other than in Python, `true` is no number, and what is wrong says what is right. */

interface Row {
  readonly fn: "getLevelName" | "setLevel" | "Filter" | "getLevelNamesMapping";
  readonly arg: unknown;
  readonly name?: string;
  readonly out?: unknown;
  readonly message?: string;
}

const functions: Record<Row["fn"], (row: Row) => unknown> = {
  getLevelName: ({ arg }) => getLevelName(arg as Level),
  setLevel: ({ arg }) => checkLevel(arg),
  Filter: ({ arg, name }) => new Filter(arg as string).filter(makeLogRecord({ name })),
  getLevelNamesMapping: () => getLevelNamesMapping(),
};

describe("levels and filters", () => {
  for (const row of oracle<Row>("logging_levels")) {
    const call = () => functions[row.fn](row);
    test(`${row.fn} ${JSON.stringify(row.arg)} ${row.name ?? ""}`, () => {
      if (row.fn === "setLevel" && typeof row.arg === "boolean") assert.throws(call, { code: "ERR_CLH_OPTION" });
      else if (row.message === undefined) assert.deepEqual(call(), row.out);
      else {
        const says = row.message.replace("None", "null");
        assert.throws(call, (error: Error) => error.message.startsWith(says));
      }
    });
  }
});
