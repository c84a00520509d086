import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { LogFileError } from "../../../src/base/errors.js";
import { resolveNatsOptions } from "../../../src/nats/resolve-nats-options.js";
import { defaultSpoolDirectory } from "../../../src/nats/spool-directory.js";

const least = { servers: "a", stream: "logs" };

describe("options of a handler for NATS", () => {
  test("have defaults", () => {
    const { servers: _, spillDirectory, ...others } = resolveNatsOptions(least);
    assert.deepEqual(others, {
      stream: "logs",
      subject: "clh.logs",
      acknowledge: "spilled",
      spillAfter: 500,
      maxSpillBytes: 1024 ** 3,
      timeout: 10_000,
      delivery: { queueBytes: 16 * 1024 ** 2, overflow: "block", maxBatchBytes: 256 * 1024 },
      debug: false,
    });
    assert.equal(spillDirectory, defaultSpoolDirectory());
  });

  const refused: [what: string, options: object, option: string, message: RegExp][] = [
    ["no servers", { servers: undefined }, "servers", /one or more URLs/],
    ["no stream", { stream: undefined }, "stream", /the name of a stream: letters, digits, - and _, got undefined/],
    ["a stream with a dot", { stream: "a.b" }, "stream", /the name of a stream/],
    ["a subject with a wildcard", { subject: "clh.*" }, "subject", /a subject such as "clh.api"/],
    ["a subject with an empty part", { subject: "clh..a" }, "subject", /a subject such as/],
    ["a subject that is not for records", { subject: "clh-written.a" }, "subject", /a subject such as/],
    ["another acknowledgement", { acknowledge: "sent" }, "acknowledge", /"spilled", "stored" or "written", got 'sent'/],
    ["a strange time", { spillAfter: "soon" }, "spillAfter", /milliseconds, or a duration/],
    ["a size that is none", { maxSpillBytes: "much" }, "maxSpillBytes", /bytes, or a size/],
    ["an empty directory", { spillDirectory: "" }, "spillDirectory", /the path of a directory/],
    ["a queue that is a word", { delivery: "batched" }, "delivery", /\{ queueBytes, overflow, maxBatchBytes \}/],
    ["a wrong limit of it", { delivery: { overflow: "drop" } }, "overflow", /"drop-newest" or "drop-oldest"/],
    ["an unknown limit of it", { delivery: { flushInterval: 1 } }, "flushInterval", /The options are: queueBytes/],
    [
      "what belongs to a file",
      { backupCount: 5 },
      "backupCount",
      /left out: the file and its rotation are the collector's/,
    ],
    ["another spelling", { spill_dir: "x", stream: undefined }, "spill_dir", /Unknown option `spill_dir`/],
    ["a letter too many", { acknowledges: "x" }, "acknowledges", /Did you mean `acknowledge`\?/],
  ];
  for (const [what, options, option, message] of refused)
    test(`are refused with ${what}`, () => {
      assert.throws(
        () => resolveNatsOptions({ ...least, ...options }),
        (error: LogFileError) => {
          assert.deepEqual([error.code, error.option], ["ERR_CLH_OPTION", option]);
          assert.match(error.message, message);
          return true;
        },
      );
    });

  test("are an object", () => assert.throws(() => resolveNatsOptions("nats://a"), { code: "ERR_CLH_OPTION" }));
});

test("spools are where this user alone writes", () => {
  const home = () => "/home/me";
  assert.equal(defaultSpoolDirectory({}, "linux", home), "/home/me/.local/state/clh-spool");
  assert.equal(defaultSpoolDirectory({ XDG_STATE_HOME: "/state" }, "linux", home), "/state/clh-spool");
  assert.match(defaultSpoolDirectory({ LOCALAPPDATA: "/local" }, "win32", home), /^[/\\]local[/\\]clh-spool$/);
});
