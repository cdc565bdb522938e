import { accessSync, constants } from "node:fs"
import { delimiter, join } from "node:path"
import { Context, Effect, Layer, type Scope } from "effect"
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core"

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The system's, which `machine.ts` has seen to; nothing is downloaded. */
const program = (): string => {
  const places = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "chromium"))
  return places.find(isProgram) ?? "chromium"
}

/** A browser without a window, gone with all its processes when the scope closes. */
export const launch: Effect.Effect<Browser, never, Scope.Scope> = Effect.acquireRelease(
  // Its sandbox refuses to run as root, as which containers run tests; the tests show it nothing but their own pages.
  Effect.promise(() => chromium.launch({ executablePath: program(), args: ["--no-sandbox", "--disable-gpu"] })),
  (browser) => Effect.promise(() => browser.close())
)

/** One browser for the tests of a file. */
export class Chromium extends Context.Tag("test/Chromium")<Chromium, Browser>() {}

export const layer: Layer.Layer<Chromium> = Layer.scoped(Chromium, launch)

/** An empty tab of a person who was never here before: no cookies, no history. */
export const newPage = (options: BrowserContextOptions = {}): Effect.Effect<Page, never, Chromium | Scope.Scope> =>
  Effect.flatMap(Chromium, (browser) =>
    Effect.acquireRelease(
      Effect.promise(() => browser.newContext(options)),
      (context) => Effect.promise(() => context.close())
    )
  ).pipe(Effect.flatMap((context) => Effect.promise(() => context.newPage())))
