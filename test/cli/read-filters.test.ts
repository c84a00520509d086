import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Histogram } from "../../src/cli/terminal/histogram.js";
import { CLH_IN_SHELL, Clh } from "../support/clh.js";
import { temporaryDirectory } from "../support/temporary.js";

const LINES = [
  '{"level":30,"time":"2024-05-17T10:00:00.000Z","user":{"id":1},"status":200,"msg":"one"}',
  '{"level":50,"time":"2024-05-17T10:00:01.000Z","user":{"id":42},"status":503,"big":12345678901234567890,"msg":"two","err":{"message":"x","stack":"Error: x\\n    at f (a.js:1:1)"}}',
  "    at printed (b.js:1:1)",
  '{"level":40,"time":"2024-05-17T10:00:02.000Z","user":{"id":42},"status":404,"msg":"three\\u001b[2J"}',
];
const [ONE, TWO, PRINTED, THREE] = LINES as [string, string, string, string];

function logOf(t: TestContext, content = `${LINES.join("\n")}\n`): string {
  const log = join(temporaryDirectory(t), "app.log");
  writeFileSync(log, content);
  return log;
}

async function lines(...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await Clh.run(["read", ...args]);
  assert.deepEqual([code, stderr], [0, ""]);
  return stdout.split("\n").slice(0, -1);
}

describe("which records", () => {
  for (const [args, expected] of [
    [
      ["--level", "warning+"],
      [TWO, PRINTED, THREE],
    ],
    [["--level", "WARN"], [THREE]],
    [["--field", "user.id=42", "--field", "status=404"], [THREE]],
    [
      ["--where", "status>=500 || !user.id"],
      [TWO, PRINTED],
    ],
    [["--where", "status >= 400 && msg ~ '^t'", "--level", "warning"], [THREE]],
    [
      ["--grep", "^ +at printed"],
      [TWO, PRINTED],
    ],
    [["--level", "warning+", "--last", "1"], [THREE]],
    [["--level", "info", "--input-format", "logging"], []],
    [
      ["--where", "level", "--input-format", "/(?<level>5)0/"],
      [TWO, PRINTED, THREE],
    ],
  ] as const) {
    test(args.join(" "), async (t) => assert.deepEqual(await lines(logOf(t), ...args), expected));
  }
});

describe("how they are shown", () => {
  test("--fields, with escapes for what would command a terminal", async (t) => {
    const zone = { ...process.env, TZ: "UTC" };
    const args = ["read", logOf(t), "--fields", "time,level,msg,user.id,nothing", "--level", "warning+"];
    const output = execFileSync("sh", ["-c", `${CLH_IN_SHELL} ${args.join(" ")}`], { encoding: "utf8", env: zone });
    assert.equal(
      output,
      `2024-05-17 10:00:01.000\terror\ttwo\t42\t\n2024-05-17 10:00:02.000\twarning\tthree${String.raw`\x1b[2J`}\t42\t\n`,
    );
  });

  test("--json is what the record has, large numbers included", async (t) => {
    const found = await lines(logOf(t), "--json");
    assert.equal(found[0], ONE);
    assert.equal(found[2], THREE);
    assert.deepEqual(JSON.parse(found[1]!), { ...JSON.parse(TWO), lines: [PRINTED] });
    assert.deepEqual(await lines(logOf(t, `${TWO}\n`), "--json"), [TWO]);
    assert.deepEqual(await lines(logOf(t, "plain\x1b\n"), "--json"), ['{"text":"plain\\u001b"}']);
    assert.deepEqual(await lines(logOf(t, '{"a":\t"\u202e"}\n'), "--json"), ['{"a":"\\u202e"}']);
  });

  test("--json --fields", async (t) => {
    assert.deepEqual((await lines(logOf(t), "--json", "--fields", "level,user.id,message")).slice(0, 2), [
      '{"level":30,"user.id":1,"message":"one"}',
      '{"level":50,"user.id":42,"message":"two"}',
    ]);
  });

  test("--pretty", async (t) => {
    const found = await lines(logOf(t), "--pretty");
    assert.match(found[0]!, /^2024-05-1\d \d\d:00:00\.000 INFO {4}one user=\{"id":1\} status=200$/);
    assert.match(found[1]!, /ERROR {3}two .*err=\{"message":"x"\}$/);
    assert.deepEqual(found.slice(2, 5), ["Error: x", "    at f (a.js:1:1)", PRINTED]);
    assert.match(found[5]!, /WARNING three\\x1b\[2J user/);
    assert.equal(found.length, 6);
  });

  const hasScript = spawnSync("script", ["--version"]).status === 0;
  test("on a terminal levels have colours, unless NO_COLOR says otherwise", {
    skip: !hasScript && "needs script",
  }, (t) => {
    const log = logOf(t, `${ONE}\n${TWO}\n[2024-05-17T10:00:00.000] [WARN] cat - m\nplain\n`);
    const onTerminal = (args: string, env: NodeJS.ProcessEnv = {}) => {
      const { PATH } = process.env; // Alone: NO_COLOR, FORCE_COLOR, CI and others say whether there are colours.
      const output = execFileSync("script", ["-qec", `${CLH_IN_SHELL} read "${log}" ${args}`, "/dev/null"], {
        encoding: "utf8",
        env: { PATH, TERM: "xterm-256color", ...env },
        stdio: ["ignore", "pipe", "ignore"],
      });
      return output.replaceAll("\x1b[", "<");
    };
    assert.match(onTerminal(""), /"level":<32m30<39m,.*"level":<31m50<39m.*\[<33mWARN<39m\].*plain/s);
    assert.match(onTerminal("--pretty"), /<31mERROR {2}<39m/);
    assert.match(onTerminal("--fields level"), /<31merror<39m/);
    assert.match(onTerminal("--histogram"), /<31m#+<39m/);
    for (const args of ["", "--pretty", "--histogram"]) assert.doesNotMatch(onTerminal(args, { NO_COLOR: "1" }), /</);
  });
});

test("--last so many of all files, and then what comes, with --follow", async (t) => {
  const log = logOf(t);
  renameSync(log, `${log}.1`);
  writeFileSync(log, `${ONE}\n${TWO}\n`);
  const clh = new Clh("read", log, "--level", "warning+", "--last", "2", "--fields", "msg", "--follow");
  t.after(() => clh.process.kill("SIGKILL"));
  const until = async (expected: string) => {
    while (clh.stdout.length < expected.length) {
      assert.equal(clh.process.exitCode, null, clh.stderr);
      await setTimeout(5);
    }
    assert.equal(clh.stdout, expected);
  };
  const shown = `three${String.raw`\x1b[2J`}\ntwo\n`;
  await until(shown);
  appendFileSync(log, `${ONE}\n${TWO}\n`);
  await until(`${shown}two\n`);
});

test("follow with --level, --where and --pretty", async (t) => {
  const log = logOf(t);
  const clh = new Clh("follow", log, "--level", "error", "--where", "status == 503", "--json", "--fields", "msg");
  t.after(() => clh.process.kill("SIGKILL"));
  while (!clh.stdout.endsWith('{"msg":"two"}\n')) {
    assert.equal(clh.process.exitCode, null, clh.stderr);
    await setTimeout(5);
  }
});

test("a pattern that would go back for years ends, since V8 goes on without going back", {
  skip: "bun" in process.versions,
}, async (t) => {
  const log = logOf(t, `{"level":30,"msg":"${"a".repeat(200)}!"}\n`);
  assert.deepEqual(await lines(log, "--grep", '"(a+)+"'), []);
  assert.deepEqual(await lines(log, "--where", "msg ~ '^(a|a)*$'"), []);
});

describe("one clear line and exit code 2", () => {
  for (const [args, message] of [
    [["--level", "warnin+"], /--level .*There is no level "warnin"\. Did you mean "warning\+"\?/],
    [["--where", "status >="], /--where .*column 10: expected a field or a value/],
    [["--where", "a ~ '('"], /--where .*column 5: .*Unterminated group/],
    [
      ["--field", "user..id=1"],
      /--field .*"user\.\.id" is no path of a field, see column 5\. Did you mean "user\.id"\?/,
    ],
    [["--field", "user.id"], /--field .*such as user\.id=42/],
    [["--fields", "time,a[x]"], /--fields .*see column 2\. Did you mean "a\.x"\?/],
    [["--fields", ""], /--fields .*column 1/],
    [["--input-format", "log4j"], /--input-format .*Did you mean "log4js"\?/],
    [["--json", "--pretty"], /--json' cannot be used with option '--pretty'/],
    [["--histogram", "--follow"], /--histogram' cannot be used with option '--follow'/],
    [["--wher", "x"], /--wher'.*Did you mean --where/],
  ] as const) {
    test(args.join(" "), async (t) => {
      for (const command of args[0] === "--histogram" ? ["read"] : ["read", "follow"]) {
        const { code, stdout, stderr } = await Clh.run([command, logOf(t), ...args]);
        assert.match(stderr, message);
        assert.deepEqual([code, stdout, stderr.split("\n").length], [2, "", 2]);
      }
    });
  }
});

describe("--histogram", () => {
  test("its rows are all the time there is, and its sums are right", async (t) => {
    const log = logOf(t, `no time\n${LINES.join("\n")}\n`);
    assert.deepEqual(await lines(log, "--histogram"), [
      ...(await lines(log, "--histogram", "--where", "level")).slice(0, -1),
      `${"no time".padEnd(19)} 1 ${":".repeat(57)}`,
      "4 records  # 1 error  = 1 warning  - 1 info  : 1 other",
    ]);
    const rows = (await lines(log, "--histogram", "--json")).map((line) => JSON.parse(line));
    assert.deepEqual(
      rows.map(({ records }) => records),
      [1, 1, 1, 1],
    );
    assert.deepEqual(await lines(logOf(t, ""), "--histogram"), ["0 records"]);
  });

  for (const [name, spread, count] of [
    ["within seconds", 9_000, 500],
    ["over a day", 86_400_000, 3000],
    ["over 30 years", 30 * 365 * 86_400_000, 30_000],
  ] as const) {
    test(`${name}: few rows, no record lost, no line too long`, () => {
      const histogram = new Histogram();
      const levels = ["error", "warning", "info", "debug", undefined, "success"];
      for (let i = 0; i < count; i++) {
        histogram.add(Date.UTC(2024, 2, 30) + (((i * 7919) % count) / count) * spread, levels[(i * i) % levels.length]);
      }
      for (const width of [30, 59, 80, 200]) {
        const text = histogram.toText(width).trimEnd().split("\n");
        const rows = text.filter((line) => /^\d{4}-/.test(line));
        const sums = rows.map((row) => Number(/ ([\d,]+) [^\d]*$/.exec(row)![1]!.replaceAll(",", "")));
        assert.equal(
          sums.reduce((a, b) => a + b),
          count,
        );
        assert.ok(rows.length >= 8 && rows.length <= 24, `${rows.length}`);
        const legend = text.slice(rows.length).join("  ").split("  ");
        const numbers = legend.map((part) => Number(/[\d,]+/.exec(part)![0].replaceAll(",", "")));
        assert.equal(numbers[0], count);
        assert.equal(
          numbers.slice(1).reduce((a, b) => a + b),
          count,
        );
        assert.deepEqual(
          text.filter((line) => line.length >= width),
          [],
        );
        // The fullest bar takes the room there is.
        assert.equal(Math.max(...rows.map((row) => row.length)), width - 1);
      }
    });
  }
});
