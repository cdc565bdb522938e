import { FileSystem } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import * as MsalCacheFormat from "../../src/cache/MsalCacheFormat.js"
import { aged, msal, ours } from "./msalCacheFormatClients.js"
import { lockingPlugin, publishedPlugin } from "./msalCacheFormatPlugins.js"

/** A place for a cache file of MSAL's that goes with the scope, and those who share it. */
export const sharedFile = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* fs.makeTempDirectoryScoped()
  const path = `${directory}/msal.cache.json`
  const layer = (options: MsalCacheFormat.Options = {}) =>
    Layer.provide(MsalCacheFormat.layerFile({ path, ...options }), NodeContext.layer)
  const text = fs.readFileString(path)
  const put = (document: string, mode = 0o600) =>
    Effect.zipRight(fs.writeFileString(path, document), fs.chmod(path, mode))
  return {
    directory,
    fs,
    path,
    lock: `${path}.lockfile`,
    layer,
    ours: (options?: MsalCacheFormat.Options) => ours(layer(options)),
    msal: (kind: "published" | "locking" = "locking") =>
      msal(kind === "published" ? publishedPlugin(path) : lockingPlugin(path)),
    text,
    put,
    names: fs.readDirectory(directory),
    /** All access tokens are over. */
    age: Effect.flatMap(text, (before) => put(aged(before)))
  }
}).pipe(Effect.provide(NodeContext.layer))
