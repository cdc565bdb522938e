import type * as Http from "node:http"
import { FetchHttpClient, HttpClient } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either } from "effect"
import { TransportError } from "../../src/core/TokenError.js"
import type { Outcome } from "../../src/protocol/classify.js"
import * as Transport from "../../src/protocol/transport.js"
import { entraError } from "./bodies.js"
import { check, classifyOutcome } from "./classified.js"
import { serve } from "./servers.js"

const clients = { undici: NodeHttpClient.layerUndici, node: NodeHttpClient.layer, fetch: FetchHttpClient.layer }

/** What may become of a body whose head has arrived. */
const fates: Readonly<Record<string, (response: Http.ServerResponse) => void>> = {
  "is too large": (response) => response.end("x".repeat(1024 * 1024 + 1)),
  "is cut off": (response) => {
    response.write('{"error":"temp')
    setTimeout(() => response.socket?.destroy(), 20)
  },
  "is reset": (response) => {
    response.write('{"error":"temp')
    setTimeout(() => response.socket?.resetAndDestroy(), 20)
  },
  stalls: (response) => response.write('{"error":"temp'),
  "never begins": (response) => response.flushHeaders()
}

const post = (origin: string, client: HttpClient.HttpClient, timeout: Duration.DurationInput) =>
  Transport.make(client).post({
    url: `${origin}/token`,
    host: "login.example",
    headers: {},
    form: { grant_type: "client_credentials" },
    timeout: Duration.decode(timeout)
  })

const failureOf = (outcome: Outcome) => Either.getOrThrow(Either.flip(classifyOutcome(outcome, {})))

for (const [name, layer] of Object.entries(clients))
  describe(`what the head of an answer said holds, whatever becomes of the body (${name})`, () => {
    for (const [fate, send] of Object.entries(fates))
      for (const [status, tag] of [
        [429, "Throttled"],
        [503, "AuthorityUnavailable"]
      ] as const)
        it.scopedLive(`${status} with Retry-After, whose body ${fate}`, () =>
          Effect.gen(function* () {
            const { origin } = yield* serve((response) => {
              response.writeHead(status, { "retry-after": "7" })
              send(response)
            })
            const failure = failureOf(yield* post(origin, yield* HttpClient.HttpClient, "500 millis"))
            assert(failure._tag === "Throttled" || failure._tag === "AuthorityUnavailable")
            assert.deepStrictEqual(
              [failure._tag, failure.status, failure.retryAfter, failure.errorCodes],
              [tag, status, Duration.seconds(7), []]
            )
          }).pipe(Effect.provide(layer))
        )

    it.scopedLive("a client that was told to fail for other statuses than 2xx still reads the answer", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve((response) =>
          response.writeHead(401).end(JSON.stringify(entraError("invalid_client", 7000215)))
        )
        const client = HttpClient.filterStatusOk(yield* HttpClient.HttpClient)
        const failure = failureOf(yield* post(origin, client, "10 seconds"))
        assert(failure._tag === "InvalidClient")
        assert.deepStrictEqual([failure.status, failure.errorCodes], [401, ["AADSTS7000215"]])
      }).pipe(Effect.provide(layer))
    )

    it.scopedLive("such a client is told to wait as any other", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve((response) => response.writeHead(429, { "retry-after": "7" }).end())
        const client = HttpClient.filterStatusOk(yield* HttpClient.HttpClient)
        const failure = failureOf(yield* post(origin, client, "10 seconds"))
        assert(failure._tag === "Throttled")
        assert.deepStrictEqual(failure.retryAfter, Duration.seconds(7))
      }).pipe(Effect.provide(layer))
    )
  })

describe("an answer that was not read to its end", () => {
  const cutOff = new TransportError({ reason: "cutOff", host: "login.example" })
  const partial = (status: number, failure: TransportError | "tooLarge"): Outcome => ({
    _tag: "Partial",
    status,
    headers: {},
    failure
  })

  const table: ReadonlyArray<
    readonly [what: string, status: number, failure: TransportError | "tooLarge", tag: string]
  > = [
    ["200, cut off", 200, cutOff, "TransportError"],
    ["400, cut off", 400, cutOff, "TransportError"],
    ["200, too large", 200, "tooLarge", "MalformedResponse"],
    ["401, too large", 401, "tooLarge", "MalformedResponse"],
    ["302, cut off", 302, cutOff, "MalformedResponse"],
    ["500, cut off", 500, cutOff, "AuthorityUnavailable"],
    ["408, too large", 408, "tooLarge", "AuthorityUnavailable"],
    ["501, too large", 501, "tooLarge", "AuthorityUnavailable"],
    ["429, cut off", 429, cutOff, "Throttled"]
  ]
  it.each(table)("%s", (_, status, failure, tag) => {
    assert.strictEqual(failureOf(partial(status, failure))._tag, tag)
  })

  it("that was cut off is told as it broke", () => {
    assert.strictEqual(failureOf(partial(200, cutOff)), cutOff)
  })
})

describe("a status that no waiting mends", () => {
  check([
    [
      "501 with Retry-After is no throttling",
      "",
      { status: 501, headers: { "retry-after": "7" } },
      "AuthorityUnavailable",
      { status: 501, isRetryable: false, retryAfter: Duration.seconds(7) }
    ]
  ])
})
