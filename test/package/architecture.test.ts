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

/** Each folder is a layer. A file imports from its own folder and from those before it in this list. */
const LAYERS = [
  "base",
  "platform",
  "events",
  "records",
  "log-files",
  "options",
  "disk",
  "lock",
  "rotation",
  "spill",
  "cursor",
  "writer",
  "delivery",
  "handler",
  "collect",
  "nats",
  "reading",
  "inspection",
  "logging",
  "adapters",
  "cli",
  ".",
];

interface Import {
  readonly from: string;
  readonly what: string;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, "src", file), "utf8");
  const found = [...text.matchAll(/^\s*(?:import|export)\s[^;]*?from\s+"([^"]+)"|^import\s+"([^"]+)"/gms)];
  return found.map((match) => ({ from: file, what: (match[1] ?? match[2])! }));
}

function layerOf(file: string): number {
  return LAYERS.indexOf(file.split("/").slice(0, -1)[0] ?? ".");
}

/** The file of ours that an import leads to, if any. */
function targetOf({ from, what }: Import): string | undefined {
  return what.startsWith(".") ? join(dirname(from), what).replace(/\.js$/, ".ts").replaceAll("\\", "/") : undefined;
}

/** Imports of a later layer, as sentences. */
function goingUp(imports: Import[]): string[] {
  return imports.flatMap((each) => {
    const target = targetOf(each);
    if (target === undefined || layerOf(target) <= layerOf(each.from)) return [];
    return [`${each.from} imports ${target}, of a later layer`];
  });
}

/** Files that import one another in a circle, each circle once. */
function circles(imports: Import[]): string[] {
  const found = new Set<string>();
  const done = new Set<string>();
  const visit = (file: string, path: string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) found.add(path.slice(start).sort().join(" <-> "));
    if (start >= 0 || done.has(file)) return;
    for (const each of imports) {
      const target = each.from === file ? targetOf(each) : undefined;
      if (target !== undefined) visit(target, [...path, file]);
    }
    done.add(file);
  };
  for (const { from } of imports) visit(from, []);
  return [...found];
}

const imports = files.flatMap(importsOf);

test("every file is in a layer", () =>
  assert.deepEqual(
    files.filter((file) => layerOf(file) === -1),
    [],
  ));

test("the root has the public entry points alone", () => {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { exports: object };
  const entries = Object.keys(exports).map((name) => `${name === "." ? "index" : name.slice("./".length)}.ts`);
  const inRoot = files.filter((file) => !file.includes("/"));
  assert.ok(inRoot.includes("index.ts"));
  assert.deepEqual(
    inRoot.filter((file) => !entries.includes(file)),
    [],
  );
});

test("no import goes to a later layer", () => assert.deepEqual(goingUp(imports), []));

test("no files import one another in a circle", () => assert.deepEqual(circles(imports), []));

test("what breaks these rules is found out", () => {
  assert.equal(layerOf("leftover/file.ts"), -1);
  assert.deepEqual(goingUp([{ from: "platform/native.ts", what: "../handler/stream.js" }]), [
    "platform/native.ts imports handler/stream.ts, of a later layer",
  ]);
  const circle = ["a", "b", "c"].map((name, i, names) => ({
    from: `lock/${name}.ts`,
    what: `./${names[(i + 1) % 3]}.js`,
  }));
  assert.deepEqual(circles(circle), ["lock/a.ts <-> lock/b.ts <-> lock/c.ts"]);
  assert.deepEqual(circles(circle.slice(1)), []);
});

test("the file system, koffi and the clock have one door each", () => {
  const doors: [RegExp, string][] = [
    [/^(node:)?fs(\/promises)?$/, "platform/file-system.ts"],
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

/** Files whose code matches, but for those of the command, whose output and waiting are its own. */
function filesWith(pattern: RegExp): string[] {
  const code = (file: string) => read(file).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
  return files.filter((file) => !file.startsWith("cli/") && pattern.test(code(file)));
}

test("what this package has to say goes through one door, and its timers through another", () => {
  const telling = /\bprocess\.(?:stderr|emitWarning)\b|\bconsole\.\w+\(/;
  // A stream that a configuration names is the user's choice.
  assert.deepEqual(filesWith(telling), ["logging/config/references.ts"]);
  const timers = /(?<!\.)\b(?:setTimeout|setImmediate|setInterval|queueMicrotask)\(|\bnextTick\(|node:timers/;
  assert.deepEqual(filesWith(timers), ["platform/clock.ts"]);
  assert.match("process.stderr.write(text);", telling);
  for (const timer of ["setTimeout(f, 1)", "await setImmediate();", 'from "node:timers/promises"'])
    assert.match(timer, timers);
});

test("no BigInt is raised to a power: Babel makes Math.pow of that, which refuses it", () => {
  const power = /\bBigInt\([^()]*\) ?\*\*|\*\* ?BigInt\(|\d+n ?\*\*|\*\* ?\d+n/;
  assert.deepEqual(filesWith(power), []);
  for (const text of ["2n ** 62n", "10n ** BigInt(places)"]) assert.match(text, power);
});

test("threads are started in one place, which knows ours", () => {
  const starters = filesWith(/\bnew Worker\(/);
  assert.deepEqual(starters, [
    "lock/lease.ts",
    "delivery/background/thread.ts",
    "rotation/compression/compression-thread.ts",
  ]);
  for (const file of starters) assert.match(read(file), /new WorkerChannel<.*>\(\s*\(options\) => new Worker\(/);
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
  const takers = files.filter((file) => /\.(tryAcquire|acquire)\(/.test(read(file)));
  assert.deepEqual(takers, ["lock/file-lock.ts"]);
});

function read(file: string): string {
  return readFileSync(join(root, "src", file), "utf8");
}
