// The package as users get it: packed, installed in empty folders by every package manager, loaded by every test runner,
// compiled by every compiler, traced. All tools come from npm into a cache (CLH_CACHE says where). At the end, a table.
// node scripts/consumers.mjs [--tarball FILE] [consumer ...], such as: node scripts/consumers.mjs npm jest
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { homedir, tmpdir } from "node:os";
import { dirname, join, resolve, sep } from "node:path";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({ options: { tarball: { type: "string" } }, allowPositionals: true });
const root = resolve(import.meta.dirname, "..");
const fixtures = join(root, "test", "fixtures", "consumers");
const cache = join(process.env.CLH_CACHE ?? join(homedir(), ".cache", "concurrent-log-handler"), "consumers");
const work = mkdtempSync(join(tmpdir(), "clh-consumers-"));
const NAME = "concurrent-log-handler";

// Package managers keep what they have downloaded where this program has its cache, and nobody's settings change them.
const env = {
  PATH: process.env.PATH,
  HOME: join(work, "home"),
  LANG: "C.UTF-8",
  CI: "1",
  NO_COLOR: "1",
  npm_config_cache: join(cache, "npm"),
  pnpm_config_store_dir: join(cache, "pnpm"),
  npm_config_fund: "false",
  npm_config_update_notifier: "false",
  YARN_CACHE_FOLDER: join(cache, "yarn"),
  YARN_ENABLE_GLOBAL_CACHE: "false",
  YARN_ENABLE_TELEMETRY: "0",
  BUN_INSTALL_CACHE_DIR: join(cache, "bun"),
  DENO_DIR: join(cache, "deno"),
};
for (const [name, value] of Object.entries(process.env)) if (/proxy|cert|_ca_|registry/i.test(name)) env[name] = value;

class Failure extends Error {}

function run(cwd, command, args, extra = {}) {
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    cwd,
    env: { ...env, ...extra },
    encoding: "utf8",
    timeout: 5 * 60_000,
    maxBuffer: 2 ** 28,
  });
  const output = `${stdout}${stderr}`;
  if (status === 0) return output;
  throw new Failure(
    `${[command, ...args].join(" ")} in ${cwd} ended with ${error ?? signal ?? status}:\n${output.slice(-3000)}`,
  );
}

const node = (cwd, args, extra) => run(cwd, process.execPath, args, extra);

/** Where these packages are installed, together, for all runs to come. */
function tools(...packages) {
  const home = join(cache, "tools", packages.join("+").replace(/[^\w@.+-]/g, "_"));
  if (existsSync(join(home, "complete"))) return join(home, "node_modules");
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "package.json"), '{ "private": true }\n');
  run(home, "npm", ["install", "--ignore-scripts", "--no-audit", "--loglevel=error", ...packages]);
  writeFileSync(join(home, "complete"), "");
  return join(home, "node_modules");
}

const versionOf = (modules, name) => JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8")).version;

let made = 0;
/** An empty folder with a package.json, outside the checkout. */
function emptyFolder(manifest = {}) {
  const folder = join(work, `${++made}`);
  mkdirSync(folder, { recursive: true });
  const own = { name: "consumer", version: "1.0.0", private: true, license: "MIT", ...manifest };
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(own)}\n`);
  return folder;
}

function put(folder, ...files) {
  for (const file of ["exercise.cjs", ...files]) copyFileSync(join(fixtures, file), join(folder, file));
}

function expectWorks(output) {
  if (!/^works$/m.test(output)) throw new Failure(`it did not work:\n${output.slice(-2000)}`);
}

/** What an installer has to say to a user who only added the package; that Plug'n'Play is experimental it says of all. */
const WARNING = /\bwarn|ignored build|install script|approve|deprecated|YN000[457]/i;
const OF_ALL = /YN0092|Done with warnings/;
const warningsIn = (output) => output.split("\n").filter((line) => WARNING.test(line) && !OF_ALL.test(line));

let project;
/** The folder in which npm has installed the package, for those that are no package managers. */
function installedByNpm() {
  if (project === undefined) {
    project = emptyFolder();
    run(project, "npm", ["install", "--no-audit", "--prefer-offline", tarball]);
  }
  const folder = emptyFolder();
  cpSync(join(project, "node_modules"), join(folder, "node_modules"), { recursive: true });
  return folder;
}

/** @returns what a consumer is called in the table, and what its installer warned of */
const CONSUMERS = {
  npm() {
    const folder = emptyFolder();
    put(folder, "use.mjs", "use.cjs");
    let said = run(folder, "npm", ["install", "--no-audit", tarball]);
    rmSync(join(folder, "node_modules"), { recursive: true });
    said += run(folder, "npm", ["ci", "--no-audit"]);
    for (const program of ["use.mjs", "use.cjs", "use.mjs"]) expectWorks(node(folder, [program]));
    for (const command of ["clh", NAME]) run(folder, "npx", ["--no-install", command, "--version"]);
    const packages = Object.keys(
      JSON.parse(readFileSync(join(folder, "node_modules", ".package-lock.json"), "utf8")).packages,
    );
    if (packages.length > 8) throw new Failure(`${packages.length} packages are installed: ${packages.join(", ")}`);
    return [run(folder, "npm", ["--version"]).trim(), warningsIn(said)];
  },
  npx() {
    const folder = emptyFolder();
    expectWorks(
      run(folder, "npx", ["--yes", `--package=${tarball}`, NAME, "doctor", "."]).replace(
        /^Logs are safe here\.$/m,
        "works",
      ),
    );
    return [run(folder, "npm", ["--version"]).trim(), []];
  },
  pnpm() {
    const modules = tools("pnpm@12");
    const pnpm = (...args) => run(folder, join(modules, ".bin", "pnpm"), args);
    const folder = emptyFolder();
    put(folder, "use.mjs", "use.cjs");
    let said = pnpm("add", tarball);
    rmSync(join(folder, "node_modules"), { recursive: true });
    said += pnpm("install", "--frozen-lockfile");
    for (const program of ["use.mjs", "use.cjs"]) expectWorks(node(folder, [program]));
    return [versionOf(modules, "pnpm"), warningsIn(said)];
  },
  "yarn-1"() {
    const modules = tools("yarn@1");
    const folder = emptyFolder();
    put(folder, "use.mjs", "use.cjs");
    const said = node(folder, [join(modules, "yarn", "bin", "yarn.js"), "add", `file:${tarball}`]);
    for (const program of ["use.mjs", "use.cjs"]) expectWorks(node(folder, [program]));
    return [versionOf(modules, "yarn"), warningsIn(said)];
  },
  "yarn-4": () => yarn4("node-modules"),
  "yarn-4-pnp": () => yarn4("pnp"),
  bun() {
    const modules = tools("bun@1.4.5");
    const bun = join(modules, "@oven", `bun-${process.platform}-${process.arch}`, "bin", "bun");
    const folder = emptyFolder();
    put(folder, "use.mjs", "use.cjs");
    const said = run(folder, bun, ["add", tarball]);
    for (const program of ["use.mjs", "use.cjs"]) expectWorks(run(folder, bun, [program]));
    expectWorks(node(folder, ["use.mjs"]));
    return [versionOf(modules, "bun"), warningsIn(said)];
  },
  deno() {
    const modules = tools("deno@2.9.6");
    const deno = join(modules, "@deno", `${process.platform}-${process.arch}-glibc`, "deno");
    const folder = installedByNpm();
    put(folder, "use.mjs", "use.cjs");
    // `background` is `batched` there, which is an error that its handler tells.
    const text = readFileSync(join(folder, "exercise.cjs"), "utf8").replace(
      'delivery: "background"',
      'delivery: "batched"',
    );
    writeFileSync(join(folder, "exercise.cjs"), text);
    for (const program of ["use.mjs", "use.cjs"]) expectWorks(run(folder, deno, ["run", "-A", program]));
    return [versionOf(modules, "deno"), []];
  },
  jest: () => jest("required.test.js", { transform: {} }),
  "jest-esm": () => jest("imported.test.mjs", { transform: {} }, { NODE_OPTIONS: "--experimental-vm-modules" }),
  "ts-jest"() {
    const modules = tools("ts-jest@29", "jest@30", "typescript@5.9", "@types/node@20", "@types/jest");
    const options = { diagnostics: false, tsconfig: { module: "commonjs", target: "es2022", esModuleInterop: true } };
    const transform = { "\\.ts$": [join(modules, "ts-jest"), options] };
    return jest("typed.test.ts", { transform }, {}, modules);
  },
  "babel-jest"() {
    const modules = tools("jest@30", "@babel/core@7", "@babel/preset-env@7");
    const transform = {
      "\\.[cm]?js$": [join(modules, "babel-jest"), { presets: [join(modules, "@babel", "preset-env")] }],
    };
    return jest("required.test.js", { transform, transformIgnorePatterns: [`/node_modules/(?!${NAME})`] }, {}, modules);
  },
  "vitest-forks": () => vitest("forks"),
  "vitest-threads": () => vitest("threads"),
  "vitest-vmThreads": () => vitest("vmThreads"),
  "vitest-vmForks": () => vitest("vmForks"),
  nft() {
    const modules = tools("@vercel/nft@1");
    const folder = installedByNpm();
    put(folder, "use.mjs", "use.cjs");
    const trace = `
      import { nodeFileTrace } from ${JSON.stringify(join(modules, "@vercel", "nft", "out", "index.js"))};
      const { fileList } = await nodeFileTrace(process.argv.slice(2));
      console.log([...fileList].join("\\n"));`;
    writeFileSync(join(folder, "trace.mjs"), trace);
    for (const program of ["use.mjs", "use.cjs"]) {
      const target = emptyFolder();
      for (const file of node(folder, ["trace.mjs", program]).trim().split("\n")) {
        mkdirSync(dirname(join(target, file)), { recursive: true });
        copyFileSync(join(folder, file), join(target, file));
      }
      expectWorks(node(target, [program]));
    }
    return [versionOf(modules, "@vercel/nft"), []];
  },
  ncc() {
    const modules = tools("@vercel/ncc@0.38");
    const folder = installedByNpm();
    put(folder, "use.cjs");
    run(folder, join(modules, ".bin", "ncc"), [
      "build",
      "use.cjs",
      "-o",
      "bundled",
      "-e",
      NAME,
      "-e",
      `${NAME}/logging`,
    ]);
    expectWorks(node(folder, [join("bundled", "index.cjs")]));
    return [versionOf(modules, "@vercel/ncc"), []];
  },
  "typescript-5.4": () => typescript("5.4"),
  "typescript-5.9": () => typescript("5.9"),
  "typescript-6": () => typescript("6"),
  "typescript-7": () => typescript("7"),
  "typescript-node10": () => typescript("5.9", ["node10"]),
  "public-types": () => publicTypes(),
};

function yarn4(nodeLinker) {
  const modules = tools("@yarnpkg/cli-dist@4");
  const folder = emptyFolder();
  const yarn = (...args) => node(folder, [join(modules, "@yarnpkg", "cli-dist", "bin", "yarn.js"), ...args]);
  put(folder, "use.mjs", "use.cjs");
  writeFileSync(join(folder, ".yarnrc.yml"), `nodeLinker: ${nodeLinker}\n`);
  writeFileSync(join(folder, "yarn.lock"), "");
  const said = yarn("add", `${NAME}@file:${tarball}`);
  for (const program of ["use.mjs", "use.cjs"]) expectWorks(yarn("node", program));
  return [versionOf(modules, "@yarnpkg/cli-dist"), warningsIn(said)];
}

/** Twice, since the second run finds the lock files of the first. */
function jest(file, config, extra = {}, modules = tools("jest@30")) {
  const folder = installedByNpm();
  put(folder, file);
  const all = { rootDir: folder, testEnvironment: "node", testMatch: [`**/${file}`], testTimeout: 120_000, ...config };
  writeFileSync(join(folder, "jest.config.json"), JSON.stringify(all));
  for (const _ of [1, 2]) node(folder, [join(modules, "jest", "bin", "jest.js"), "-c", "jest.config.json"], extra);
  return [versionOf(modules, "jest"), []];
}

function vitest(pool) {
  const modules = tools("vitest@4");
  const folder = installedByNpm();
  put(folder, "imported.test.mjs");
  const args = [
    join(modules, "vitest", "vitest.mjs"),
    "run",
    "--globals",
    "--testTimeout=120000",
    "--root",
    folder,
    "--pool",
    pool,
  ];
  for (const _ of [1, 2]) node(folder, args);
  return [versionOf(modules, "vitest"), []];
}

const MODULES = [
  { module: "nodenext", moduleResolution: "nodenext", files: ["use.ts", "use.mts"] },
  { module: "node16", moduleResolution: "node16", files: ["use.ts", "use.mts"] },
  { module: "commonjs", moduleResolution: "node10", files: ["use.ts"] },
  { module: "esnext", moduleResolution: "bundler", files: ["use.ts", "use.mts"] },
];

/** Compiles what users write, declarations too, and looks whether those find all that they name. */
function typescript(version, resolutions = MODULES.map(({ moduleResolution }) => moduleResolution)) {
  const modules = tools(`typescript@${version}`, "@types/node@20");
  const major = Number.parseInt(version, 10);
  for (const { files, ...setting } of MODULES) {
    if (!resolutions.includes(setting.moduleResolution)) continue;
    if (major >= 7 && setting.moduleResolution === "node10") continue; // it is gone there
    const folder = installedByNpm();
    for (const file of files) copyFileSync(join(fixtures, "types", "use.ts"), join(folder, file));
    const compilerOptions = {
      ...setting,
      target: "es2022",
      strict: true,
      skipLibCheck: false,
      declaration: true,
      esModuleInterop: true,
      outDir: "out",
      rootDir: ".",
      typeRoots: [join(modules, "@types")],
      types: ["node"],
      ...(major === 6 && { ignoreDeprecations: "6.0" }),
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
    node(folder, [join(modules, "typescript", "bin", "tsc"), "-p", "."]);
    for (const file of readdirSync(join(folder, "out")).filter((name) => /\.d\.[cm]?ts$/.test(name))) {
      const hidden = /.*concurrent-log-handler\/(?:dist|src).*/.exec(readFileSync(join(folder, "out", file), "utf8"));
      if (hidden !== null) throw new Failure(`${file} of a user names what is ours: ${hidden[0]}`);
    }
  }
  return [versionOf(modules, "typescript"), []];
}

/** Each type that the signatures of the library name can be imported. */
function publicTypes() {
  const modules = tools("typescript@5.9", "@types/node@20");
  const ts = createRequire(join(modules, "typescript", "package.json"))("typescript");
  const home = join(installedByNpm(), "node_modules", NAME);
  const { exports } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  const entries = Object.values(exports).flatMap((target) => (target.import ? [join(home, target.import.types)] : []));
  const nodenext = ts.ModuleKind.NodeNext;
  const options = {
    module: nodenext,
    target: ts.ScriptTarget.ES2022,
    typeRoots: [join(modules, "@types")],
    types: ["node"],
  };
  const program = ts.createProgram(entries, options);
  const checker = program.getTypeChecker();
  const real = (symbol) => (symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
  const exported = new Set(
    entries.flatMap((entry) => {
      const source = program.getSourceFile(entry);
      return checker.getExportsOfModule(checker.getSymbolAtLocation(source)).map(real);
    }),
  );
  const isOurs = (declaration) => declaration.getSourceFile().fileName.startsWith(home.replaceAll(sep, "/"));
  const hidden = new Set();
  const visit = (owner) => (node) => {
    const used = ts.isTypeReferenceNode(node) ? real(checker.getSymbolAtLocation(node.typeName)) : undefined;
    const [declaration] = used?.declarations ?? [];
    // A compiler writes an alias that is not exported by its content.
    const isLocal =
      declaration &&
      ts.isTypeAliasDeclaration(declaration) &&
      !(ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Export);
    if (
      declaration &&
      isOurs(declaration) &&
      !exported.has(used) &&
      !isLocal &&
      !ts.isTypeParameterDeclaration(declaration)
    )
      hidden.add(`${used.name}, of ${owner.name}`);
    ts.forEachChild(node, visit(owner));
  };
  for (const symbol of exported)
    for (const declaration of symbol.declarations ?? []) if (isOurs(declaration)) visit(symbol)(declaration);
  if (hidden.size > 0) throw new Failure(`not exported: ${[...hidden].join("; ")}`);
  return [ts.version, []];
}

function packed() {
  node(root, [join("scripts", "build.mjs")]);
  run(root, "npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", work]);
  return join(
    work,
    readdirSync(work).find((name) => name.endsWith(".tgz")),
  );
}

function attempt(name) {
  process.stderr.write(`… ${name}\n`);
  try {
    const [version, warnings] = CONSUMERS[name]();
    return { name, version, rc: warnings.length === 0 ? 0 : 1, note: warnings.join(" | ") };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    process.stderr.write(`${error.message}\n`);
    return { name, version: "", rc: 1, note: error.message.split("\n", 1)[0] };
  }
}

mkdirSync(env.HOME, { recursive: true });
const unknown = positionals.filter((name) => !(name in CONSUMERS));
if (unknown.length > 0)
  throw new Error(`no consumer ${unknown.join(", ")}; there are ${Object.keys(CONSUMERS).join(", ")}`);
let tarball;
try {
  tarball = values.tarball === undefined ? packed() : resolve(values.tarball);
  const rows = (positionals.length > 0 ? positionals : Object.keys(CONSUMERS)).map(attempt);
  for (const { name, version, rc, note } of rows)
    process.stdout.write(`${rc === 0 ? "passed" : "FAILED"}  ${name.padEnd(18)} ${version.padEnd(10)} ${note}\n`);
  process.exitCode = rows.every(({ rc }) => rc === 0) ? 0 : 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}
