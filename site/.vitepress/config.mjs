import { readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { defineConfig } from "vitepress";
import { groupsOf, HTML, PAGES, repositoryOf } from "../pages.mjs";

const root = resolve(import.meta.dirname, "..", "..");
const { description } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const groups = groupsOf(readFileSync(join(PAGES, "index.md"), "utf8"));
const reference = groups.find(({ text }) => text.startsWith("Reference"));
reference.items.unshift({ text: "API", link: "/reference/api/modules" });
const repository = repositoryOf(root);

/** As GitHub makes them, so that a link works in both places. */
const slugify = (text) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}\p{Pc}\- ]/gu, "")
    .replaceAll(" ", "-");

/** Pages whose shell commands a test runs; of scripts, every page's `js` is run. */
const RUN_SHELL = ["tutorial.md"];

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M2 3h12v2H2zm0 4h9v2H2zm0 4h12v2H2z' fill='%230b6e4f'/%3E%3C/svg%3E";

export default defineConfig({
  title: "concurrent-log-handler",
  description,
  base: process.env.SITE_BASE ?? "/",
  srcDir: relative(resolve(import.meta.dirname, ".."), PAGES),
  outDir: HTML,
  cacheDir: join(HTML, "..", "cache"),
  cleanUrls: true,
  head: [["link", { rel: "icon", href: ICON }]],
  markdown: {
    anchor: { slugify },
    languageAlias: { alloy: "hcl", gitignore: "ini", mjs: "js" },
    config(md) {
      const fence = md.renderer.rules.fence;
      // A button that copies stands at examples that a test runs, and at no others.
      md.renderer.rules.fence = (tokens, i, options, env, self) => {
        const { info } = tokens[i];
        const isRun = info === "js" || (info === "sh" && RUN_SHELL.includes(env.relativePath));
        const html = fence(tokens, i, options, env, self);
        return isRun ? html : html.replace(/<button title="Copy Code" class="copy"><\/button>/, "");
      };
    },
  },
  themeConfig: {
    search: {
      provider: "local",
      // An option is in the API of every class and adapter: its page comes before all of them.
      options: {
        miniSearch: { searchOptions: { boostDocument: (id) => (id.includes("/reference/api/") ? 0.1 : 1) } },
      },
    },
    outline: [2, 3],
    // The four kinds: more do not fit beside the title of a tablet.
    nav: groups.slice(0, 4).map(({ text, items }) => ({ text: text.split(":")[0], link: items[0].link })),
    sidebar: groups.map((group) => ({ ...group, collapsed: group.text.startsWith("Decisions") })),
    ...(repository && { socialLinks: [{ icon: "github", link: repository }] }),
  },
});
