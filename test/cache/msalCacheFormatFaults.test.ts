import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Redacted } from "effect"
import { defaults } from "../support/emulated.js"
import {
  alice,
  appMsal,
  asking,
  entitiesOf,
  publicCloud,
  sectionsOf,
  signInMsal,
  signInOurs,
  silentlyMsal,
  unasked,
  warnings
} from "./msalCacheFormatClients.js"
import { sharedFile } from "./msalCacheFormatFiles.js"

const app = { scopes: defaults.apiScope }
const silent = { account: { homeAccountId: alice }, scopes: defaults.apiUserScope }

const modeOf = (mode: number) => (mode & 0o777).toString(8)

const malformed = {
  "no JSON": "{",
  "an array": "[]",
  "a text": '"a text"',
  "a section that is an array": '{"Account":[]}',
  "a section that is a text": '{"AccessToken":"a text"}',
  "nested too deeply": `{"x":${"[".repeat(100)}${"]".repeat(100)}}`
}

describe("a file that is no document of MSAL's", () => {
  for (const [name, text] of Object.entries(malformed))
    it.scopedLive(`is left as it is, we go on in memory, and say so once: ${name}`, () => {
      const { layer, lines } = warnings()
      return Effect.gen(function* () {
        const shared = yield* sharedFile
        yield* shared.put(text)
        const client = yield* shared.ours()
        yield* client.acquireTokenByClientCredential(app)
        yield* unasked(client.acquireTokenByClientCredential(app))
        yield* signInOurs(client)
        yield* unasked(client.acquireTokenSilent(silent))
        assert.lengthOf(yield* client.getAccounts({ session: "" }), 1)
        yield* client.removeTokensForClient
        assert.strictEqual(yield* shared.text, text)
        assert.deepStrictEqual(yield* shared.names, ["msal.cache.json"])
        assert.lengthOf(lines, 1)
        assert.match(lines[0] ?? "", /malformed_(json|shape).*It is none of MSAL's cache documents/)
      }).pipe(Effect.provide([publicCloud(), layer]))
    })

  it.scopedLive("is written when it has become one", () =>
    Effect.gen(function* () {
      const shared = yield* sharedFile
      yield* shared.put("[]")
      const client = yield* shared.ours()
      const { account } = yield* signInOurs(client)
      yield* shared.put("{}")
      yield* Effect.repeat(Effect.sleep("100 millis"), {
        until: () => Effect.map(Effect.orDie(shared.text), (text) => entitiesOf(text, "RefreshToken").length === 1)
      })
      yield* silentlyMsal(yield* shared.msal(), account.homeAccountId)
    }).pipe(Effect.timeout("20 seconds"), Effect.provide(publicCloud()))
  )
})

describe("a file in which something is wrong", () => {
  it.scopedLive("entities that lack a field, or have another type in it, serve nobody and stay", () =>
    Effect.gen(function* () {
      const shared = yield* sharedFile
      yield* signInOurs(yield* shared.ours())
      yield* (yield* shared.ours()).acquireTokenByClientCredential(app)
      const whole = sectionsOf(yield* shared.text)
      const broken = ["Account", "AccessToken", "RefreshToken"].flatMap((section) =>
        Object.entries(whole[section] ?? {}).flatMap(([key, entity]) =>
          Object.keys(entity).flatMap((field) =>
            [undefined, 7, { a: 1 }].map((value) => ({ section, key, field, value }))
          )
        )
      )
      for (const { field, key, section, value } of broken) {
        const entity = { ...whole[section]?.[key], [field]: value }
        const document = { ...whole, [section]: { ...whole[section], [key]: entity } }
        yield* shared.put(JSON.stringify(document))
        const client = yield* shared.ours()
        const about = `${section} ${field} ${JSON.stringify(value)}`
        assert.strictEqual((yield* client.acquireTokenByClientCredential(app)).tokenType, "Bearer", about)
        yield* Effect.either(client.acquireTokenSilent(silent))
        yield* client.getAccounts({ session: "" })
        assert.containsAllKeys(sectionsOf(yield* shared.text)[section] ?? {}, [key], about)
      }
      assert.isAbove(broken.length, 60)
    }).pipe(Effect.provide(publicCloud()))
  )

  it.scopedLive("an empty file is an empty document", () =>
    Effect.gen(function* () {
      const shared = yield* sharedFile
      yield* shared.put("")
      const client = yield* shared.ours()
      assert.deepStrictEqual(yield* client.getAccounts({ session: "" }), [])
      yield* client.acquireTokenByClientCredential(app)
      yield* unasked(appMsal(yield* shared.msal()))
    }).pipe(Effect.provide(publicCloud()))
  )

  it.scopedLive("10 MiB of others' entities are carried along, within the time that a look may take", () => {
    const { layer, lines } = warnings()
    return Effect.gen(function* () {
      const shared = yield* sharedFile
      const secret = "a secret of others ".repeat(50)
      const AccessToken = Object.fromEntries(
        Array.from({ length: 11_000 }, (_, index) => [`another-${index}`, { client_id: "another", secret }])
      )
      yield* shared.put(JSON.stringify({ AccessToken }))
      const client = yield* shared.ours()
      yield* client.acquireTokenByClientCredential(app)
      yield* signInOurs(client)
      const again = yield* shared.ours()
      yield* unasked(again.acquireTokenByClientCredential(app))
      yield* unasked(again.acquireTokenSilent(silent))
      assert.lengthOf(entitiesOf(yield* shared.text, "AccessToken"), 11_002)
      assert.deepStrictEqual(lines, [])
    }).pipe(Effect.provide([publicCloud(), layer]))
  })
})

describe("a file that others may read", () => {
  for (const mode of [0o644, 0o660, 0o604])
    it.scopedLive(`is refused with the command that helps (${modeOf(mode)}), and used after it`, () => {
      const { layer, lines } = warnings()
      return Effect.gen(function* () {
        const shared = yield* sharedFile
        const node = yield* shared.msal()
        const { accessToken } = yield* appMsal(node)
        const before = yield* shared.text
        yield* shared.put(before, mode)
        const client = yield* shared.ours()
        const { sent } = yield* asking(client.acquireTokenByClientCredential(app))
        assert.lengthOf(sent, 1)
        assert.strictEqual(yield* shared.text, before)
        assert.lengthOf(lines, 1)
        assert.include(lines[0], `Run: chmod 600 ${shared.path}`)
        assert.strictEqual(modeOf((yield* shared.fs.stat(shared.path)).mode), modeOf(mode))
        yield* shared.put(before, 0o600)
        const token = yield* unasked((yield* shared.ours()).acquireTokenByClientCredential(app))
        assert.strictEqual(Redacted.value(token.accessToken), accessToken)
      }).pipe(Effect.provide([publicCloud(), layer]))
    })

  it.scopedLive("is never what we leave behind", () =>
    Effect.gen(function* () {
      const shared = yield* sharedFile
      const client = yield* shared.ours()
      yield* client.acquireTokenByClientCredential(app)
      assert.strictEqual(modeOf((yield* shared.fs.stat(shared.path)).mode), "600")
      assert.deepStrictEqual(yield* shared.names, ["msal.cache.json"])
    }).pipe(Effect.provide(publicCloud()))
  )
})

describe("what stands in the place of the file", () => {
  it.scopedLive("a symbolic link is not followed", () => {
    const { layer, lines } = warnings()
    return Effect.gen(function* () {
      const shared = yield* sharedFile
      const target = `${shared.directory}/elsewhere`
      yield* shared.fs.writeFileString(target, "{}", { mode: 0o600 })
      yield* shared.fs.symlink(target, shared.path)
      const client = yield* shared.ours()
      yield* client.acquireTokenByClientCredential(app)
      assert.strictEqual(yield* shared.fs.readFileString(target), "{}")
      assert.strictEqual(yield* shared.fs.readLink(shared.path), target)
      assert.lengthOf(lines, 1)
      assert.include(lines[0], "is a symbolic link")
    }).pipe(Effect.provide([publicCloud(), layer]))
  })

  it.scopedLive("a folder is left alone", () => {
    const { layer, lines } = warnings()
    return Effect.gen(function* () {
      const shared = yield* sharedFile
      yield* shared.fs.makeDirectory(shared.path)
      const client = yield* shared.ours()
      yield* client.acquireTokenByClientCredential(app)
      assert.strictEqual((yield* shared.fs.stat(shared.path)).type, "Directory")
      assert.lengthOf(lines, 1)
    }).pipe(Effect.provide([publicCloud(), layer]))
  })

  it.scopedLive("a folder that is not there costs one warning", () => {
    const { layer, lines } = warnings()
    return Effect.gen(function* () {
      const shared = yield* sharedFile
      yield* shared.fs.remove(shared.directory, { recursive: true })
      const client = yield* shared.ours()
      yield* client.acquireTokenByClientCredential(app)
      yield* unasked(client.acquireTokenByClientCredential(app))
      assert.lengthOf(lines, 1)
      yield* shared.fs.makeDirectory(shared.directory)
    }).pipe(Effect.provide([publicCloud(), layer]))
  })
})

describe("a lock that somebody holds", () => {
  /** As a process of MSAL's leaves it that was killed so many milliseconds ago. */
  const locked = (age: number) =>
    Effect.gen(function* () {
      const shared = yield* sharedFile
      yield* shared.fs.writeFileString(shared.lock, "4711", { flag: "wx+" })
      const made = new Date((yield* Clock.currentTimeMillis) - age)
      yield* shared.fs.utimes(shared.lock, made, made)
      return shared
    })

  it.scopedLive("is waited for no longer than a look may take, and left alone", () => {
    const { layer, lines } = warnings()
    return Effect.gen(function* () {
      const shared = yield* locked(0)
      const client = yield* shared.ours({ timeout: "500 millis" })
      const [took] = yield* Effect.timed(client.acquireTokenByClientCredential(app))
      assert.isAtLeast(Duration.toMillis(took), 500)
      assert.isBelow(Duration.toMillis(took), 2500)
      const [next] = yield* Effect.timed(client.acquireTokenByClientCredential({ scopes: defaults.otherApiScope }))
      assert.isBelow(Duration.toMillis(next), 500)
      assert.lengthOf(lines, 1)
      assert.include(lines[0], "did not answer in time")
      assert.strictEqual(yield* shared.fs.readFileString(shared.lock), "4711")
      assert.deepStrictEqual(yield* shared.names, ["msal.cache.json.lockfile"])
    }).pipe(Effect.provide([publicCloud(), layer]))
  })

  it.scopedLive("is waited for as long as MSAL works", () =>
    Effect.gen(function* () {
      const shared = yield* locked(0)
      const client = yield* shared.ours()
      yield* Effect.fork(Effect.delay(shared.fs.remove(shared.lock), "500 millis"))
      yield* client.acquireTokenByClientCredential(app)
      yield* unasked(appMsal(yield* shared.msal()))
    }).pipe(Effect.provide(publicCloud()))
  )

  it.scopedLive("is taken over when it is older than a minute", () =>
    Effect.gen(function* () {
      const shared = yield* locked(61_000)
      const client = yield* shared.ours()
      yield* client.acquireTokenByClientCredential(app)
      assert.deepStrictEqual(yield* shared.names, ["msal.cache.json"])
      yield* unasked(appMsal(yield* shared.msal()))
    }).pipe(Effect.provide(publicCloud()))
  )

  it.scopedLive("is told of what was won meanwhile, once it is gone", () =>
    Effect.gen(function* () {
      const shared = yield* locked(0)
      const client = yield* shared.ours({ timeout: "300 millis" })
      yield* signInOurs(client)
      yield* shared.fs.remove(shared.lock)
      yield* Effect.repeat(Effect.sleep("100 millis"), {
        until: () => Effect.orDie(shared.fs.exists(shared.path))
      })
      const node = yield* shared.msal()
      yield* silentlyMsal(node, alice)
      yield* signInMsal(node, { username: defaults.secondUsername })
      assert.lengthOf(yield* client.getAccounts({ session: "" }), 2)
    }).pipe(Effect.timeout("20 seconds"), Effect.provide(publicCloud()))
  )
})
