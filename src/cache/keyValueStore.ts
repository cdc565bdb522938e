import type * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Effect from "effect/Effect"
import { StoreError, type TokenStore } from "./TokenStore.js"

const failed = (operation: StoreError["operation"]) => () => new StoreError({ operation, reason: "failed" })

/**
 * A store of texts that keeps them until they are removed: their own end tells when they are over.
 *
 * @internal
 */
export const keyValueStore = (store: KeyValueStore.KeyValueStore): TokenStore => ({
  get: (key) => Effect.mapError(store.get(key), failed("get")),
  set: (key, value) => Effect.mapError(store.set(key, value), failed("set")),
  remove: (key) => Effect.mapError(store.remove(key), failed("remove"))
})
