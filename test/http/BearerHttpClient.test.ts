import { inspect } from "node:util"
import {
  HttpApi,
  HttpApiClient,
  HttpApiEndpoint,
  HttpApiGroup,
  HttpBody,
  HttpClient,
  HttpClientRequest
} from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, FastCheck, Layer, Option, Schema, Stream } from "effect"
import { ClaimsChallengeRequired, InteractionRequired, Throttled } from "../../src/core/TokenError.js"
import * as TokenProvider from "../../src/core/TokenProvider.js"
import * as BearerHttpClient from "../../src/http/BearerHttpClient.js"
import * as ClaimsChallengeHandler from "../../src/http/ClaimsChallengeHandler.js"
import { challenge, claims, counting, makeApi, origin, refusing } from "./api.js"

const origins = [origin]
const url = `${origin}/v1/me`

describe("a call", () => {
  it.effect("carries the source's token", () =>
    Effect.gen(function* () {
      const { client, seen } = refusing()
      const { source } = counting()
      const api = client.pipe(BearerHttpClient.withBearer(source, { origins }))
      const response = yield* api.get(url)
      assert.deepStrictEqual(yield* response.json, { token: "token1" })
      assert.deepStrictEqual(seen, [{ method: "GET", url, token: "token1", body: "" }])
    })
  )

  it.effect("is repeated once with another token when claims are demanded, body and all", () =>
    Effect.gen(function* () {
      const { client, seen } = refusing("token1")
      const { asked, source } = counting()
      const api = client.pipe(BearerHttpClient.withBearer(source, { origins }))
      const response = yield* api.post(url, { body: HttpBody.text("payload") })
      assert.strictEqual(response.status, 200)
      assert.deepStrictEqual(
        seen.map(({ body, token }) => [token, body]),
        [
          ["token1", "payload"],
          ["token2", "payload"]
        ]
      )
      assert.deepStrictEqual(
        asked.map((request) => [request.claims, request.rejected === undefined]),
        [
          [undefined, true],
          [claims, false]
        ]
      )
    })
  )

  it.effect("of a client that takes statuses for failures is no different", () =>
    Effect.gen(function* () {
      const { client, seen } = refusing("token1")
      const { source } = counting()
      const strict = HttpClient.filterStatusOk(client).pipe(BearerHttpClient.withBearer(source, { origins }))
      assert.strictEqual((yield* strict.get(url)).status, 200)
      assert.lengthOf(seen, 2)
    })
  )

  it.effect("whose second token is refused too says so, and is not repeated again", () =>
    Effect.gen(function* () {
      const { client, seen } = refusing("token1", "token2")
      const { source } = counting()
      const api = client.pipe(BearerHttpClient.withBearer(source, { origins }))
      const failure = yield* Effect.flip(api.get(url))
      assert(failure._tag === "ClaimsChallengeRequired")
      assert.deepStrictEqual([failure.claims, failure.reason], [claims, "repeated"])
      assert.lengthOf(seen, 2)
    })
  )

  it.effect("whose second token lacks other claims says which, for nobody has tried them", () =>
    Effect.gen(function* () {
      const { client } = makeApi((token) => {
        const header = challenge(token === "token1" ? claims : '{"access_token":{}}')
        return new Response("no", { status: 401, headers: { "www-authenticate": header } })
      })
      const { source } = counting()
      const api = client.pipe(BearerHttpClient.withBearer(source, { origins }))
      const failure = yield* Effect.flip(api.get(url))
      assert.include(failure, { _tag: "ClaimsChallengeRequired", claims: '{"access_token":{}}', reason: "another" })
      assert.include(failure.message, "call again")
    })
  )

  it.live.each([
    ["never ends", (part: Uint8Array) => Effect.as(Effect.void, part)],
    ["says nothing", () => Effect.never]
  ] as const)("goes on though the refusal's body %s", ([, next]) =>
    Effect.gen(function* () {
      let read = 0
      const endless = new ReadableStream<Uint8Array>({
        pull: (controller) =>
          Effect.runPromise(next(new Uint8Array(1024))).then((part) => {
            read += part.length
            controller.enqueue(part)
          })
      })
      const { client, seen } = makeApi((token) =>
        token === "token1"
          ? new Response(endless, { status: 401, headers: { "www-authenticate": challenge() } })
          : Response.json({ token })
      )
      const { source } = counting()
      const api = client.pipe(BearerHttpClient.withBearer(source, { origins }))
      assert.strictEqual((yield* api.get(url)).status, 200)
      assert.lengthOf(seen, 2)
      assert.isAtMost(read, 70_000)
    })
  )

  it.effect("whose body can be sent only once says so", () =>
    Effect.gen(function* () {
      const { client, seen } = refusing("token1")
      const { source } = counting()
      const api = client.pipe(BearerHttpClient.withBearer(source, { origins }))
      const body = HttpBody.stream(Stream.make(new Uint8Array([1])))
      const failure = yield* Effect.flip(api.post(url, { body }))
      assert(failure._tag === "ClaimsChallengeRequired")
      assert.strictEqual(failure.reason, "body")
      assert.lengthOf(seen, 1)
    })
  )

  it.effect.each([401, 403, 404, 500])("that fails with %i and demands nothing is the caller's", (status) =>
    Effect.gen(function* () {
      const { client, seen } = makeApi(
        () => new Response("sorry", { status, headers: { "www-authenticate": "Bearer" } })
      )
      const { source } = counting()
      const response = yield* client.pipe(BearerHttpClient.withBearer(source, { origins })).get(url)
      assert.deepStrictEqual([response.status, yield* response.text], [status, "sorry"])
      assert.lengthOf(seen, 1)
    })
  )

  it.effect("keeps the base URL that is set outside, once", () =>
    Effect.gen(function* () {
      const { client, seen } = refusing("token1")
      const { source } = counting()
      const api = client.pipe(
        BearerHttpClient.withBearer(source, { origins }),
        HttpClient.mapRequest(HttpClientRequest.prependUrl(`${origin}/v1`))
      )
      yield* api.get("/me")
      assert.deepStrictEqual(
        seen.map((call) => call.url),
        [url, url]
      )
    })
  )
})

describe("a token goes nowhere but where it was told", () => {
  it.effect.each([
    ["another host", "https://evil.example/v1/me"],
    ["a host that ends alike", "https://evil-api.example/v1/me"],
    ["a host below", "https://sub.api.example/v1/me"],
    ["another port", "https://api.example:444/v1/me"],
    ["plain http", "http://api.example/v1/me"],
    ["a relative URL", "/v1/me"],
    ["no URL", ""]
  ] as const)("not to %s", ([, elsewhere]) =>
    Effect.gen(function* () {
      const { client, seen } = refusing()
      const { asked, source } = counting()
      const failure = yield* Effect.flip(
        client.pipe(BearerHttpClient.withBearer(source, { origins })).get(elsewhere ?? "")
      )
      assert(failure._tag === "ConfigurationError", failure._tag)
      assert.strictEqual(failure.parameter, "url")
      assert.isEmpty(seen)
      assert.isEmpty(asked)
    })
  )

  it.effect("not along a redirect", () =>
    Effect.gen(function* () {
      const { client, seen } = makeApi(
        () => new Response(null, { status: 307, headers: { location: "https://evil.example/" } })
      )
      const { source } = counting()
      const failure = yield* Effect.flip(client.pipe(BearerHttpClient.withBearer(source, { origins })).get(url))
      assert.strictEqual(failure._tag, "ConfigurationError")
      assert.lengthOf(seen, 1)
    })
  )

  it.effect("but to all below a domain, if it is named so", () =>
    Effect.gen(function* () {
      const { client } = refusing()
      const { source } = counting()
      const api = client.pipe(BearerHttpClient.withBearer(source, { origins: ["https://*.vault.azure.net"] }))
      yield* api.get("https://mine.vault.azure.net/secrets")
      for (const elsewhere of ["https://vault.azure.net/", "https://evilvault.azure.net/", "http://a.vault.azure.net/"])
        assert.strictEqual((yield* Effect.flip(api.get(elsewhere)))._tag, "ConfigurationError")
    })
  )

  it.effect.each([[], ["api.example"], ["https://api.example/v1"], ["http://api.example"], ["https://*"]])(
    "and origins that say nothing clear are refused: %j",
    (wrong) =>
      Effect.gen(function* () {
        const { client, seen } = refusing()
        const { source } = counting()
        const api = client.pipe(BearerHttpClient.withBearer(source, { origins: wrong }))
        assert.include(yield* Effect.flip(api.get(url)), { _tag: "ConfigurationError", parameter: "origins" })
        assert.isEmpty(seen)
      })
  )
})

describe("whatever comes back holds the caller's own request", () => {
  const outputs = (value: unknown) => [
    inspect(value, { depth: 10 }),
    JSON.stringify(value),
    String(value),
    Cause.pretty(Cause.fail(value))
  ]

  it.effect("a response, and what fails in reading it", () =>
    Effect.gen(function* () {
      const { client } = makeApi(() => new Response("not JSON"))
      const { source } = counting()
      const response = yield* client.pipe(BearerHttpClient.withBearer(source, { origins })).get(url)
      assert.isUndefined(response.request.headers.authorization)
      const failure = yield* Effect.flip(response.json)
      assert.isUndefined(failure.request.headers.authorization)
      for (const text of [...outputs(response), ...outputs(failure)]) assert.notInclude(text, "token1")
    })
  )

  it.effect("a refusal by status", () =>
    Effect.gen(function* () {
      const { client } = makeApi(() => new Response("no", { status: 404 }))
      const { source } = counting()
      const strict = HttpClient.filterStatusOk(client).pipe(BearerHttpClient.withBearer(source, { origins }))
      const failure = yield* Effect.flip(strict.get(url))
      assert(failure._tag === "ResponseError")
      assert.isUndefined(failure.response.request.headers.authorization)
      for (const text of outputs(failure)) assert.notInclude(text, "token1")
    })
  )
})

const interaction = (demanded?: string) =>
  new InteractionRequired({
    error: "interaction_required",
    classification: "basic_action",
    status: 400,
    errorCodes: [],
    claims: demanded
  })

/** Has a token, and can't get one with claims. */
const stuck = (demanded?: string): TokenProvider.TokenSource<InteractionRequired> => {
  const { source } = counting()
  return {
    getToken: (request) => (request?.claims === undefined ? source.getToken() : Effect.fail(interaction(demanded)))
  }
}

describe("who answers a challenge", () => {
  const api = (source: TokenProvider.TokenSource<InteractionRequired>) =>
    refusing("token1").client.pipe(BearerHttpClient.withBearer(source, { origins }))

  it.effect("is nobody but the authority, unless told", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* Effect.flip(api(stuck()).get(url)))._tag, "InteractionRequired")
    })
  )

  it.effect("is the user where one can be asked, with the claims that the authority adds", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const { source } = counting()
      const handler = ClaimsChallengeHandler.layerInteractive((interactive) => {
        asked.push(interactive.claims)
        return Effect.flatMap(source.getToken(), (rejected) => source.getToken({ rejected }))
      })
      const response = yield* Effect.provide(api(stuck('{"access_token":{}}')).get(url), handler)
      assert.strictEqual(response.status, 200)
      assert.deepStrictEqual(asked, ['{"access_token":{}}'])
    })
  )

  it.effect("is the caller's own client where a server acts for it", () =>
    Effect.gen(function* () {
      const provided = Effect.provide(api(stuck("{}")).get(url), ClaimsChallengeHandler.layerPropagate)
      const failure = yield* Effect.flip(provided)
      assert(failure._tag === "ClaimsChallengeRequired", failure._tag)
      assert.strictEqual(failure.claims, "{}")
      const own = yield* Effect.flip(Effect.provide(api(stuck()).get(url), ClaimsChallengeHandler.layerPropagate))
      assert(own._tag === "ClaimsChallengeRequired", own._tag)
      assert.strictEqual(own.claims, claims)
    })
  )

  it.effect("is chosen by the request, else by what the client was built with", () =>
    Effect.gen(function* () {
      const { client } = refusing("token1")
      const naming = (name: string) =>
        Layer.succeed(ClaimsChallengeHandler.ClaimsChallengeHandler, {
          answer: () => new ClaimsChallengeRequired({ claims: name })
        })
      const built = BearerHttpClient.layer(stuck(), { origins }).pipe(
        Layer.provide(naming("built")),
        Layer.provide(Layer.succeed(HttpClient.HttpClient, client))
      )
      const nameOf = Effect.map(Effect.flip(HttpClient.get(url)), (error) =>
        Option.match(BearerHttpClient.tokenError(error), {
          onNone: () => "",
          onSome: (token) => (token._tag === "ClaimsChallengeRequired" ? token.claims : token._tag)
        })
      )
      yield* Effect.gen(function* () {
        assert.strictEqual(yield* nameOf, "built")
        assert.strictEqual(yield* Effect.provide(nameOf, naming("request")), "request")
      }).pipe(Effect.provide(built))
    })
  )
})

describe("a client that is made", () => {
  const naming = (name: string) =>
    Layer.succeed(ClaimsChallengeHandler.ClaimsChallengeHandler, {
      answer: () => new ClaimsChallengeRequired({ claims: name })
    })
  const demanded = (api: HttpClient.HttpClient.With<unknown>) =>
    Effect.map(Effect.flip(api.get(url)), (error) => (error instanceof ClaimsChallengeRequired ? error.claims : ""))

  it.effect("remembers the handler of where it was made; one that is wrapped has the request's alone", () =>
    Effect.gen(function* () {
      const { client } = refusing("token1")
      const made = yield* Effect.provide(BearerHttpClient.make(client, stuck(), { origins }), naming("built"))
      assert.strictEqual(yield* demanded(made), "built")
      assert.strictEqual(yield* Effect.provide(demanded(made), naming("request")), "request")
      const wrapped = client.pipe(BearerHttpClient.withBearer(stuck(), { origins }))
      assert.strictEqual(yield* demanded(wrapped), "")
      assert.strictEqual(yield* Effect.provide(demanded(wrapped), naming("request")), "request")
    })
  )

  it.effect("is silent where there is no handler", () =>
    Effect.gen(function* () {
      const { source } = counting()
      const made = yield* BearerHttpClient.make(refusing("token1").client, source, { origins })
      assert.strictEqual((yield* made.get(url)).status, 200)
    })
  )

  it.effect("is none where its origins say nothing clear", () =>
    Effect.gen(function* () {
      const { source } = counting()
      const failure = yield* Effect.flip(BearerHttpClient.make(refusing().client, source, { origins: [] }))
      assert.include(failure, { _tag: "ConfigurationError", parameter: "origins" })
    })
  )
})

describe("a generated client", () => {
  const Api = HttpApi.make("api").add(
    HttpApiGroup.make("people").add(
      HttpApiEndpoint.get("me", "/v1/me").addSuccess(Schema.Struct({ token: Schema.String }))
    )
  )
  const me = Effect.flatMap(HttpApiClient.make(Api, { baseUrl: origin }), ({ people }) => people.me())

  it.effect("runs unchanged, and gets a new token when claims are demanded", () =>
    Effect.gen(function* () {
      const { client } = refusing("token1")
      const { source } = counting()
      const http = BearerHttpClient.layer(source, { origins }).pipe(
        Layer.provide(Layer.succeed(HttpClient.HttpClient, client))
      )
      assert.deepStrictEqual(yield* Effect.provide(me, http), { token: "token2" })
    })
  )

  it.effect("finds the failure of an acquisition as its cause", () =>
    Effect.gen(function* () {
      const throttled = TokenProvider.fail(new Throttled({ errorCodes: [], status: 429 })).forScopes("any")
      const http = BearerHttpClient.layer(throttled, { origins }).pipe(
        Layer.provide(Layer.succeed(HttpClient.HttpClient, refusing().client))
      )
      const failure = yield* Effect.flip(Effect.provide(me, http))
      assert.deepStrictEqual(
        Option.map(BearerHttpClient.tokenError(failure), ({ _tag }) => _tag),
        Option.some("Throttled" as const)
      )
      assert.isTrue(Option.isNone(BearerHttpClient.tokenError(new Error("another"))))
    })
  )
})

describe("a hostile header", () => {
  it.effect.prop("never breaks a call", [FastCheck.string({ maxLength: 300 })], ([text]) =>
    Effect.gen(function* () {
      const header = text.replace(/[^\x20-\x7e]/g, "?")
      const { client } = makeApi(
        () => new Response("no", { status: 401, headers: { "www-authenticate": `Bearer ${header}` } })
      )
      const { source } = counting()
      const result = yield* Effect.either(client.pipe(BearerHttpClient.withBearer(source, { origins })).get(url))
      assert.include(["Left", "Right"], result._tag)
    })
  )
})
