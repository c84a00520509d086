import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, describe, type TestContext, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { LogFileError } from "../../src/index.js";
import { NATS_ROWS } from "../../src/nats/resolve-nats-options.js";
import { headersOf } from "../../src/nats/wire.js";
import { OPTIONS, TIME_OPTIONS } from "../../src/options/option-table.js";
import { resolveTimedOptions } from "../../src/options/resolve-options.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import { withRows } from "../shares/table.js";
import { CLH } from "../support/clh.js";
import { userFolder } from "../support/hosts.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const pages = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  ...(readdirSync(join(root, "docs"), { recursive: true }) as string[])
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
];

let home: string;
before((t) => {
  home = userFolder(t as TestContext, ["croner"]);
});

describe("examples run", () => {
  for (const page of pages) {
    for (const [i, [, code]] of [...read(page).matchAll(/```js\n(.*?)```/gs)].entries()) {
      test(`${page}, example ${i + 1}`, () => {
        const folder = mkdtempSync(join(home, "example-"));
        writeFileSync(join(folder, "example.mjs"), code!);
        const { status, stderr } = spawnSync(process.execPath, ["example.mjs"], { cwd: folder, encoding: "utf8" });
        assert.equal(stderr, "");
        assert.equal(status, 0);
      });
    }
  }
});

/** The headings of a page as GitHub makes anchors of them. */
const headingsOf = (page: string) =>
  new Set(
    [...read(page).matchAll(/^#+ (.*)/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\p{M}\p{Pc}\- ]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );

describe("links lead to something", () => {
  for (const page of pages) {
    test(page, () => {
      for (const [, target, anchor] of read(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
        const path = join(dirname(page), target!);
        assert.ok(existsSync(join(root, path)), target);
        const wanted = target === "" ? page : path;
        if (anchor !== undefined && wanted.endsWith(".md"))
          assert.ok(headingsOf(wanted).has(anchor), `${target}#${anchor}`);
      }
    });
  }
});

/** The words in code font in the first column of a page's tables. */
function firstColumn(page: string): string[] {
  return [...read(page).matchAll(/^\| `([A-Za-z_]+)`/gm)].map((match) => match[1]!);
}

test("every option is documented, and no other", () => {
  const documented = firstColumn("docs/reference/options.md");
  assert.deepEqual(
    documented.sort(),
    knownOptions()
      .filter((name) => name !== "filename")
      .sort(),
  );
});

test("the tables of options are made from those of the code", async () => {
  const script = await import(pathToFileURL(join(root, "scripts/options-reference.mjs")).href);
  const withTables = script.withTables as (page: string, code: object) => string;
  const page = read("docs/reference/options.md");
  const fix = "node scripts/options-reference.mjs writes them";
  assert.equal(withTables(page, { OPTIONS, TIME_OPTIONS }), page, fix);
  const changed = { ...OPTIONS, sync: { ...OPTIONS.sync, meaning: "something else" } };
  assert.notEqual(withTables(page, { OPTIONS: changed, TIME_OPTIONS }), page);
});

test("results of test:shares replace those of the same runs, and leave the others", () => {
  const page = read("docs/concepts/locking.md");
  assert.equal(withRows(page, []), page, "as it writes it");
  const rows = (text: string) =>
    [...text.matchAll(/^\| (smb|other) +\| ([^|]+?) +\| (\d+)/gm)].map((cells) => cells.slice(1));
  const [first, ...others] = rows(page);
  const [share, scenario] = first as [string, string];
  const changed = withRows(page, [
    [share, scenario, "7", "0", "0", "0"],
    ["other", "one", "8", "0", "0", "0"],
  ]);
  assert.deepEqual(rows(changed), [[share, scenario, "7"], ...others, ["other", "one", "8"]]);
  assert.throws(() => withRows("# A page", []), /no table/);
});

test("the defaults of the page are those of the doc comments", () => {
  const onPage = [
    ...read("docs/reference/options.md").matchAll(/^\| `(\w+)` +\|[^|]+\| (?:`(.*?)`)?[^|]*\|[^|]+\|$/gm),
  ];
  const members = [
    ...read("src/options/options.ts").matchAll(/^ {2}\/\*\*((?:(?!\*\/).)*)\*\/\n {2}readonly (\w+)\??:/gms),
  ];
  const inCode = new Map(members.map(([, comment, name]) => [name, /@default (.*)/.exec(comment!)?.[1]]));
  assert.equal(onPage.length, Object.keys(OPTIONS).length);
  for (const [, name, value] of onPage) assert.equal(value, inCode.get(name), name);
});

test("the options of NatsHandler are those of the code, with their defaults, and the headers are those of a message", () => {
  const [options] = read("docs/reference/nats-handler.md").split("## What counts as written") as [string];
  const onPage = [...options.matchAll(/^\| `(\w+)` +\| (.+?) +\|/gm)];
  const code = read("src/nats/nats-options.ts");
  const members = [...code.matchAll(/^ {2}\/\*\*((?:(?!\*\/).)*)\*\/\n {2}readonly (\w+)\??:/gms)];
  const defaults = new Map(
    members.map(([, comment, name]) => [name, /@default ("[^"]*"|false)\n/.exec(comment!)?.[1]]),
  );
  assert.deepEqual(onPage.map(([, name]) => name).sort(), Object.keys(NATS_ROWS).sort());
  for (const [, name, value] of onPage)
    if (defaults.get(name) !== undefined) assert.equal(value, `\`${defaults.get(name)}\``, name);
  const records = { writer: "w", first: 1, count: 1, lengths: [1], part: { offset: 0, total: 1 } };
  const headers = headersOf(records, 1, "written").map(([name]) => name);
  const documented = [...read("docs/reference/nats-wire.md").matchAll(/^\| `([\w-]+)`/gm)].map(([, name]) => name!);
  assert.deepEqual(documented.sort(), headers.sort());
});

/** The list that a hopeless option name is answered with. */
function knownOptions(): string[] {
  try {
    resolveTimedOptions("app.log", { qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq: 1 }, systemEnvironment().fs);
  } catch (error) {
    assert.ok(error instanceof LogFileError);
    return error.message
      .replace(/^.*The options are: /, "")
      .replace(/\.$/, "")
      .split(", ");
  }
  throw new Error("nothing was refused");
}

test("every event and every error code is documented, and no other", () => {
  const documented = firstColumn("docs/reference/errors.md");
  const codes = [...read("src/base/errors.ts").matchAll(/\| "(ERR_CLH_\w+)"/g)].map((match) => match[1]!);
  const events = [...read("src/events/handler-events.ts").matchAll(/^ {2}(\w+): \[/gm)].map((match) => match[1]!);
  assert.deepEqual(documented.sort(), [...codes, ...events].sort());
});

test("the options, counts and events of collect() are those of the code", () => {
  const members = (file: string, name: string) => {
    const [, body] = new RegExp(`interface ${name} [^]*?{\n([^]*?)\n}`).exec(read(file))!;
    return [...body!.matchAll(/^ {2}(?:readonly )?(\w+)\??: /gm)].map((match) => match[1]!);
  };
  const names = [
    ...members("src/nats/collect/collect-options.ts", "CollectOwnOptions"),
    ...members("src/collect/collector.ts", "CollectCounts"),
    ...members("src/nats/collect/collection.ts", "CollectStats"),
    ...members("src/nats/collect/collection.ts", "CollectEvents"),
  ];
  assert.deepEqual(firstColumn("docs/reference/collect.md").sort(), names.sort());
});

test("every error code is used", () => {
  const sources = (readdirSync(join(root, "src"), { recursive: true }) as string[]).filter((name) =>
    name.endsWith(".ts"),
  );
  const text = sources
    .filter((name) => name !== join("base", "errors.ts"))
    .map((name) => read(join("src", name)))
    .join("");
  for (const [, code] of read("src/base/errors.ts").matchAll(/\| "(ERR_CLH_\w+)"/g))
    assert.ok(text.includes(`"${code}"`), code);
});

test("the command's reference is its help", () => {
  const blocks = [...read("docs/reference/cli.md").matchAll(/```text\n\$ clh (.*)\n([\s\S]*?)```/g)];
  const commands = [
    ...execFileSync(process.execPath, [CLH, "--help"], { encoding: "utf8" }).matchAll(/^ {2}(\w+)(?: [[<]\S+)* {2}/gm),
  ];
  const names = commands.map(([, name]) => name!).filter((name) => name !== "help");
  assert.deepEqual(
    blocks.map(([, args]) => args),
    [
      "--help",
      ...names.flatMap((name) => (name === "nats" ? [name, "nats setup"] : name)).map((name) => `${name} --help`),
    ],
  );
  for (const [, args, help] of blocks) {
    assert.equal(execFileSync(process.execPath, [CLH, ...args!.split(" ")], { encoding: "utf8" }), help);
  }
});

test("the README's test command is what CI runs", () => {
  const command = /^npm ci && npm test/m.exec(read("README.md"))![0];
  assert.match(read(".ci/run"), new RegExp(`^${command}$`, "m"));
});
