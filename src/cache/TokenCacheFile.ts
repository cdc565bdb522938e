/**
 * A token cache in a folder, for command-line tools and programs of one machine.
 *
 * @since 0.1.0
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { ConfigurationError } from "../core/TokenError.js"
import * as FileStore from "./fileStore.js"
import * as TokenCache from "./TokenCache.js"
import type { TokenStore } from "./TokenStore.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface FolderOptions {
  /** A folder of the cache's own, on a local disk. It is made where it is missing, for its owner alone (mode 700). */
  readonly directory: string
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options extends TokenCache.StoreOptions, FolderOptions {}

/** A disk may be busy; and a token that is waited for is better than one that is asked for again. */
const patience = "2 seconds"

/**
 * A folder as a store of texts: a file for each entry (mode 600), replaced in one step, so that a program that is killed at any
 * point leaves whole files and no lock that lasts. Folders and files that others may read, and symbolic links, are refused. Modes
 * mean nothing on Windows: there the folder is as private as the one that it is in.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeStore: (
  options: FolderOptions
) => Effect.Effect<TokenStore, ConfigurationError, FileSystem.FileSystem | Path.Path> = FileStore.make

/**
 * Makes a cache in memory with a folder behind it, which programs share: one of them asks for a token that none has. A key that
 * lies beside the files is no encryption: without `encryption` it is the modes alone that protect them.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options
): Effect.Effect<TokenCache.TokenCacheService, ConfigurationError, FileSystem.FileSystem | Path.Path | Scope.Scope> =>
  Effect.flatMap(FileStore.make(options), (store) => TokenCache.make(store, { timeout: patience, ...options }))

/**
 * The same for a program's layers. Bind it to a constant and provide it once.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options
): Layer.Layer<TokenCache.TokenCache, ConfigurationError, FileSystem.FileSystem | Path.Path> =>
  Layer.scoped(TokenCache.TokenCache, make(options))
