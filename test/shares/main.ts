import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeTemporaryDirectory, removeTree } from "../../src/platform/file-system.js";
import { whyNoUpstream } from "../support/upstream.js";
import { runCases } from "./cases.js";
import { Lab, type ShareKind } from "./lab.js";
import { type Outcome, runScenario, SCENARIOS } from "./scenarios.js";
import { withRows } from "./table.js";

/*
 * main [kind…] [word…] [--cases] [--verbose] [--markdown]: what is true of several hosts that write one log. Kinds are smb, nfs and
 * gluster, smb-none (cache=none), smb-nolease and gluster-none (no caches at all); words choose among the scenarios. Ends with 1 when anything
 * is wrong. With --markdown, the results are written into docs/concepts/locking.md.
 */

const INSIDE = "CLH_SHARES_LAB";
const ROWS = "rows.json";
const KINDS = ["smb", "smb-none", "smb-nolease", "nfs", "gluster", "gluster-none"] as const;
const PAGE = join("docs", "concepts", "locking.md");

// Programs, and the packages of Debian that have them.
const PROGRAMS = {
  "linux.uml": "user-mode-linux",
  modprobe: "kmod",
  "mount.nfs": "nfs-common",
  "rpc.nfsd": "nfs-kernel-server",
  rpcbind: "rpcbind",
  smbd: "samba",
  "mount.cifs": "cifs-utils",
  ip: "iproute2",
  "mkfs.ext4": "e2fsprogs",
  cc: "gcc libc6-dev",
};
const PROGRAMS_OF_GLUSTER = {
  glusterd: "glusterfs-server",
  glusterfs: "glusterfs-client",
  gluster: "glusterfs-cli",
};

const words = process.argv.slice(2);
const named = KINDS.filter((kind) => words.includes(kind));
// GlusterFS loses records with its default caches: it is tried when it is named.
const kinds = named.length === 0 ? KINDS.filter((kind) => !kind.startsWith("gluster")) : named;
const chosen = words.filter((word) => !word.startsWith("--") && !KINDS.includes(word as ShareKind));

if (process.env[INSIDE] === undefined) outside();
else await inside(process.env[INSIDE], kinds[0]!);

function isChosen(name: string): boolean {
  if (SCENARIOS[name]!.hasPython && whyNoUpstream() !== false) return false;
  return chosen.length === 0 || chosen.some((word) => name.includes(word));
}

/** The reason why no lab can run here, or undefined. */
function whyNot(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return "the hosts are guests of user-mode Linux, on x64";
  if (process.geteuid!() !== 0) return "it makes namespaces and devices: only root may";
  const programs = { ...PROGRAMS, ...(kinds.some((kind) => kind.startsWith("gluster")) && PROGRAMS_OF_GLUSTER) };
  const missing = Object.entries(programs).filter(([program]) => spawnSync("which", [program]).status !== 0);
  if (missing.length === 0) return undefined;
  const packages = [...new Set(missing.map(([, from]) => from))].join(" ");
  return `programs are missing: apt-get install -y --no-install-recommends ${packages}`;
}

/** Each kind has namespaces of its own, with which all that it has started ends. */
function outside(): void {
  const why = whyNot();
  if (why !== undefined) {
    process.stderr.write(`test:shares cannot run here: ${why}\n`);
    process.exitCode = 1;
    return;
  }
  for (const kind of kinds) {
    const directory = makeTemporaryDirectory(tmpdir());
    const namespaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    const others = words.filter((word) => !KINDS.includes(word as ShareKind));
    const again = [process.execPath, "--enable-source-maps", fileURLToPath(import.meta.url), kind, ...others];
    const env = { ...process.env, [INSIDE]: directory };
    const { status } = spawnSync("unshare", [...namespaces, ...again], { stdio: "inherit", env });
    if (words.includes("--markdown")) writeTable(join(directory, ROWS));
    removeTree(directory);
    if (status !== 0) process.exitCode = 1;
  }
}

/** Each kind by itself: what was run before stays when the next one does not end. */
function writeTable(rows: string): void {
  if (existsSync(rows))
    writeFileSync(PAGE, withRows(readFileSync(PAGE, "utf8"), JSON.parse(readFileSync(rows, "utf8"))));
}

async function inside(directory: string, kind: ShareKind): Promise<void> {
  const names = Object.keys(SCENARIOS).filter(isChosen);
  const lab = new Lab(directory, Math.max(2, ...names.map((name) => SCENARIOS[name]!.hosts ?? 2)));
  await lab.start(kind);
  const make = async (name: string) => {
    const said = await lab.hosts[0]!.shell(`mkdir ${lab.shared(name)}`);
    if (said !== "") throw new Error(said);
    for (const host of lab.hosts) await host.shell(`ls ${lab.shared("")}`);
    return `${lab.shared(name)}/app.log`;
  };
  let isRight = true;
  const rows: string[][] = [];
  const say = (line: string) => process.stdout.write(`${line}\n`);
  if (chosen.length === 0) {
    for (const { what, why } of await runCases(lab, make)) {
      isRight &&= why === undefined;
      say(`${kind}  ${why === undefined ? "yes" : "NO "}  ${what}${why === undefined ? "" : `: ${why}`}`);
    }
  }
  if (!words.includes("--cases")) {
    say("| share | scenario | acknowledged | missing | doubled | torn | late | files | seconds | unfair |");
    for (const [i, name] of names.entries()) {
      const outcome = await runScenario(lab, kind, name, dirname((await make(`run${i}`)).slice(lab.shared("").length)));
      isRight &&= outcome.problems.length === 0;
      say(rowOf(kind, outcome));
      const { scenario, acknowledged, missing, doubled, torn } = outcome;
      rows.push([kind, scenario, acknowledged, missing, doubled, torn].map(String));
      for (const line of [...outcome.problems, ...(words.includes("--verbose") ? outcome.notes : [])])
        say(`    ${line}`);
    }
  }
  writeFileSync(join(directory, ROWS), JSON.stringify(rows));
  process.exit(isRight ? 0 : 1);
}

function rowOf(
  kind: ShareKind,
  { scenario, acknowledged, missing, doubled, torn, late, files, seconds, share }: Outcome,
): string {
  const times = share?.toFixed(2) ?? "";
  return `| ${[kind, scenario, acknowledged, missing, doubled, torn, late, files, seconds.toFixed(0), times].join(" | ")} |`;
}
