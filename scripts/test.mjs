// Compiles the tests and runs them, all or those whose path contains an argument: node scripts/test.mjs unit oracle
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

const run = (args) => {
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
};

const tsc = join("node_modules", "typescript", "bin", "tsc");
run([tsc, "-p", "tsconfig.build.json"]); // what the tests of the command and of the package run
run([tsc, "-p", "tsconfig.test.json"]);

// Long forms have scripts of their own.
const LONG = [
  join("test", "soak"),
  join("test", "shippers"),
  join("crash", "long-kills"),
  join("crash", "long-faults"),
];

const wanted = process.argv.slice(2);
const files = readdirSync(join("build", "test"), { recursive: true })
  .map((file) => join("build", "test", file))
  .filter((file) => file.endsWith(".test.js"))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .filter((file) => wanted.length > 0 || !LONG.some((directory) => file.includes(directory)))
  .sort();
if (files.length === 0) {
  process.stderr.write(`no test matches ${wanted.join(" ")}\n`);
  process.exit(1);
}
run(["--test", "--enable-source-maps", "--test-concurrency=2", ...files]);
