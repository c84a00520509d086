import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/*
 * Hosts that share a directory: guests of user-mode Linux, each with a kernel of its own, whose clients of NFS and SMB are the
 * real ones; knfsd in a third guest, Samba beside them. All of it lives in the network, mount and process namespace in which
 * this program was started, and is gone with them.
 */

const PATIENCE = 120_000;
const SOURCES = resolve("test", "shares");
const SERVER = "10.77.0.1";
const NFS_SERVER = "10.77.0.20";
const VOLUME = "share";
const CACHES_OF_GLUSTER =
  "quick-read io-cache read-ahead write-behind open-behind stat-prefetch flush-behind readdir-ahead".split(" ");

/** The server of each kind of share, and the options of its mount. */
const SHARES = {
  smb: { server: "smb", options: "" },
  "smb-none": { server: "smb", options: ",cache=none" },
  "smb-nolease": { server: "smb", options: ",nolease" },
  nfs: { server: "nfs", options: "" },
  gluster: { server: "gluster", options: "" },
  "gluster-none": {
    server: "gluster",
    options: "--attribute-timeout=0 --entry-timeout=0 --negative-timeout=0 --direct-io-mode=enable",
  },
} as const;

export type ShareKind = keyof typeof SHARES;

/** A program on a host. */
export class Remote {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;

  constructor(address: string, command: readonly string[]) {
    this.#socket = connect(7000, address);
    this.#socket.setNoDelay(true);
    this.#socket.on("error", () => this.#socket.destroy()); // its host is gone: the lines end
    this.#socket.write(`${JSON.stringify(command)}\n`);
    const lines = createInterface({ input: this.#socket });
    lines.on("error", () => {}); // it tells of those of the socket as well
    this.#socket.on("close", () => lines.close()); // it ends by itself only where the other side has ended
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** The next line that it prints; undefined when it has ended. */
  async next(): Promise<string | undefined> {
    const { value, done } = await this.#lines.next();
    return done === true ? undefined : value;
  }

  say(line: string): void {
    this.#socket.write(`${line}\n`);
  }

  kill(): void {
    this.#socket.destroy();
  }
}

/** A host that shares a directory with others. */
export class Host {
  readonly name: string;
  readonly address: string;
  readonly #lab: string;
  #process: ChildProcess | undefined;

  constructor(lab: string, name: string, address: string) {
    this.#lab = lab;
    this.name = name;
    this.address = address;
  }

  async boot(role: "host" | "nfs", ...more: string[]): Promise<void> {
    const tap = `tap-${this.name}`;
    if (!existsSync(`/sys/class/net/${tap}`) && this.#process === undefined) {
      sh(`ip tuntap add ${tap} mode tap`);
      // Otherwise the server's frames are larger than the guest takes, and sent twice.
      sh(`ip link set ${tap} master br0 gso_max_segs 1 up`);
    }
    const log = join(this.#lab, `${this.name}.log`);
    const out = openSync(log, "w");
    const words = [
      ...[
        "mem=384M",
        "root=/dev/root",
        "rootfstype=hostfs",
        "rootflags=/",
        "rw",
        "quiet",
        "con=null",
        "con0=null,fd:1",
      ],
      `umid=${this.name}`,
      `uml_dir=${join(this.#lab, "uml")}`,
      `vec0:transport=tap,ifname=${tap},depth=64,gro=0`,
      ...[`name=${this.name}`, `ip=${this.address}`, `role=${role}`, `lab=${this.#lab}`, `node=${process.execPath}`],
      `agent=${fileURLToPath(new URL("./guest-agent.js", import.meta.url))}`,
      ...more,
      ...["init=/bin/sh", "--", join(SOURCES, "guest-init.sh")],
    ];
    const env = { ...process.env, LD_PRELOAD: join(this.#lab, "xsave.so"), TMPDIR: this.#lab };
    this.#process = spawn("linux.uml", words, { stdio: ["ignore", out, out], env, detached: true });
    await until(() => readFileSync(log, "latin1").includes(`host ${this.name} is up`), `${this.name} to start`, log);
  }

  /** Starts a program of Node. */
  run(program: string, ...args: unknown[]): Remote {
    const path = fileURLToPath(new URL(`./${program}.js`, import.meta.url));
    return new Remote(this.address, [process.execPath, path, ...args.map((arg) => JSON.stringify(arg))]);
  }

  /** Starts a program of Python, which finds what this process finds there. */
  python(path: string, arg: unknown): Remote {
    const found = `PYTHONPATH=${process.env.PYTHONPATH ?? ""}`;
    return new Remote(this.address, ["env", found, "python3", path, JSON.stringify(arg)]);
  }

  /** Returns the output of a command of the shell. */
  async shell(command: string): Promise<string> {
    const remote = new Remote(this.address, ["sh", "-c", `(${command}) 2>&1`]);
    const lines: string[] = [];
    for (let line = await remote.next(); line !== undefined; line = await remote.next()) lines.push(line);
    return lines.join("\n");
  }

  /** As if its power failed. */
  async crash(): Promise<void> {
    const { pid } = this.#process!;
    const ended = new Promise((resolve) => this.#process!.once("close", resolve));
    process.kill(-pid!, "SIGKILL");
    await ended;
  }

  cutOff(): void {
    sh(`ip link set tap-${this.name} nomaster`);
  }

  reconnect(): void {
    sh(`ip link set tap-${this.name} master br0`);
  }
}

/** The hosts, and a share that all of them have mounted. */
export class Lab {
  readonly directory: string;
  readonly hosts: readonly Host[];
  readonly #nfs: Host;
  #samba: ChildProcess | undefined;

  constructor(directory: string, hosts: number) {
    this.directory = directory;
    const numbers = Array.from({ length: hosts }, (_, i) => i);
    this.hosts = numbers.map((i) => new Host(directory, `h${i}`, `10.77.0.${11 + i}`));
    this.#nfs = new Host(directory, "nfs", NFS_SERVER);
  }

  async start(kind: ShareKind): Promise<void> {
    const { directory } = this;
    for (const name of ["nfs", "smb", "gluster", "mnt", "lib", "uml"])
      mkdirSync(join(directory, name), { recursive: true });
    symlinkSync("/usr/lib/uml/modules", join(directory, "lib", "modules"));
    sh(`cc -shared -fPIC -O2 -o ${join(directory, "xsave.so")} ${join(SOURCES, "xsave.c")}`);
    sh("ip link set lo up");
    sh("ip link add br0 type bridge");
    sh(`ip addr add ${SERVER}/24 dev br0`);
    sh("ip link set br0 gso_max_segs 1 up");
    await {
      smb: () => this.startSamba(),
      nfs: () => this.#startNfs(),
      gluster: () => this.#startGluster(kind !== "gluster-none"),
    }[SHARES[kind].server]();
    await Promise.all(this.hosts.map((host) => host.boot("host")));
    for (const host of this.hosts) await this.mount(host, kind);
  }

  async #startNfs(): Promise<void> {
    const disk = join(this.directory, "disk");
    writeFileSync(disk, "");
    truncateSync(disk, 2 * 1024 ** 3);
    sh(`mkfs.ext4 -q ${disk}`);
    await this.#nfs.boot("nfs", `ubd0=${disk}`);
  }

  async startSamba(): Promise<void> {
    const place = (name: string) => {
      mkdirSync(join(this.directory, "samba", name), { recursive: true });
      return join(this.directory, "samba", name);
    };
    const configuration = join(place(""), "smb.conf");
    writeFileSync(
      configuration,
      `[global]
interfaces = ${SERVER}/24
bind interfaces only = yes
smb ports = 445
disable netbios = yes
server role = standalone server
private dir = ${place("private")}
lock directory = ${place("lock")}
state directory = ${place("state")}
cache directory = ${place("cache")}
pid directory = ${place("pid")}
ncalrpc dir = ${place("ncalrpc")}
log file = ${place("log")}/smbd.log
load printers = no
disable spoolss = yes
socket options = TCP_NODELAY SO_KEEPALIVE TCP_KEEPIDLE=10 TCP_KEEPINTVL=5 TCP_KEEPCNT=3 TCP_USER_TIMEOUT=25000
[share]
path = ${join(this.directory, "smb")}
read only = no
force user = root
`,
    );
    execFileSync("smbpasswd", ["-c", configuration, "-a", "-s", "root"], { input: "secret\nsecret\n", stdio: "pipe" });
    const log = join(this.directory, "samba", "smbd.log");
    const out = openSync(log, "a");
    const args = ["--foreground", "--no-process-group", "--debug-stdout", "-s", configuration];
    this.#samba = spawn("smbd", args, { stdio: ["ignore", out, out], detached: true });
    await until(() => isListening(SERVER, 445), "Samba", log);
  }

  /** One brick. Its programs keep their state where only this mount namespace sees it. */
  async #startGluster(isCached: boolean): Promise<void> {
    const { directory } = this;
    for (const place of ["/run", "/var/lib/glusterd", "/var/log/glusterfs"]) {
      mkdirSync(place, { recursive: true });
      sh(`mount -t tmpfs tmpfs ${place}`);
    }
    mkdirSync("/run/gluster");
    const configuration = join(directory, "glusterd.vol");
    writeFileSync(
      configuration,
      `volume management
    type mgmt/glusterd
    option working-directory /var/lib/glusterd
    option run-directory /run/gluster
    option transport-type socket
    option transport.socket.bind-address ${SERVER}
    option transport.socket.listen-port 24007
end-volume
`,
    );
    sh(`glusterd -f ${configuration} -p /run/glusterd.pid -l ${directory}/glusterd.log`);
    await until(() => existsSync("/run/glusterd.socket"), "glusterd", join(directory, "glusterd.log"));
    gluster(`volume create ${VOLUME} ${SERVER}:${join(directory, "gluster")} force`);
    for (const cache of isCached ? [] : CACHES_OF_GLUSTER) gluster(`volume set ${VOLUME} performance.${cache} off`);
    gluster(`volume start ${VOLUME}`);
  }

  async mount(host: Host, kind: ShareKind): Promise<void> {
    const point = join(this.directory, "mnt");
    const { server, options } = SHARES[kind];
    const command = {
      smb: `mount -t cifs //${SERVER}/share ${point} -o username=root,password=secret,vers=3.1.1${options}`,
      nfs: `mount -t nfs4 -o vers=4.2${options} ${NFS_SERVER}:/ ${point}`,
      gluster: `glusterfs --volfile-server=${SERVER} --volfile-id=${VOLUME} --log-file=/run/gluster.log ${options} ${point}`,
    }[server];
    const said = await host.shell(`umount ${point} 2>/dev/null; ${command} && grep ${point} /proc/mounts`);
    if (!said.includes(point)) throw new Error(`${host.name} cannot mount the share: ${said}`);
  }

  /** Where the hosts see `name`. */
  shared(name: string): string {
    return join(this.directory, "mnt", name);
  }

  /** Runs a program of Node beside the disk of the server, which sees `name` there. */
  async onServer(kind: ShareKind, program: string, name: string, ...args: unknown[]): Promise<string> {
    const path = fileURLToPath(new URL(`./${program}.js`, import.meta.url));
    const { server } = SHARES[kind];
    const given = [join(this.directory, server, name), ...args];
    if (server === "nfs") return (await this.#nfs.run(program, ...given).next()) ?? "";
    return execFileSync(process.execPath, [path, ...given.map((arg) => JSON.stringify(arg))], { encoding: "utf8" });
  }

  /** Stops the server, and starts it again after so many milliseconds. */
  async interruptServer(kind: ShareKind, ms: number): Promise<void> {
    const { server } = SHARES[kind];
    if (server === "nfs") {
      await this.#nfs.shell(`rpc.nfsd 0; sleep ${ms / 1000}; rpc.nfsd 4`);
      return;
    }
    if (server === "gluster") {
      sh(`kill -KILL $(cat /run/gluster/vols/${VOLUME}/*.pid)`);
      await delay(ms);
      gluster(`volume start ${VOLUME} force`);
      return;
    }
    const samba = this.#samba!;
    const ended = new Promise((resolve) => samba.once("close", resolve));
    process.kill(-samba.pid!, "SIGKILL");
    await ended;
    await delay(ms);
    await this.startSamba();
  }
}

function gluster(command: string): void {
  sh(`gluster --mode=script ${command}`);
}

function sh(command: string): void {
  execFileSync("sh", ["-c", command], { stdio: ["ignore", "ignore", "inherit"] });
}

async function until(isTrue: () => boolean | Promise<boolean>, what: string, log: string): Promise<void> {
  for (const deadline = Date.now() + PATIENCE; !(await isTrue()); await delay(50)) {
    if (Date.now() > deadline)
      throw new Error(`waited in vain for ${what}:\n${readFileSync(log, "utf8").slice(-2000)}`);
  }
}

function isListening(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, address);
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("close", () => socket.destroy());
    socket.once("connect", () => socket.destroy());
  });
}
