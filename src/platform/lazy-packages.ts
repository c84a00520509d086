import { createRequire } from "node:module";

/**
 * Packages that are loaded when somebody needs them, at once, and in every module format. One `require` for all, made
 * when it is called: a bundle that is no ES module has no place to make it from, and must load without.
 */
export function lazyPackages() {
  packages ??= makeLoaders();
  return packages;
}

let packages: ReturnType<typeof makeLoaders> | undefined;

function makeLoaders() {
  const require = createRequire(import.meta.url);
  return {
    /** Loading it takes three milliseconds of the start of every program, and few rotate at once. */
    crypto: () => require("node:crypto") as typeof import("node:crypto"),
    croner: () => require("croner") as typeof import("croner"),
    iconv: () => require("iconv-lite") as typeof import("iconv-lite"),
    yaml: () => require("yaml") as typeof import("yaml"),
  };
}
