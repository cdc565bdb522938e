import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { ResourceOptions } from "../../src/core/TokenProvider.js"
import { defaults, layer, tokenRequests } from "../support/emulated.js"
import { client } from "../support/people.js"

const get = (options: ResourceOptions) =>
  Effect.flatMap(client, ({ app }) => app.forScopes(defaults.apiScope, options).getToken())

const forms = Effect.map(tokenRequests, (requests) => requests.map(({ form }) => form))

const own = (value: string) => JSON.stringify({ access_token: { own: { value } } })

describe("the tokens of one scope are others", () => {
  it.effect.each<readonly [string, ResourceOptions, ResourceOptions]>([
    ["for another resource", { resource: "https://one.example" }, { resource: "https://two.example" }],
    ["with another parameter", { parameters: { slice: "one" } }, { parameters: { slice: "two" } }],
    ["with claims of the program's own", {}, { claims: own("one") }],
    ["in another tenant", {}, { tenantId: defaults.otherTenantId }]
  ])("%s", ([, one, two]) =>
    Effect.gen(function* () {
      for (const options of [one, two, one, two]) yield* get(options)
      assert.lengthOf(yield* forms, 2)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("unless the parameter is no part of the key", () =>
    Effect.gen(function* () {
      const named = (value: string) => ({ parameters: { dc: { value, isKeyPart: false } } })
      yield* get(named("one"))
      assert.strictEqual((yield* get(named("two"))).source, "cache")
    }).pipe(Effect.provide(layer()))
  )
})

describe("a request says", () => {
  it.effect("which resource is meant, and what the client can do", () =>
    Effect.gen(function* () {
      yield* get({ resource: "https://one.example", claims: own("one") })
      const [form] = yield* forms
      assert.strictEqual(form?.resource, "https://one.example")
      assert.deepStrictEqual(JSON.parse(form?.claims ?? ""), {
        access_token: { own: { value: "one" }, xms_cc: { values: ["cp1"] } }
      })
    }).pipe(Effect.provide(layer({ clientCapabilities: ["cp1"] })))
  )

  it.effect("what a challenge demands, beside it", () =>
    Effect.gen(function* () {
      const { app } = yield* client
      const source = app.forScopes(defaults.apiScope)
      yield* source.getToken()
      const claims = JSON.stringify({
        access_token: { nbf: { essential: true, value: "1" }, xms_cc: { values: ["cp2"] } }
      })
      yield* source.getToken({ claims })
      yield* source.getToken()
      const [plain, challenged, ...more] = yield* forms
      assert.isEmpty(more)
      assert.deepStrictEqual(JSON.parse(plain?.claims ?? ""), { access_token: { xms_cc: { values: ["cp1"] } } })
      assert.deepStrictEqual(JSON.parse(challenged?.claims ?? ""), {
        access_token: { xms_cc: { values: ["cp1", "cp2"] }, nbf: { essential: true, value: "1" } }
      })
    }).pipe(Effect.provide(layer({ clientCapabilities: ["cp1"] })))
  )
})

describe("before anything is sent, it refuses", () => {
  it.effect.each<readonly [string, ResourceOptions]>([
    ["parameters", { parameters: { grant_type: "password" } }],
    ["parameters", { parameters: { client_secret: "mine" } }],
    ["claims", { claims: "[]" }],
    ["claims", { claims: "not JSON" }],
    ["tenantId", { tenantId: "../evil" }]
  ])("%s that are wrong: %j", ([parameter, options]) =>
    Effect.gen(function* () {
      assert.include(yield* Effect.flip(get(options)), { _tag: "ConfigurationError", parameter })
      assert.isEmpty(yield* forms)
    }).pipe(Effect.provide(layer()))
  )
})
