import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import fc from "fast-check";
import { ConcurrentRotatingFileHandler, type RotatingFileHandlerOptions } from "../../../src/index.js";
import type { Batch } from "../../../src/records/batch.js";
import { Encoder } from "../../../src/records/encoder.js";
import { decode, encode, findCodec } from "../../../src/records/encodings.js";
import { type Oversize, RecordLimit } from "../../../src/records/record-limit.js";
import { temporaryDirectory } from "../../support/temporary.js";

const MOST = 1024;

/** Of every kind: one byte, up to four, two or four always, several of which half is another character, with states. */
const CHARACTERS: Record<string, string> = {
  "utf-8": "aé€😀\n",
  latin1: "aéÿ ",
  "utf-16-le": "aé😀\n",
  "utf-32": "aé😀",
  shift_jis: "aソ表ｱ\n",
  gb18030: "a中€😀",
  euc_kr: "a한국",
  "utf-7": "a+é中",
};

function batchOf(record: string | Buffer, encoding: string, oversize: Oversize, options: object = {}): Batch {
  const all = {
    encoding,
    unicodeErrorPolicy: "strict",
    newline: "",
    terminator: "\n",
    maxRecordBytes: MOST,
    oversize,
  } as const;
  return new Encoder({ ...all, ...options }).encode(record);
}

/** What is wrong with what stands for a text of which all is in the encoding. */
function problemsOf(text: string, batch: Batch, encoding: string, oversize: Oversize): string[] {
  const { name } = findCodec(encoding)!;
  const problems: string[] = [];
  const parts = [...batch.records()].map((record) => {
    if (record.length > MOST) problems.push(`it has ${record.length} bytes`);
    const part = decode(record, name);
    if (!part.isWellFormed() || part.includes("\ufffd")) problems.push(`it has half a character: ${part.slice(-50)}`);
    if (!part.endsWith("\n")) problems.push("it has no terminator");
    return part.slice(0, -1);
  });
  const isTooLarge = encode(`${text}\n`, name).length > MOST;
  if (!isTooLarge) return parts.join() === text ? problems : [...problems, "what fits was changed"];
  if (oversize === "split") {
    const whole = parts.map((part, i) =>
      part.slice(i > 0 ? "[continued] ".length : 0, i < parts.length - 1 ? -" [continues]".length : undefined),
    );
    if (whole.join("") !== text) problems.push("its parts are not the whole");
    return problems;
  }
  const expected =
    oversize === "drop" ? /^\[concurrent-log-handler\] 1 record dropped: it had/ : / \[truncated from [\d,]+ \w+\]$/;
  if (parts.length !== 1 || !expected.test(parts[0]!)) problems.push(`no mark: ${parts}`);
  const start = parts[0]!.replace(expected, "");
  if (oversize === "truncate" && (start.length < 150 || !text.startsWith(start))) problems.push("not its beginning");
  return problems;
}

describe("a record that is too large becomes one or several that are not, and no character is cut", () => {
  for (const [encoding, characters] of Object.entries(CHARACTERS)) {
    for (const oversize of ["truncate", "split", "drop"] as const) {
      test(`${oversize} in ${encoding}`, () => {
        const texts = fc
          .array(fc.constantFrom(...characters), { minLength: 1, maxLength: 9 })
          .chain((some) =>
            fc.integer({ min: 1, max: 3000 }).map((length) => some.join("").repeat(length / some.length)),
          )
          .filter((text) => text !== "" && !text.endsWith("\n"));
        fc.assert(
          fc.property(texts, fc.boolean(), (text, isText) => {
            const record = isText ? text : encode(text, findCodec(encoding)!.name);
            assert.deepEqual(problemsOf(text, batchOf(record, encoding, oversize), encoding, oversize), []);
          }),
          { numRuns: 30 },
        );
      });
    }
  }

  test("one that cuts bytes anywhere is found out", () => {
    const coding = { codec: "latin1", isUtf8: false, terminator: Buffer.from("\n"), prepare: String };
    const broken = new RecordLimit(MOST, "split", { ...coding, toBytes: (text) => encode(text, "latin1") });
    const text = "a€".repeat(1000);
    const problems = problemsOf(text, broken.replace(Buffer.from(text)), "utf-8", "split");
    assert.ok(problems.some((problem) => problem.includes("half a character")));
  });
});

test("a limit counts the terminator, and a record of just so many bytes is left as it is", () => {
  const lengths = (length: number) =>
    [...batchOf("x".repeat(length), "utf-8", "split").records()].map((one) => one.length);
  assert.deepEqual(lengths(MOST - 1), [MOST]);
  assert.equal(lengths(MOST).length, 2);
  assert.deepEqual([...batchOf(`${"x".repeat(MOST - 1)}\n`, "utf-8", "split").records()].length, 1);
});

test("a line ending is not cut either", () => {
  for (let before = 900; before < MOST; before++) {
    const text = `${"x".repeat(before)}\n${"y".repeat(200)}`;
    const [first] = batchOf(text, "utf-8", "split", { newline: "\r\n" }).records();
    assert.doesNotMatch(first!.toString(), /\r \[continues\]/);
    const [other] = batchOf(text, "latin1", "split", { newline: "\r\n" }).records();
    assert.doesNotMatch(other!.toString(), /\r \[continues\]/);
  }
});

test("characters that the encoding lacks are left out, replaced or refused first", () => {
  const text = "€".repeat(2000);
  assert.equal([...batchOf(text, "latin1", "truncate", { unicodeErrorPolicy: "replace" }).records()].length, 1);
  assert.throws(() => batchOf(text, "latin1", "truncate"), { code: "ERR_CLH_ENCODE" });
  assert.match(
    batchOf("\ud800".repeat(2000), "utf-8", "truncate", { unicodeErrorPolicy: "replace" }).bytes.toString(),
    /^\?{900,}.* \[truncated from 2,000 characters\]\n/,
  );
});

test("a text of 100 MB is not encoded to be truncated", () => {
  const text = "x".repeat(100_000_000);
  const { length } = batchOf(text, "utf-16-le", "truncate");
  assert.ok(length <= MOST);
});

describe("handlers", () => {
  const big = "€".repeat(600);
  const truncated = /^€{300,} \[truncated from 600 characters\]$/;

  async function written(
    t: TestContext,
    options: RotatingFileHandlerOptions,
    write: (handler: ConcurrentRotatingFileHandler) => void,
  ) {
    const path = join(temporaryDirectory(t), "app.log");
    const handler = new ConcurrentRotatingFileHandler(path, { maxRecordBytes: "1KiB", newline: "", ...options });
    write(handler);
    await handler.flush();
    const { oversized } = handler.stats();
    handler.close();
    return { oversized, lines: readFileSync(path, "utf8").trimEnd().split("\n") };
  }

  for (const delivery of ["sync", "batched", "background"] as const) {
    test(`truncate with delivery ${delivery}, wherever records come from`, async (t) => {
      const { oversized, lines } = await written(t, { delivery }, (handler) => {
        for (const record of ["one", big, Buffer.from(big), "two"]) handler.write(record);
        handler.writeLines(`three\n${big}\nfour\n`);
        handler.writeLines(Buffer.from(`${big}\nfive\n`));
        handler.toStream().write(`${big}\n`);
        void handler.writeAsync(big);
      });
      assert.equal(oversized, 6);
      const kinds = lines.map((line) =>
        truncated.test(line) ? "T" : /^€{300,} \[truncated from 1,800 bytes\]$/.test(line) ? "B" : line,
      );
      assert.deepEqual(kinds, ["one", "T", "B", "two", "three", "T", "four", "B", "five", "T", "T"]);
    });

    test(`split and drop with delivery ${delivery}`, async (t) => {
      const split = await written(t, { delivery, oversize: "split" }, (handler) => handler.write("x".repeat(9000)));
      assert.equal(split.lines.map((line) => line.replace(/ ?\[\w+\] ?/g, "")).join(""), "x".repeat(9000));
      assert.equal(split.oversized, 1);
      const drop = await written(t, { delivery, oversize: "drop" }, (handler) => handler.write("x".repeat(9000)));
      assert.deepEqual(drop.lines, ["[concurrent-log-handler] 1 record dropped: it had 9,000 characters"]);
      assert.equal(drop.oversized, 1);
    });
  }

  test("count what a namer logs, too", async (t) => {
    let handler: ConcurrentRotatingFileHandler | undefined;
    const namer = (path: string) => {
      handler?.write(big);
      handler = undefined;
      return path;
    };
    const { oversized } = await written(t, { backupCount: 1, namer }, (made) => {
      made.write("one");
      handler = made;
      made.rotate();
    });
    assert.equal(oversized, 1);
  });
});
