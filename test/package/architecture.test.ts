import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

/* The rules of the house that a machine can hold. */

const root = fileURLToPath(new URL("../../../", import.meta.url));
const files = (readdirSync(join(root, "src"), { recursive: true }) as string[])
  .filter((file) => file.endsWith(".ts"))
  .map((file) => normalize(file).replaceAll("\\", "/"));

/** Lowest floor first. A file imports from its own floor and from those below. */
const FLOORS: Record<string, RegExp> = {
  ground: /^(platform\/.*|errors|events|units|codec|trace|stats)\.ts$/,
  pure: /^(batch|source|encode|line-splitter|options|option-hints|resolve-options|handler-json|rotation\/(formats|naming|trigger|boundary|retention|backups))\.ts$/,
  disk: /^(permissions|environment|active-file|durability|settings|network|failures|idle-watch|lock\/.*|rotation\/(compress|occupant|pending))\.ts$/,
  delivery: /^delivery\/(?!background-worker).*\.ts$/,
  compose:
    /^(delivery\/background-worker|handler|spills|size-handler|timed-handler|choose-handler|backpressure|stream|rotation\/(log-set|leftovers|numbered-backups|dated-backups|rollover-time|time-trigger|policy|rotate|rotation|sweep|sweeper|sweep-worker))\.ts$/,
  reading: /^reading\/.*\.ts$/,
  hosts: /^(logging|adapters)\/.*\.ts$/,
  outside: /^(index|logging|queue|cli\/.*)\.ts$/,
};

interface Import {
  readonly from: string;
  readonly what: string;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, "src", file), "utf8");
  const found = [...text.matchAll(/^\s*(?:import|export)\s[^;]*?from\s+"([^"]+)"|^import\s+"([^"]+)"/gms)];
  return found.map((match) => ({ from: file, what: (match[1] ?? match[2])! }));
}

function floorOf(file: string): number {
  return Object.values(FLOORS).findIndex((pattern) => pattern.test(file));
}

/** Imports that go up, as sentences. */
function goingUp(imports: Import[]): string[] {
  return imports.flatMap(({ from, what }) => {
    if (!what.startsWith(".")) return [];
    const target = join(dirname(from), what).replace(/\.js$/, ".ts").replaceAll("\\", "/");
    return floorOf(target) > floorOf(from) ? [`${from} imports ${target}, which is above it`] : [];
  });
}

const imports = files.flatMap(importsOf);

test("every file is on a floor", () =>
  assert.deepEqual(
    files.filter((file) => floorOf(file) === -1),
    [],
  ));

test("no import goes up", () => assert.deepEqual(goingUp(imports), []));

test("an import that goes up is found out", () => {
  const wrong: Import[] = [{ from: "platform/fs.ts", what: "../handler.js" }];
  assert.deepEqual(goingUp(wrong), ["platform/fs.ts imports handler.ts, which is above it"]);
});

test("the file system, koffi and the clock have one door each", () => {
  const doors: [RegExp, string][] = [
    [/^(node:)?fs(\/promises)?$/, "platform/fs.ts"],
    [/^koffi$/, "platform/native.ts"],
  ];
  for (const [module, door] of doors) {
    const users = imports.filter(({ what }) => module.test(what)).map(({ from }) => from);
    assert.deepEqual([...new Set(users)], [door]);
  }
  const asking = files.filter((file) =>
    /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bAtomics\.wait\(/.test(read(file)),
  );
  assert.deepEqual(asking, ["platform/clock.ts"]);
});

test("no file is a grab bag, or longer than 400 lines", () => {
  const bags = files.filter((file) => /(^|\/)(utils?|helpers?|common|misc|types|shared)(\.ts|\/)/.test(file));
  assert.deepEqual(bags, []);
  assert.deepEqual(
    files.filter((file) => read(file).split("\n").length > 400),
    [],
  );
});

test("the lock of a log is taken in one place", () => {
  const takers = files.filter((file) => /\.(tryAcquire|acquire|acquireAsync)\(/.test(read(file)));
  assert.deepEqual(takers, ["lock/lock.ts"]);
});

function read(file: string): string {
  return readFileSync(join(root, "src", file), "utf8");
}
