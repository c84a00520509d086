// Wine 10 in a Debian 13 of its own, for systems that have an older one. Root can make that on Debian.
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";

const KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg";
const WINE = "/usr/lib/wine/wine64";

// In a mount namespace: what is mounted goes with the last process in it, and is in nobody's way.
const ENTER = `
  root=$1 cache=$2; shift 2
  mount --rbind /dev "$root/dev" && mount --rbind /proc "$root/proc" && mount --bind "$cache" "$root$cache" &&
  exec chroot "$root" env -C "$PWD" "$@"`;

/**
 * The command, with its first arguments, that runs Wine 10; undefined where it cannot be set up.
 * @param cache where it is to be; the only directory of the system that programs under it see
 */
export function newerWine(cache, run) {
  const root = join(cache, "debian-13");
  const enter = (...command) => ["unshare", "--mount", "sh", "-c", ENTER, "sh", root, cache, ...command];
  if (!existsSync(root)) {
    if (process.getuid?.() !== 0 || !existsSync(KEYS)) return undefined;
    if (!existsSync("/usr/sbin/debootstrap")) {
      run("apt-get", ["update"]);
      run("apt-get", ["install", "-y", "--no-install-recommends", "debootstrap"]);
    }
    run("rm", ["-rf", `${root}.new`]);
    run("debootstrap", ["--variant=minbase", `--keyring=${KEYS}`, "trixie", `${root}.new`]);
    run("chroot", [`${root}.new`, "apt-get", "update"]);
    run("chroot", [`${root}.new`, "apt-get", "install", "-y", "--no-install-recommends", "wine64"]);
    mkdirSync(join(`${root}.new`, cache), { recursive: true });
    renameSync(`${root}.new`, root);
  }
  return enter(WINE);
}
