import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { parseYaml } from "../../src/logging/config/yaml.js";
import { LogFileError } from "../../src/logging.js";
import { oracle } from "../support/oracles.js";

/*
 * What PyYAML makes of YAML that people write for logging; test/fixtures/oracles/logging_yaml.py has asked it. Dates
 * without a zone are in UTC, and whole numbers beyond 2 ** 53 are rounded.
 */

interface Row {
  readonly id: number;
  readonly name: string;
  readonly yaml: string;
  readonly out?: unknown;
  readonly error?: string;
}

// The library is laxer than PyYAML's scanner, and follows YAML 1.2 where "!" stands alone: a text.
const READ_HERE = ["scalar :1", "scalar 2024-05-17\t10:20:30", "key ? off"];
const TEXTS_HERE = ["tag ! yes", "tag ! 1"];

/** Values as the rows write them. */
function shown(value: unknown): unknown {
  if (value instanceof Date) return { $date: value.getTime() };
  if (Buffer.isBuffer(value)) return { $bytes: value.toString("hex") };
  if (typeof value === "number" && !Number.isFinite(value)) return { $float: floats[String(value)] };
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shown(one)]));
}

const floats: Record<string, string> = { NaN: "nan", Infinity: "inf", "-Infinity": "-inf" };

describe("YAML", () => {
  for (const row of oracle<Row>("logging_yaml")) {
    test(`${row.id}: ${row.name}`, () => {
      const read = () => shown(parseYaml({ path: "logging.yaml", text: row.yaml }));
      if (READ_HERE.includes(row.name)) assert.doesNotThrow(read);
      else if (TEXTS_HERE.includes(row.name)) assert.deepEqual(read(), { value: row.name.slice(6) });
      else if (row.error === undefined) assert.deepEqual(read(), row.out);
      else
        assert.throws(
          read,
          (error) => error instanceof LogFileError && /^Cannot read logging\.yaml: .* at line \d/s.test(error.message),
        );
    });
  }

  test("read by the library's own YAML 1.1 is found out", () => {
    const others = oracle<Row>("logging_yaml").filter(({ yaml, out }) => {
      try {
        assert.deepEqual(shown(parse(yaml, { version: "1.1", logLevel: "error" })), out);
        return false;
      } catch {
        return true;
      }
    });
    assert.ok(others.length > 50, `${others.length}`);
  });
});
