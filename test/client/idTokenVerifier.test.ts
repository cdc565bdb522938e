import { inspect } from "node:util"
import { HttpClient } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either, Fiber, Layer, TestClock } from "effect"
import * as IdTokenVerifier from "../../src/client/IdTokenVerifier.js"
import * as Authority from "../../src/core/Authority.js"
import { InvalidToken, type InvalidTokenReason } from "../../src/core/TokenError.js"
import { audience, type Claims, issuer, jwksUri, keyServer, makeKey, sign, start } from "../protocol/tokens.js"
import * as Web from "../protocol/web.js"

const key = await makeKey("rsa")
const nonce = "a-nonce-that-nobody-can-guess"
const tid = "abcdef11-2222-3333-4444-55555555abcd"

const expectation: IdTokenVerifier.Expectation = {
  clientId: audience,
  authority: Either.getOrThrow(Authority.resolve(Authority.oidc({ issuer }))),
  metadata: { issuer, tokenEndpoint: `${issuer}/token`, jwksUri },
  nonce,
  maxAge: undefined,
  tenants: undefined
}

const policy: Partial<IdTokenVerifier.Expectation> = {
  authority: Either.getOrThrow(Authority.resolve(Authority.b2c({ tenant: "contoso", policy: "B2C_1_SignIn" })))
}

const prepared = Effect.gen(function* () {
  yield* TestClock.setTime(start * 1000)
  const server = keyServer(key.jwk)
  const context = yield* Layer.build(
    IdTokenVerifier.layer.pipe(Layer.provide(Layer.succeed(HttpClient.HttpClient, server.client)))
  )
  const verified = (token: string, change: Partial<IdTokenVerifier.Expectation> = {}) =>
    Effect.flatMap(IdTokenVerifier.IdTokenVerifier, ({ verify }) => verify(token, { ...expectation, ...change })).pipe(
      Effect.provide(context)
    )
  const reasonOf = (token: string, change?: Partial<IdTokenVerifier.Expectation>) =>
    Effect.map(Effect.flip(verified(token, change)), (failure) =>
      failure instanceof InvalidToken ? failure.reason : failure._tag
    )
  return { ...server, reasonOf, verified }
})

const idToken = (change: Claims = {}) => sign(key, { nonce, ...change })

type Row = readonly [what: string, claims: Claims, change?: Partial<IdTokenVerifier.Expectation>]

describe("an id token holds", () => {
  it.scoped.each<Row>([
    ["with its nonce", {}],
    ["when it was issued to this client", { azp: audience }],
    ["when it is for several, and was issued to this client", { aud: [audience, "api"], azp: audience }],
    ["when it is for a list of one", { aud: [audience] }],
    ["of a policy, by tfp", { tfp: "b2c_1_signin" }, policy],
    ["of a policy, in whatever case", { tfp: "B2C_1_SIGNIN" }, policy],
    ["of a policy, by acr in older tokens", { acr: "b2c_1_signin" }, policy],
    ["of a policy, whatever acr says beside tfp", { acr: "urn:mfa", tfp: "b2c_1_signin" }, policy],
    ["of a tenant that is listed", { tid: tid.toUpperCase() }, { tenants: new Set([tid]) }],
    ["of any tenant where none is listed", { tid }],
    ["when the user signed in just now", { auth_time: start }, { maxAge: 0 }],
    ["when the clocks differ by 5 minutes", { auth_time: start - 360 }, { maxAge: 60 }],
    ["without auth_time where nobody asked for it", { auth_time: undefined }]
  ])("%s", ([_, claims, change]) =>
    Effect.gen(function* () {
      const { verified } = yield* prepared
      assert.strictEqual((yield* verified(yield* idToken(claims), change)).sub, "ada")
    })
  )
})

describe("an id token is refused", () => {
  it.scoped.each<readonly [InvalidTokenReason, ...Row]>([
    ["nonce", "with another's nonce", { nonce: `${nonce}2` }],
    ["nonce", "without nonce", { nonce: undefined }],
    ["nonce", "with a list of nonces", { nonce: [nonce] }],
    ["audience", "when it is for another client", { aud: "other" }],
    ["authorizedParty", "when it was issued to another client", { azp: "other" }],
    ["authorizedParty", "when azp is a list", { azp: [audience] }],
    ["authorizedParty", "when azp is null", { azp: null }],
    ["authorizedParty", "when it is for several, and doesn't say to whom it was issued", { aud: [audience, "api"] }],
    ["policy", "of another policy, by tfp", { tfp: "b2c_1_edit" }, policy],
    ["policy", "of another policy, whatever acr says", { tfp: "b2c_1_edit", acr: "b2c_1_signin" }, policy],
    ["policy", "of another policy, by acr", { acr: "b2c_1_edit" }, policy],
    ["policy", "of no policy", {}, policy],
    ["policy", "of a list of policies", { tfp: ["b2c_1_signin"] }, policy],
    ["policy", "of a policy that is none", { tfp: { toString: 1, valueOf: 1 } }, policy],
    [
      "policy",
      "of no policy, even if one is called undefined",
      {},
      { authority: Either.getOrThrow(Authority.resolve(Authority.b2c({ tenant: "contoso", policy: "undefined" }))) }
    ],
    ["tenant", "of a tenant that is not listed", { tid }, { tenants: new Set() }],
    ["tenant", "of no tenant where some are listed", {}, { tenants: new Set([tid]) }],
    ["tenant", "of a list of tenants", { tid: [tid] }, { tenants: new Set([tid]) }],
    ["authenticationTime", "when the user signed in too long ago", { auth_time: start - 361 }, { maxAge: 60 }],
    ["authenticationTime", "when it doesn't say when the user signed in", {}, { maxAge: 3600 }],
    ["authenticationTime", "when that is no number", { auth_time: String(start) }, { maxAge: 3600 }],
    ["expired", "when it is over", { exp: start - 300 }],
    ["notYetValid", "when it is yet to come", { nbf: start + 301 }],
    ["issuer", "when it is another issuer's", { iss: "https://evil.example" }],
    ["key", "when its issuer publishes no keys", {}, { metadata: { issuer, tokenEndpoint: `${issuer}/token` } }]
  ])("(%s) %s", ([reason, _, claims, change]) =>
    Effect.gen(function* () {
      const { reasonOf } = yield* prepared
      assert.strictEqual(yield* reasonOf(yield* idToken(claims), change), reason)
    })
  )

  it.scoped("though claims of the name __proto__ say what is wanted", () =>
    Effect.gen(function* () {
      const { reasonOf } = yield* prepared
      const claims = JSON.parse(`{"__proto__":{"nonce":"${nonce}","tfp":"b2c_1_signin"}}`)
      assert.strictEqual(yield* reasonOf(yield* sign(key, claims)), "nonce")
      assert.strictEqual(yield* reasonOf(yield* sign(key, { nonce, ...claims }), policy), "policy")
    })
  )

  it.scoped("without a word of what it says", () =>
    Effect.gen(function* () {
      const { verified } = yield* prepared
      const token = yield* idToken({ nonce: "hunter2", email: "hunter2@contoso.com" })
      const failure = yield* Effect.flip(verified(token))
      const printed = `${JSON.stringify(failure)} ${inspect(failure, { depth: 20 })} ${failure.message}`
      for (const piece of ["hunter2", nonce, ...token.split(".")]) assert.notInclude(printed, piece)
    })
  )
})

describe("an issuer whose keys can't be had", () => {
  it.scoped("is asked again by the policy", () =>
    Effect.gen(function* () {
      const { answer, publish, requests, verified } = yield* prepared
      answer(Web.text("", 503, { "retry-after": "5" }))
      const token = yield* idToken()
      const verifying = yield* Effect.fork(verified(token))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(requests(), 1)
      publish(key.jwk)
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(verifying)
      assert.strictEqual(requests(), 2)
    })
  )

  it.scoped("is not, where that can't help", () =>
    Effect.gen(function* () {
      const { answer, reasonOf, requests } = yield* prepared
      answer(Web.notFound)
      assert.strictEqual(yield* reasonOf(yield* idToken()), "ConfigurationError")
      assert.strictEqual(requests(), 1)
    })
  )

  it.scoped("has those of yesterday", () =>
    Effect.gen(function* () {
      const { answer, verified } = yield* prepared
      const token = yield* idToken({ exp: start + 200_000 })
      yield* verified(token)
      answer(Effect.fail("ECONNREFUSED"))
      yield* TestClock.adjust(Duration.hours(30))
      yield* verified(token)
    })
  )
})
