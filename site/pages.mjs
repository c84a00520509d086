/* The pages that VitePress reads, made from docs/, which stays the only source. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";

// Beside the packages of the site, since pages import them.
const build = join(import.meta.dirname, "build");
export const PAGES = join(build, "pages");
export const HTML = join(build, "html");

const BENCH = "docs/bench/rivals.html";
/** Pages that are not in docs/, and the one whose name is another on a site. */
const MOVED = new Map([
  ["docs/README.md", "index.md"],
  ["CHANGELOG.md", "changes.md"],
  ["CONTRIBUTING.md", "contributing.md"],
  ["SECURITY.md", "security.md"],
  [BENCH, "bench/rivals.md"],
]);
const placeOf = (path) =>
  MOVED.get(path) ?? (/^docs\/.*\.(md|svg)$/.test(path) ? path.slice("docs/".length) : undefined);

/** Where the files are that the site does not have, as package.json says it at a release; undefined before. */
export function repositoryOf(root) {
  const { repository } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return repository?.url.replace(/^git\+/, "").replace(/\.git$/, "");
}

/** The page with its links as the site has them; what the site does not have is looked up in the repository. */
export function withLinks(text, path, repository) {
  return text.replace(
    /(!?)\[((?:[^[\]]|!\[[^\]]*\]\([^)]*\))*)\]\((?!\w+:|#)([^)#\s]+)(#[^)]*)?\)/g,
    (_, image, label, target, anchor = "") => {
      const wanted = posix.join(posix.dirname(path), target);
      const place = placeOf(wanted);
      if (place !== undefined) {
        const link = posix.relative(posix.dirname(placeOf(path)), place);
        return `${image}[${label}](${link.startsWith(".") ? link : `./${link}`}${anchor})`;
      }
      return repository === undefined ? label : `[${label}](${repository}/blob/main/${wanted}${anchor})`;
    },
  );
}

/** The page of figures: its pictures become files, since a template of Vue takes no <style>. */
function benchPage(html, write) {
  let count = 0;
  const body = html.slice(html.indexOf("<h1>"), html.indexOf("</html>"));
  const text = body
    .replace(/<svg.*?<\/svg>/gs, (picture) => {
      const name = `figure-${++count}.svg`;
      write(`bench/${name}`, picture);
      const title = /aria-label="([^"]*)"/.exec(picture)?.[1] ?? "";
      return `\n\n![${title}](./${name})\n\n`;
    })
    .replace(/<h([1-3])>(.*?)<\/h\1>/g, (_, level, title) => `\n\n${"#".repeat(Number(level))} ${title}\n\n`);
  return text.trimStart();
}

export function makePages(root) {
  rmSync(PAGES, { recursive: true, force: true });
  const repository = repositoryOf(root);
  const write = (place, text) => {
    mkdirSync(dirname(join(PAGES, place)), { recursive: true });
    writeFileSync(join(PAGES, place), text);
  };
  const documents = readdirSync(join(root, "docs"), { recursive: true })
    .map((name) => posix.join("docs", name.replaceAll("\\", "/")))
    .filter((path) => placeOf(path) !== undefined);
  for (const path of new Set([...documents, ...MOVED.keys()])) {
    const text = readFileSync(join(root, path), "utf8");
    const isPage = path.endsWith(".md");
    write(placeOf(path), path === BENCH ? benchPage(text, write) : isPage ? withLinks(text, path, repository) : text);
  }
}

/** The groups of the index, in its order: a heading, and the pages under it. */
export function groupsOf(index) {
  return index
    .split(/^## /m)
    .slice(1)
    .map((part) => ({
      text: part.split("\n", 1)[0],
      items: [...part.matchAll(/^- \[([^\]]+)\]\(([^)]+)\.(?:md|html)\)/gm)].map(([, text, link]) => ({
        text,
        link: `/${posix.normalize(link)}`,
      })),
    }));
}
