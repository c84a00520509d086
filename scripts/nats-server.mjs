// Fetches nats-server into the cache (CLH_CACHE says where), for the tests that need one, and prints where it is and its
// version: node scripts/nats-server.mjs. It is Debian 13's package, on Debian 12 as well, whose own one (2.9.10) loses
// acknowledged messages when a stream is purged. Nothing of the system is changed: apt has sources and lists of its own
// here, and checks the archive by the keys that Debian has installed.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

const PACKAGE = "nats-server";
const KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg";
const MIRROR = process.env.CLH_DEBIAN_MIRROR ?? "http://deb.debian.org/debian";

const cache = join(process.env.CLH_CACHE ?? join(homedir(), ".cache", "concurrent-log-handler"), "nats");
const program = join(cache, "usr", "sbin", "nats-server");

function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", ...options });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(" ")} failed: ${error?.message ?? stderr}`);
}

function fetchInto(directory) {
  const at = (...names) => join(directory, ...names);
  for (const name of ["lists/partial", "cache/archives/partial", "root"]) mkdirSync(at(name), { recursive: true });
  writeFileSync(at("sources.list"), `deb [signed-by=${KEYS}] ${MIRROR} trixie main\n`);
  writeFileSync(at("status"), ""); // as if nothing was installed: else apt would look for what fits to this system
  const options = {
    "Dir::Etc::SourceList": at("sources.list"),
    "Dir::Etc::SourceParts": "/dev/null",
    "Dir::State::Lists": at("lists"),
    "Dir::State::Status": at("status"),
    "Dir::Cache": at("cache"),
    "APT::Sandbox::User": "root", // else apt's own user cannot write here, and apt complains
    "Acquire::Languages": "none",
  };
  const apt = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  run("apt-get", [...apt, "update", "--error-on=any"]);
  run("apt-get", [...apt, "download", PACKAGE], { cwd: directory });
  const archive = readdirSync(directory).find((name) => name.endsWith(".deb"));
  run("dpkg-deb", ["-x", at(archive), at("root")]);
  return at("root");
}

if (!existsSync(program)) {
  if (!existsSync(KEYS)) throw new Error(`there is no ${KEYS}: put a nats-server of 2.10.27 or later into the PATH`);
  const directory = mkdtempSync(join(tmpdir(), "clh-nats-"));
  try {
    const root = fetchInto(directory);
    const next = `${cache}.${process.pid}`;
    mkdirSync(join(cache, ".."), { recursive: true });
    run("cp", ["-r", root, next]);
    rmSync(cache, { recursive: true, force: true });
    renameSync(next, cache);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
process.stdout.write(`${program}: ${run(program, ["--version"])}`);
