import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either } from "effect"
import type { HolderName } from "../../src/cache/cacheKey.js"
import { type Asking, type ClientFacts, type Principal, resourceOf } from "../../src/client/principal.js"
import * as Authority from "../../src/core/Authority.js"
import type { Scopes } from "../../src/core/scopes.js"
import type { ResourceOptions } from "../../src/core/TokenProvider.js"
import { clientCredentials, refreshToken } from "../../src/protocol/grants.js"
import { readBody } from "../../src/protocol/wire.js"
import { appToken } from "../protocol/bodies.js"

const tenantId = "abcdef11-2222-3333-4444-55555555abcd"
const otherTenantId = "fedcba99-2222-3333-4444-55555555abcd"

const facts: ClientFacts = {
  authority: Authority.entra({ tenantId }),
  clientId: "client",
  capabilities: [],
  allowedTenants: undefined
}

const principalOf = (holder: HolderName, asked: Array<Asking> = []): Principal<never> => ({
  grant: clientCredentials,
  at: Either.right,
  holder: () => holder,
  ask: (asking) =>
    Effect.sync(() => {
      asked.push(asking)
      const body = readBody(JSON.stringify(appToken))
      assert(body._tag === "Success")
      return body.response
    })
})

interface Case {
  readonly client?: Partial<ClientFacts>
  readonly holder?: Partial<HolderName>
  readonly scopes?: Scopes
  readonly options?: ResourceOptions
}

const make = ({ client, holder, options, scopes = "api://x/.default" }: Case, asked?: Array<Asking>) =>
  resourceOf(
    { ...facts, ...client },
    principalOf({ kind: "app", id: "", session: "", ...holder }, asked),
    scopes,
    options
  )

const keyOf = (change: Case) => Either.getOrThrow(make(change)).key.id
const refused = (change: Case) => Either.getOrThrow(Either.flip(make(change))).parameter

describe("the key of a resource", () => {
  it.each<readonly [string, Case, Case]>([
    ["the scopes' order and repetition", { scopes: ["b", "a"] }, { scopes: ["a", "b", "a"] }],
    ["their case at Entra", { scopes: "API://x/.default" }, {}],
    ["the tenant's case", { options: { tenantId: tenantId.toUpperCase() } }, {}],
    [
      "which host of its cloud is named",
      { client: { authority: Authority.entra({ tenantId, host: "https://login.windows.net" }) } },
      {}
    ],
    [
      "the order of parameters",
      { options: { parameters: { a: "1", b: "2" } } },
      { options: { parameters: { b: "2", a: "1" } } }
    ],
    ["parameters that are no part of it", { options: { parameters: { a: { value: "1", isKeyPart: false } } } }, {}]
  ])("is the same whatever %s", (_, one, other) => {
    assert.strictEqual(keyOf(one), keyOf(other))
  })

  it.each<readonly [string, Case, Case]>([
    ["another client", { client: { clientId: "other" } }, {}],
    ["another identity", { holder: { id: "ada" } }, { holder: { id: "eve" } }],
    ["another kind of identity", { holder: { kind: "account" } }, {}],
    ["another session", { holder: { session: "one" } }, { holder: { session: "two" } }],
    [
      "identities whose parts run together",
      { holder: { session: "a", id: "bc" } },
      { holder: { session: "ab", id: "c" } }
    ],
    ["other scopes", { scopes: "api://y/.default" }, {}],
    ["another tenant", { options: { tenantId: otherTenantId } }, {}],
    ["another cloud", { client: { authority: Authority.entra({ tenantId, cloud: "usGovernment" }) } }, {}],
    ["other capabilities", { client: { capabilities: ["cp1"] } }, {}],
    ["a claims request of its own", { options: { claims: '{"a":1}' } }, {}],
    ["a resource", { options: { resource: "https://x" } }, {}],
    ["a parameter", { options: { parameters: { a: "1" } } }, { options: { parameters: { a: "2" } } }],
    [
      "parameters that run together",
      { options: { parameters: { a: "bc" } } },
      { options: { parameters: { ab: "c" } } }
    ],
    ["a claims request that looks like a resource", { options: { claims: "{}" } }, { options: { resource: "{}" } }],
    [
      "another policy",
      { client: { authority: Authority.b2c({ tenant: "contoso", policy: "one" }) } },
      { client: { authority: Authority.b2c({ tenant: "contoso", policy: "two" }) } }
    ],
    [
      "scopes in another case elsewhere than at Entra",
      { client: { authority: Authority.oidc({ issuer: "https://id.example" }) }, scopes: "Read" },
      { client: { authority: Authority.oidc({ issuer: "https://id.example" }) }, scopes: "read" }
    ]
  ])("is another one for %s", (_, one, other) => {
    assert.notStrictEqual(keyOf(one), keyOf(other))
  })
})

describe("a resource", () => {
  it.each<readonly [string, Case]>([
    ["scopes", { scopes: [] }],
    ["tenantId", { options: { tenantId: "nonsense" } }],
    ["tenantId", { options: { tenantId: otherTenantId }, client: { allowedTenants: new Set(["contoso.com"]) } }],
    ["claims", { options: { claims: "[]" } }],
    ["authority", { client: { authority: Authority.entra({ tenantId, host: "x" }) } }],
    ...[
      "grant_type",
      "client_secret",
      "client_assertion",
      "scope",
      "claims",
      "resource",
      "assertion",
      "refresh_token"
    ].map((name): readonly [string, Case] => ["parameters", { options: { parameters: { [name]: "x" } } }]),
    ["parameters", { options: { parameters: { "": "x" } } }]
  ])("is refused for its %s (%#)", (parameter, change) => {
    assert.strictEqual(refused(change), parameter)
  })

  it("may be in a tenant that is listed, in the client's own, and in any where any is welcome", () => {
    for (const allowedTenants of [new Set([otherTenantId]), "any", undefined] as const)
      assert.isTrue(Either.isRight(make({ client: { allowedTenants }, options: { tenantId: otherTenantId } })))
    assert.isTrue(Either.isRight(make({ client: { allowedTenants: new Set() } })))
  })

  it.effect("asks with its parameters, and with the claims of all who have some", () =>
    Effect.gen(function* () {
      const asked: Array<Asking> = []
      const resource = Either.getOrThrow(
        make(
          {
            client: { capabilities: ["cp1"] },
            options: {
              claims: '{"access_token":{"acrs":{"value":"c1"}}}',
              resource: "https://x",
              parameters: { a: "1", b: { value: "2", isKeyPart: false } }
            }
          },
          asked
        )
      )
      yield* resource.exchange({
        claims: '{"access_token":{"acrs":{"value":"c2"}}}',
        correlationId: tenantId,
        timeout: Duration.seconds(1),
        deadline: 60_000,
        host: "login.microsoftonline.com",
        sequence: 1,
        replaced: undefined
      })
      assert.deepStrictEqual(asked[0]?.parameters, { a: "1", b: "2", resource: "https://x" })
      assert.deepStrictEqual<unknown>(JSON.parse(asked[0]?.claims ?? ""), {
        access_token: { acrs: { value: "c2" }, xms_cc: { values: ["cp1"] } }
      })
    })
  )

  it("uses up what it asks with where refresh tokens rotate", () => {
    const consumes = (authority: Authority.Authority) =>
      Either.getOrThrow(
        resourceOf(
          { ...facts, authority },
          { ...principalOf({ kind: "account", id: "user", session: "" }), grant: refreshToken },
          "api://x/read"
        )
      ).consumes
    assert.isFalse(consumes(facts.authority))
    assert.isTrue(consumes(Authority.oidc({ issuer: "https://id.example" })))
    assert.isTrue(consumes(Authority.b2c({ tenant: "contoso", policy: "p" })))
  })
})
