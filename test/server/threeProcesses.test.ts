import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, Schema } from "effect"
import { defaults } from "../../src/emulator/EntraEmulator.js"
import { compile, type Program, start } from "./processes.js"
import { webApp } from "./processesApi.js"

const Address = Schema.Struct({ origin: Schema.String, certificate: Schema.String })
const decodeAddress = Schema.decodeUnknown(Address)
const decodeText = Schema.decodeUnknown(Schema.String)
const decodeTexts = Schema.decodeUnknown(Schema.Array(Schema.String))

/** The file from which the other processes learn whose certificate to trust. */
const trust = (certificate: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const folder = await mkdtemp(join(tmpdir(), "effect-entra-"))
      await writeFile(join(folder, "ca.pem"), certificate)
      return folder
    }),
    (folder) => Effect.promise(() => rm(folder, { recursive: true }))
  )

/** An authority with its API, a server that acts on behalf of its callers, and a program that calls it. */
const threeProcesses = (program: Program) =>
  Effect.gen(function* () {
    yield* compile
    const emulator = yield* start("Emulator")
    const { certificate, origin } = yield* decodeAddress(yield* emulator("address"))
    const settings = { AUTHORITY_HOST: origin, NODE_EXTRA_CA_CERTS: join(yield* trust(certificate), "ca.pem") }
    const middleTier = yield* start("MiddleTier", settings)
    const client = yield* start(program, { ...settings, MIDDLE_TIER: yield* decodeText(yield* middleTier("origin")) })
    const exchanges = Effect.flatMap(emulator("exchanges"), decodeTexts)
    return { client, emulator, exchanges }
  })

const ofMiddleTier = (exchange: string) => exchange.startsWith(defaults.clientId)
const ofClient = (exchange: string) => exchange.startsWith(webApp.clientId)
const succeeded = (exchange: string) => exchange.endsWith(" 200")

describe("a client program, a middle tier and an authority with its API", () => {
  it.scopedLive("go on when the user is revoked in mid-traffic", () =>
    Effect.gen(function* () {
      const { client, emulator, exchanges } = yield* threeProcesses("Client")
      const call = (argument: string) => Effect.flatMap(client("call", argument), decodeTexts)
      assert.deepStrictEqual(yield* call("1x1"), [defaults.userObjectId])

      const before = yield* exchanges
      const traffic = yield* Effect.fork(call("50x10"))
      yield* Effect.sleep("200 millis")
      yield* emulator("revoke")
      assert.isTrue(Option.isNone(yield* Fiber.poll(traffic)), "calls are still under way")
      const answers = yield* Fiber.join(traffic)
      const last = yield* call("50x1")
      assert.deepStrictEqual(new Set([...answers, ...last]), new Set([defaults.userObjectId]))
      assert.lengthOf(answers, 500)

      const after = (yield* exchanges).slice(before.length)
      const acquired = after.filter(succeeded)
      assert.lengthOf(acquired.filter(ofClient), 1, after.join("\n"))
      assert.lengthOf(acquired.filter(ofMiddleTier), 1, after.join("\n"))
      assert.strictEqual(yield* client("asked"), 1)
      assert.isAtMost(after.length, 12, after.join("\n"))
    })
  )

  it.scopedLive("go on where the client program is MSAL's, by the header alone", () =>
    Effect.gen(function* () {
      const { client, emulator } = yield* threeProcesses("Msal")
      const oid = `{"oid":"${defaults.userObjectId}"}`
      assert.strictEqual(yield* client("call"), oid)
      yield* emulator("revoke")
      assert.strictEqual(yield* client("call"), oid)
      const [claims = "", ...more] = yield* decodeTexts(yield* client("asked"))
      assert.match(claims, /^\{"access_token":\{"nbf":\{"essential":true,/)
      assert.lengthOf(more, 0)
    })
  )
})
