// Compiles the tests and runs them, all or those whose path contains an argument: node scripts/test.mjs unit oracle
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, sep } from "node:path";

const run = (args) => {
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
};

// Loggers and process managers that only the tests of the adapters need: a package of its own, installed when it has changed.
const installHosts = () => {
  const hosts = join("test", "hosts");
  const installed = join(hosts, "node_modules", ".package-lock.json");
  const isNewer =
    existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(hosts, "package-lock.json")).mtimeMs;
  if (isNewer) return;
  const args = ["ci", "--prefix", hosts, "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"];
  const { status } = spawnSync("npm", args, {
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  if (status !== 0) throw new Error("npm ci in test/hosts failed");
};

const tsc = join("node_modules", "typescript", "bin", "tsc");
run([join("scripts", "build.mjs")]); // what the tests of the command and of the package run
run([tsc, "-p", "tsconfig.test.json"]);

// Long forms have scripts of their own: they run when a word names their directory, and no longer path.
const LONG = [
  "soak",
  "shippers",
  "windows",
  "long-kills",
  "long-faults",
  "long-hosts",
  "long-engine",
  "bundlers",
  "site",
];

const wanted = process.argv.slice(2);
const files = readdirSync(join("build", "test"), { recursive: true })
  .filter((file) => file.endsWith(".test.js"))
  // A test that was moved or deleted leaves its compiled form behind.
  .filter((file) => existsSync(join("test", file.replace(/js$/, "ts"))))
  .map((file) => join("build", "test", file))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .filter((file) => {
    const long = LONG.find((directory) => file.split(sep).includes(directory));
    return long === undefined || wanted.some((part) => long.startsWith(part) || part.includes(long));
  })
  .sort();
if (files.length === 0) {
  process.stderr.write(`no test matches ${wanted.join(" ")}\n`);
  process.exit(1);
}
if (files.some((file) => /adapters|docs/.test(file))) installHosts();

// Which tests failed is said once more at the end, where a log that was cut still has it.
const reporters = [
  `--test-reporter=${process.stdout.isTTY ? "spec" : "tap"}`,
  "--test-reporter-destination=stdout",
  `--test-reporter=${new URL("report-failures.mjs", import.meta.url)}`,
  "--test-reporter-destination=stderr",
];
run(["--test", "--enable-source-maps", "--test-concurrency=3", ...reporters, ...files]);
