// Makes dist/: the library as ES modules and as CommonJS, the command, their types, and the licences of what is bundled.
// Bundled, since a few files load in half the time of a hundred, and what is small need be no package of its own.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { rolldown } from "rolldown";
import { minifySync } from "rolldown/utils";

const OUT = "dist";
const TYPES = join("build", "types");
const manifest = JSON.parse(readFileSync("package.json", "utf8"));

/** What users import, by the names of the files in dist/. */
const LIBRARY = {
  index: "src/index.ts",
  logging: "src/logging.ts",
  queue: "src/queue.ts",
  pino: "src/adapters/pino.ts",
  winston: "src/adapters/winston.ts",
  log4js: "src/adapters/log4js.ts",
  logtape: "src/adapters/logtape.ts",
  nats: "src/nats.ts",
};
const THREADS = {
  "background-worker": "src/delivery/background/worker.ts",
  "compression-worker": "src/rotation/compression/compression-worker.ts",
  "lease-worker": "src/lock/lease-worker.ts",
};
const COMMAND = {
  cli: "src/cli/main.ts",
  "doctor-worker": "src/cli/doctor/worker.ts",
  "stress-writer": "src/cli/stress/writer.ts",
};

const known = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies };
const isExternal = (id) => [manifest.name, ...Object.keys(known)].some((name) => `${id}/`.startsWith(`${name}/`));

/** Puts the places of other files right, which all are in one folder now, and of their format. */
function places(entries, format) {
  const extension = EXTENSIONS[format];
  const names = new Map(Object.entries(entries).map(([name, source]) => [resolve(source), name]));
  const besides = (id) => (_, path) => {
    const name = names.get(resolve(dirname(id), `${path}.ts`));
    if (name === undefined) throw new Error(`${id} starts ${path}, which is no entry of the build`);
    return `new URL("./${name}${extension}", import.meta.url)`;
  };
  return {
    name: "places",
    transform(code, id) {
      if (!id.startsWith(resolve("src") + sep)) return undefined;
      const placed = code.replace(/new URL\("(\.[^"]*)\.js", import\.meta\.url\)/g, besides(id));
      return format === "cjs"
        ? placed.replaceAll("createRequire(import.meta.url)", "createRequire(__filename)")
        : placed;
    },
    // What traces files knows `createRequire` by this name alone.
    renderChunk(code) {
      const placed = code.replaceAll("(0, node_module.createRequire)", "createRequire");
      return placed === code ? undefined : `const { createRequire } = require("node:module");\n${placed}`;
    },
  };
}

const EXTENSIONS = { es: ".js", cjs: ".cjs" };

/**
 * Leaves the blanks out: a tenth of the time to load goes. All names stay but for those in the command, more than half of
 * which is of other packages. Quotes are put back: what traces files takes no template for the name of a module.
 */
const withoutBlanks = {
  name: "without-blanks",
  renderChunk(code, { fileName, name }) {
    const how = name === "cli" ? { mangle: { keepNames: true } } : { compress: false, mangle: false };
    const { code: plain } = minifySync(fileName, code, { module: !fileName.endsWith(".cjs"), ...how });
    return plain.replace(/\b(require(?:\$\d+)?|new URL)\(`([^`$\\]+)`/g, '$1("$2"');
  },
};

const FOLDERS = ["base", "platform", "log-files", "disk", "lock", "rotation"].map((name) => resolve("src", name));

/**
 * Files that most programs load together are one, since each import of a file costs half a millisecond. The thread that
 * compresses does with the first.
 */
const CHUNKS = [
  { name: "files", test: (id) => FOLDERS.includes(dirname(id)) && id !== resolve(THREADS["lease-worker"]) },
  { name: "handlers", minShareCount: 6 },
  { name: "reading", test: (id) => id.startsWith(resolve("src", "reading") + sep) },
];

/** @returns the modules that are in it, by their paths */
async function bundle(input, format, plugins) {
  const build = await rolldown({
    input,
    plugins,
    platform: "node",
    external: isExternal,
    checks: { bundlerTimings: false }, // a busy machine is no fault of the code
    onLog: (_, { message }) => {
      throw new Error(message);
    },
  });
  const { output } = await build.write({
    dir: OUT,
    format,
    minify: false, // else what plugins have made of a file is printed anew
    exports: "named",
    entryFileNames: `[name]${EXTENSIONS[format]}`,
    chunkFileNames: `[name]-[hash]${EXTENSIONS[format]}`,
    codeSplitting: { groups: CHUNKS },
    comments: { legal: true, annotation: true, jsdoc: false },
  });
  await build.close();
  return output.flatMap(({ modules }) => Object.keys(modules ?? {}));
}

/** The types, as one file for each source that the library's lead to; and all of it once more for CommonJS. */
function types() {
  rmSync(TYPES, { recursive: true, force: true });
  const tsc = join("node_modules", "typescript", "bin", "tsc");
  const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
  const files = new Set(Object.values(LIBRARY).map((source) => source.replace(/^src\/(.*)\.ts$/, "$1.d.ts")));
  for (const file of files) {
    const text = readFileSync(join(TYPES, file), "utf8");
    for (const [, what] of text.matchAll(/\b(?:from|import)\s*\(?\s*"([^"]+)"/g)) {
      if (what.startsWith(".")) files.add(join(dirname(file), what.replace(/\.js$/, ".d.ts")));
      else if (!what.startsWith("node:") && !isExternal(what)) throw new Error(`${file}: users have no ${what}`);
    }
    const target = join(OUT, "types", file);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
    writeFileSync(target.replace(/\.ts$/, ".cts"), text.replace(/"(\.{1,2}\/[^"]*)\.js"/g, '"$1.cjs"'));
  }
}

/** The licences of all packages that these modules are from. */
function notices(modules) {
  const marker = `${sep}node_modules${sep}`;
  const homes = new Set();
  for (const path of modules) {
    if (!path.includes(marker)) continue;
    const [start, rest] = [
      path.slice(0, path.lastIndexOf(marker)),
      path.slice(path.lastIndexOf(marker) + marker.length),
    ];
    homes.add(join(start, "node_modules", ...rest.split(sep).slice(0, rest.startsWith("@") ? 2 : 1)));
  }
  const texts = [...homes].sort().map((home) => {
    const { name, version, license } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
    const file = readdirSync(home).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${name} has no licence to be bundled with`);
    return `${name} ${version}, ${license}\n\n${readFileSync(join(home, file), "utf8").trim()}\n`;
  });
  writeFileSync(
    join(OUT, "THIRD_PARTY_NOTICES"),
    `Packages that are part of these files.\n\n${texts.join(`\n${"-".repeat(80)}\n\n`)}`,
  );
}

rmSync(OUT, { recursive: true, force: true });
types();
const all = { ...LIBRARY, ...THREADS };
const modules = [
  await bundle({ ...all, ...COMMAND }, "es", [places({ ...all, ...COMMAND }, "es"), withoutBlanks]),
  await bundle(all, "cjs", [places(all, "cjs"), withoutBlanks]),
];
notices(modules.flat());
