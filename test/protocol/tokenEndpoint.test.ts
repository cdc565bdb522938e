import { inspect } from "node:util"
import { HttpClient, HttpClientResponse } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either, HashMap, Logger, LogLevel, Metric, Redacted, TestClock, type Tracer } from "effect"
import * as Authority from "../../src/core/Authority.js"
import { sku } from "../../src/core/sku.js"
import { TransportError } from "../../src/core/TokenError.js"
import { exchanges } from "../../src/core/TokenMetrics.js"
import type { Outcome } from "../../src/protocol/classify.js"
import { clientCredentials } from "../../src/protocol/grants.js"
import { exchange } from "../../src/protocol/tokenEndpoint.js"
import * as Transport from "../../src/protocol/transport.js"
import * as Bodies from "./bodies.js"

const entra = Either.getOrThrow(
  Authority.resolve(Authority.entra({ tenantId: "contoso.com", host: "https://login.example:8443" }))
)
const custom = Either.getOrThrow(
  Authority.resolve(Authority.custom({ issuer: "https://id.example", tokenEndpoint: "https://id.example/token" }))
)

const endpointOf = ({ endpoints }: Authority.ResolvedAuthority) => endpoints?.token ?? "https://id.example/token"

const request = {
  authority: entra,
  tokenEndpoint: endpointOf(entra),
  grant: clientCredentials,
  form: { grant_type: "client_credentials", client_secret: Redacted.make("hunter2") },
  correlationId: Bodies.correlationId,
  timeout: Duration.seconds(7)
}

const answer = (body: unknown, status = 200): Outcome => ({
  _tag: "Answer",
  status,
  headers: {},
  body: JSON.stringify(body)
})

const token = answer({ ...Bodies.userToken, access_token: "hunter3", refresh_token: "hunter4" })
const refusal = answer(
  { ...Bodies.entraError("invalid_client", 7000215), error_description: "AADSTS7000215: hunter5 is not the secret" },
  401
)
const noAnswer: Outcome = {
  _tag: "NoAnswer",
  failure: new TransportError({ reason: "reset", host: "login.example", code: "ECONNRESET" })
}

interface Line {
  readonly message: string
  readonly annotations: Readonly<Record<string, unknown>>
}

/** One exchange, and all that anybody could see of it. */
const run = (outcome: Outcome, authority = entra) =>
  Effect.gen(function* () {
    const posted: Array<Transport.PostRequest> = []
    const spans: Array<Tracer.AnySpan> = []
    const lines: Array<Line> = []
    const logger = Logger.make(({ annotations, message }) => {
      lines.push({ message: String(message), annotations: Object.fromEntries(HashMap.entries(annotations)) })
    })
    const transport: Transport.Transport = {
      get: () => Effect.dieMessage("nothing is read"),
      post: (post) =>
        Effect.gen(function* () {
          posted.push(post)
          spans.push(yield* Effect.orDie(Effect.currentSpan))
          return outcome
        })
    }
    const result = yield* exchange(transport, { ...request, authority, tokenEndpoint: endpointOf(authority) }).pipe(
      Effect.either,
      Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
      Logger.withMinimumLogLevel(LogLevel.Debug)
    )
    const [post, ...otherPosts] = posted
    const [span] = spans
    assert(post !== undefined && otherPosts.length === 0, "one request")
    assert(span?._tag === "Span")
    return { lines, post, result, span }
  })

describe("the request", () => {
  it.effect("goes to the authority's endpoint, with the form, the host for people and the time that it may take", () =>
    Effect.gen(function* () {
      const { post } = yield* run(token)
      assert.strictEqual(post.url, "https://login.example:8443/contoso.com/oauth2/v2.0/token")
      assert.strictEqual(post.host, "login.example:8443")
      assert.strictEqual(post.form, request.form)
      assert.deepStrictEqual(post.timeout, Duration.seconds(7))
    })
  )

  it.effect("tells Entra who asks, under which id, and that it understands Retry-After", () =>
    Effect.gen(function* () {
      const { post } = yield* run(token)
      assert.deepStrictEqual(post.headers, {
        accept: "application/json",
        "client-request-id": Bodies.correlationId,
        "return-client-request-id": "true",
        "x-client-sku": "effect-entra",
        "x-client-ver": sku.version,
        "x-ms-lib-capability": "retry-after, h429"
      })
    })
  )

  it.effect("tells other authorities nothing of that", () =>
    Effect.gen(function* () {
      const { post } = yield* run(token, custom)
      assert.strictEqual(post.url, "https://id.example/token")
      assert.deepStrictEqual(post.headers, { accept: "application/json" })
    })
  )
})

describe("the result", () => {
  it.effect("is the token", () =>
    Effect.gen(function* () {
      const { result } = yield* run(token)
      assert.deepStrictEqual(Either.getOrThrow(result).access_token, Redacted.make("hunter3"))
    })
  )

  it.effect("is what the answer means", () =>
    Effect.gen(function* () {
      assert.strictEqual(Either.getOrThrow(Either.flip((yield* run(refusal)).result))._tag, "InvalidClient")
      assert.strictEqual(Either.getOrThrow(Either.flip((yield* run(answer({}))).result))._tag, "MalformedResponse")
    })
  )

  it.effect("is why no answer came", () =>
    Effect.gen(function* () {
      const { result } = yield* run(noAnswer)
      const error = Either.getOrThrow(Either.flip(result))
      assert(error._tag === "TransportError")
      assert.deepStrictEqual([error.reason, error.code, error.host], ["reset", "ECONNRESET", "login.example"])
    })
  )

  it.effect("tells when to come back by Effect's clock", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2025, 0, 1))
      const { result } = yield* run({ _tag: "Answer", status: 429, headers: { "retry-after": "60" }, body: "" })
      const error = Either.getOrThrow(Either.flip(result))
      assert(error._tag === "Throttled")
      assert.strictEqual(error.until?.epochMillis, Date.UTC(2025, 0, 1, 0, 1))
    })
  )
})

describe("what can be seen of an exchange", () => {
  const attributes = {
    "http.request.method": "POST",
    "server.address": "login.example:8443",
    "entra.grant": "client_credentials",
    "entra.correlation_id": Bodies.correlationId
  }

  it.effect.each([
    ["of a token", token, 200],
    ["of a refusal", refusal, 401]
  ] as const)("is a client span of attributes that are allowed: %s", ([_, outcome, status]) =>
    Effect.gen(function* () {
      const { span } = yield* run(outcome)
      assert.strictEqual(span.name, "effect-entra.exchange")
      assert.strictEqual(span.kind, "client")
      assert.deepStrictEqual(Object.fromEntries(span.attributes), {
        ...attributes,
        "http.response.status_code": status
      })
      assert.strictEqual(span.status._tag, "Ended")
    })
  )

  it.effect.each([
    ["a token", token, "token", { "http.response.status_code": 200 }],
    ["a refusal", refusal, "InvalidClient", { "http.response.status_code": 401 }],
    ["no answer", noAnswer, "TransportError", {}]
  ] as const)("are two lines of a debug log: %s", ([_, outcome, result, status]) =>
    Effect.gen(function* () {
      const { lines } = yield* run(outcome)
      assert.deepStrictEqual(lines, [
        { message: "asking", annotations: {} },
        { message: "answered", annotations: { "entra.result": result, ...status } }
      ])
    })
  )

  it.effect.each([token, refusal, noAnswer])("is nothing secret (%#)", (outcome) =>
    Effect.gen(function* () {
      const { lines, result, span } = yield* run(outcome)
      const { attributes, links, name, status } = span
      const printed = [lines, result, name, attributes, links, status].map((part) =>
        inspect(part, { depth: 20, showHidden: true })
      )
      for (const text of [...printed, JSON.stringify(lines), JSON.stringify(result)]) assert.notInclude(text, "hunter")
    })
  )

  it.effect.each([
    ["token", token],
    ["InvalidClient", refusal],
    ["TransportError", noAnswer]
  ] as const)("is counted as %s", ([result, outcome]) =>
    Effect.gen(function* () {
      const counter = Metric.value(Metric.tagged(exchanges, "result", result))
      const before = yield* counter
      yield* run(outcome)
      yield* run(outcome)
      assert.strictEqual((yield* counter).count - before.count, 2)
    })
  )
})

it.effect("over an HTTP client, the exchange's span is the innermost one", () =>
  Effect.gen(function* () {
    const spans: Array<string> = []
    const client = HttpClient.make((sent) =>
      Effect.gen(function* () {
        spans.push((yield* Effect.orDie(Effect.currentSpan)).name)
        return HttpClientResponse.fromWeb(sent, Response.json(Bodies.appToken))
      })
    )
    const response = yield* exchange(Transport.make(client), request)
    assert.strictEqual(Redacted.value(response.access_token), Bodies.appToken.access_token)
    assert.deepStrictEqual(spans, ["effect-entra.exchange"])
  })
)
