import { unlinkSync, writeFileSync } from "node:fs"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Option } from "effect"
import type { Document } from "../../src/cache/msalDocument.js"
import * as MsalPlace from "../../src/cache/msalPlace.js"
import type { TokenStore } from "../../src/cache/TokenStore.js"
import { sharedFile } from "./msalCacheFormatFiles.js"
import { documentOf, jsonOf, sectionOf } from "./msalDocuments.js"

const shared = Effect.gen(function* () {
  const file = yield* sharedFile
  return { ...file, place: yield* Effect.provide(MsalPlace.filePlace(file.path), NodeContext.layer) }
})

const withToken = (document: Document, name: string): Document =>
  document.withEntries("AccessToken", [...document.entries("AccessToken"), [name, { secret: name }]])

const namesIn = (document: Document) => Object.keys(sectionOf(document, "AccessToken"))

describe("a file whose lock MSAL has removed, though it did not hold it", () => {
  it.scopedLive("is read again before it is replaced: what was written meanwhile stays", () =>
    Effect.gen(function* () {
      const { lock, path, place } = yield* shared
      let times = 0
      yield* place.update((document) => {
        times += 1
        if (times === 1) {
          unlinkSync(lock)
          writeFileSync(path, JSON.stringify({ AccessToken: { theirs: { secret: "theirs" } } }), { mode: 0o600 })
        }
        return [undefined, withToken(document, "ours")]
      })
      assert.deepStrictEqual(namesIn(yield* place.read), ["theirs", "ours"])
      assert.strictEqual(times, 2)
    })
  )

  it.scopedLive("is written in the end, if that happens each time, and no draft is left", () =>
    Effect.gen(function* () {
      const { lock, names, place } = yield* shared
      yield* place.update((document) => {
        unlinkSync(lock)
        return [undefined, withToken(document, "ours")]
      })
      assert.deepStrictEqual(namesIn(yield* place.read), ["ours"])
      assert.deepStrictEqual(yield* names, ["msal.cache.json"])
    })
  )

  it.scopedLive("is not written by who has nothing to change", () =>
    Effect.gen(function* () {
      const { lock, names, place } = yield* shared
      let times = 0
      const result = yield* place.update((document) => {
        times += 1
        unlinkSync(lock)
        return ["nothing", document]
      })
      assert.deepStrictEqual([result, times, yield* names], ["nothing", 1, []])
    })
  )
})

describe("a file that MSAL is writing, in place", () => {
  for (const [name, part] of [
    ["is empty", ""],
    ["is cut off", '{"AccessToken":{"the']
  ] as const)
    it.scopedLive(`is read again when it ${name}`, () =>
      Effect.gen(function* () {
        const { path, place, put } = yield* shared
        yield* put(part)
        const reading = yield* Effect.fork(place.read)
        const changing = yield* Effect.fork(place.update((document) => [undefined, withToken(document, "ours")]))
        yield* Effect.sleep("25 millis")
        writeFileSync(path, JSON.stringify({ AccessToken: { theirs: {} } }))
        assert.include(namesIn(yield* Fiber.join(reading)), "theirs")
        yield* Fiber.join(changing)
        assert.deepStrictEqual(namesIn(yield* place.read), ["theirs", "ours"])
      })
    )
})

describe("a file that is far too long", () => {
  it.scopedLive("is not read at all", () =>
    Effect.gen(function* () {
      const { fs, path, place, put } = yield* shared
      yield* put("{}")
      yield* fs.truncate(path, 8n * 1024n ** 3n)
      const [took, error] = yield* Effect.timed(Effect.flip(place.read))
      assert.deepInclude(error, { reason: "refused", code: "malformed_size" })
      assert.isBelow(Duration.toMillis(took), 1000)
    })
  )
})

describe("an entry of a store", () => {
  const storeOf = (lose: (times: number) => boolean) => {
    const entries = new Map<string, string>()
    let times = 0
    const set: TokenStore["set"] = (key, value) => Effect.sync(() => void entries.set(key, value))
    const store: TokenStore = {
      get: (key) => Effect.sync(() => Option.fromNullable(entries.get(key))),
      set,
      remove: (key) => Effect.sync(() => void entries.delete(key)),
      compareAndSet: (key, _, next, ttl) =>
        Effect.suspend(() => {
          times += 1
          return lose(times) ? Effect.succeed(false) : Effect.as(set(key, next, ttl), true)
        })
    }
    return { place: MsalPlace.storePlace(store, "the key"), times: () => times }
  }

  it.scopedLive("is tried again, a moment later each time, by who comes second", () =>
    Effect.gen(function* () {
      const { place, times } = storeOf((count) => count < 12)
      yield* place.update((document) => [undefined, withToken(document, "ours")])
      assert.deepStrictEqual(
        jsonOf(yield* place.read),
        jsonOf(documentOf({ AccessToken: { ours: { secret: "ours" } } }))
      )
      assert.strictEqual(times(), 12)
    })
  )

  it.scopedLive("is given up by who never comes first", () =>
    Effect.gen(function* () {
      const { place } = storeOf(() => true)
      const error = yield* Effect.flip(place.update((document) => [undefined, withToken(document, "ours")]))
      assert.deepInclude(error, { reason: "failed", code: "contended" })
    })
  )
})
