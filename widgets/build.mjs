// Builds every src/<name>/index.ts into ../autodiff_lab/widgets/static/<name>.js, one ES module per widget.
// Style sheets that an entry imports end up beside it, in <name>.css.
//
//   node build.mjs [--watch] [--metafile FILE]
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "src");
const target = join(here, "..", "autodiff_lab", "widgets", "static");
const option = (name) => process.argv.includes(name) && process.argv[process.argv.indexOf(name) + 1];

const names = readdirSync(source)
  .filter((name) => existsSync(join(source, name, "index.ts")))
  .sort();

const options = {
  entryPoints: names.map((name) => ({ in: join(source, name, "index.ts"), out: name })),
  outdir: target,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: !process.argv.includes("--watch"),
  legalComments: "none",
  charset: "utf8",
  logLevel: "warning",
  // A picture or a font must not become a second file: a widget is one script and one style sheet.
  loader: { ".svg": "text", ".png": "dataurl", ".woff2": "dataurl" },
  metafile: true,
};

if (process.argv.includes("--watch")) {
  const context = await esbuild.context({ ...options, sourcemap: "inline", logLevel: "info" });
  await context.watch();
} else {
  // Everything is built before anything old is removed: a build that fails leaves the last good bundle.
  const result = await esbuild.build({ ...options, write: false });
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  for (const file of result.outputFiles) writeFileSync(file.path, file.contents);
  if (option("--metafile")) writeFileSync(option("--metafile"), JSON.stringify(result.metafile));
  for (const file of result.outputFiles) {
    const kB = (statSync(file.path).size / 1000).toFixed(1);
    console.log(`${file.path.slice(target.length + 1).padEnd(24)} ${kB.padStart(7)} kB`);
  }
  if (names.length === 0) console.log("No widget yet: no src/<name>/index.ts.");
}
