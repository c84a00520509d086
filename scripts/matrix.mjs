// Runs tests on every runtime, all fetched from npm into a cache (CLH_CACHE says where): the whole suite on Node from
// 20.19 on; on Bun and Deno the tests of the lock, the deliveries, the ways to end, and the command.
// node scripts/matrix.mjs [runtime ...], such as: node scripts/matrix.mjs node-24 bun
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";

const CORE = [
  "lock/conformance",
  "process/deliveries",
  "process/endings",
  "process/zero-loss",
  "cli/write",
  "cli/stress",
];
const WHOLE = join("scripts", "test.mjs");
const LIMIT = 60 * 60_000; // of what hangs: the whole suite takes nine minutes, and several times that on a busy machine

const cache = join(process.env.CLH_CACHE ?? join(homedir(), ".cache", "concurrent-log-handler"), "runtimes");
const nodeProgram = join("bin", "node");
const node = (version) => ({
  package: `node-${process.platform}-${process.arch}@${version}`,
  program: [`node-${process.platform}-${process.arch}`, nodeProgram],
  args: [],
  scripts: [WHOLE],
  failed: /^FAILED (.*)$/gm,
  cannot: [],
});

const compiled = (test) => `./build/test/${test}.test.js`;

// What a runtime cannot do is expected to fail, by the name of its test: docs/concepts/platforms.md says why.
const RUNTIMES = {
  "node-20": node("20.19.0"),
  "node-22": node("22"),
  "node-24": node("24"),
  "node-26": node("26"),
  bun: {
    package: "bun@1.4.5",
    program: [`@oven/bun-${process.platform}-${process.arch}`, join("bin", "bun")],
    args: ["test", "--timeout", "120000"],
    scripts: CORE.map(compiled),
    failed: /^\(fail\) (?:.* > )?(.*?)(?: \[[\d.]+m?s\])?$/gm,
    cannot: [],
  },
  deno: {
    package: "deno@2.9.6",
    program: [`@deno/${process.platform}-${process.arch}-glibc`, "deno"],
    args: ["test", "-A", "--no-check"],
    scripts: CORE.map(compiled),
    failed: /^(?: {2}|)(.*?) \.\.\. FAILED.*$/gm,
    cannot: [],
  },
};

function fetch(name, runtime) {
  const directory = join(cache, name);
  const program = join(directory, "node_modules", ...runtime.program);
  if (existsSync(program)) return program;
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "package.json"), '{ "private": true }\n');
  const args = ["install", runtime.package, "--ignore-scripts", "--no-audit", "--no-fund"];
  spawnSync("npm", args, { cwd: directory, stdio: ["ignore", "ignore", "inherit"] });
  if (!existsSync(program)) throw new Error(`${runtime.package} could not be installed: there is no ${program}`);
  return program;
}

/** True when nothing fails but what the runtime cannot do. */
function test(name, runtime) {
  const program = fetch(name, runtime);
  const failures = [];
  const env = { ...process.env, NO_COLOR: "1", PATH: `${dirname(program)}${delimiter}${process.env.PATH}` };
  for (const script of runtime.scripts) {
    process.stderr.write(`… ${name}: ${script}\n`);
    const { status, signal, stdout, stderr } = spawnSync(program, [...runtime.args, script], {
      encoding: "utf8",
      env,
      timeout: LIMIT,
      maxBuffer: 2 ** 28,
    });
    if (status === 0) continue;
    const log = join("build", `${name} ${basename(script)}.log`);
    writeFileSync(log, `${stdout}${stderr}`);
    process.stderr.write(`  failed: ${log}\n`);
    const found = [...`${stdout}${stderr}`.matchAll(runtime.failed)].map(([, what]) => `${script}: ${what}`);
    failures.push(...(found.length > 0 ? found : [`${script}: ended with ${signal ?? status}`]));
  }
  const unexpected = [...new Set(failures)].filter((failure) => !runtime.cannot.some((what) => failure.endsWith(what)));
  const expected = failures.length - unexpected.length;
  process.stdout.write(`${name}: ${unexpected.length === 0 ? "passed" : "FAILED"}, ${expected} of what it cannot do\n`);
  for (const failure of unexpected) process.stdout.write(`  ${failure}\n`);
  return unexpected.length === 0;
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(RUNTIMES);
const tsc = join("node_modules", "typescript", "bin", "tsc");
for (const args of [[join("scripts", "build.mjs")], [tsc, "-p", "tsconfig.test.json"]]) {
  if (spawnSync(process.execPath, args, { stdio: "inherit" }).status !== 0) process.exit(1);
}
const verdicts = wanted.map((name) => test(name, RUNTIMES[name]));
process.exitCode = verdicts.every(Boolean) ? 0 : 1;
