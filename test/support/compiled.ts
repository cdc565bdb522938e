import { mkdirSync, mkdtempSync } from "node:fs"
import { rm } from "node:fs/promises"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"
import { build } from "esbuild"

/** Beside the packages that the program needs; one for each run of the tests, for they may run at the same time. */
const cache = fileURLToPath(new URL("../../node_modules/.cache/", import.meta.url))

/** Compiles a program to one file, which goes with the scope; gives its path. */
export const compiled = (program: URL) =>
  Effect.gen(function* () {
    const source = fileURLToPath(program)
    const name = basename(source, ".ts")
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => {
        mkdirSync(cache, { recursive: true })
        return mkdtempSync(join(cache, `${name}-`))
      }),
      (path) => Effect.promise(() => rm(path, { recursive: true }))
    )
    yield* Effect.promise(() =>
      build({
        entryPoints: [source],
        bundle: true,
        packages: "external",
        platform: "node",
        format: "esm",
        target: "node20",
        outdir: folder,
        outExtension: { ".js": ".mjs" },
        logLevel: "warning"
      })
    )
    return join(folder, `${name}.mjs`)
  })
