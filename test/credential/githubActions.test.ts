import type { ServerResponse } from "node:http"
import { inspect } from "node:util"
import { FetchHttpClient, HttpClient } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect } from "effect"
import * as FederatedCredential from "../../src/credential/FederatedCredential.js"
import { serve } from "../protocol/servers.js"
import { ask } from "./asked.js"

const token = "eyJhbGciOiJub25lIn0.e30.hunter2"
const requestToken = "request-hunter2"

const inJob = (url: string, change: ReadonlyArray<readonly [string, string]> = []) =>
  Effect.withConfigProvider(
    ConfigProvider.fromMap(
      new Map([["ACTIONS_ID_TOKEN_REQUEST_URL", url], ["ACTIONS_ID_TOKEN_REQUEST_TOKEN", requestToken], ...change])
    )
  )

const credentialAt = (origin: string, options?: FederatedCredential.AudienceOptions) =>
  FederatedCredential.githubActions(options).pipe(
    inJob(`${origin}/idtoken?api-version=2.0`),
    Effect.flatMap(({ prepare }) => prepare)
  )

const json = (body: string, status = 200, headers: Record<string, string> = {}) =>
  serve((response) => response.writeHead(status, { "content-type": "application/json", ...headers }).end(body))

const cutOff = (response: ServerResponse) => {
  response.writeHead(200, { "content-length": "9" })
  response.write("{", () => response.destroy())
}

describe("a job of GitHub Actions", () => {
  it.scopedLive("asks for its token at each request that is sent, for Entra's audience", () =>
    Effect.gen(function* () {
      const { origin, seen } = yield* json(JSON.stringify({ count: 1, value: token }))
      const prepared = yield* credentialAt(origin)
      assert.strictEqual(seen.length, 0)
      assert.strictEqual(yield* ask()(prepared), token)
      assert.strictEqual(yield* ask()(prepared), token)
      assert.strictEqual(seen.length, 2)
      const [request] = seen
      assert.strictEqual(request?.method, "GET")
      assert.strictEqual(request?.url, "/idtoken?api-version=2.0&audience=api%3A%2F%2FAzureADTokenExchange")
      assert.strictEqual(request?.headers.authorization, `bearer ${requestToken}`)
      assert.strictEqual(request?.headers.accept, "application/json")
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )

  it.scopedLive("asks for another cloud's audience, or for what it is told", () =>
    Effect.gen(function* () {
      const { origin, seen } = yield* json(JSON.stringify({ value: token }))
      for (const options of [{ cloud: "usGovernment" }, { audience: "api://own", cloud: "china" }] as const)
        yield* Effect.flatMap(credentialAt(origin, options), ask())
      const audiences = seen.map(({ url }) => new URL(url ?? "", origin).searchParams.get("audience"))
      assert.deepStrictEqual(audiences, ["api://AzureADTokenExchangeUSGov", "api://own"])
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )

  const answers: ReadonlyArray<readonly [string, ReturnType<typeof json>, string]> = [
    ["a redirect", json("", 302, { location: "http://127.0.0.1:1/" }), "HTTP 302"],
    ["a refusal", json(`{"message":"${token}"}`, 403), "HTTP 403"],
    ["HTML", json(`<html>${token}`), "holds no token"],
    ["no value", json(`{"other":"${token}"}`), "holds no token"],
    ["an empty value", json(`{"value":""}`), "holds no token"],
    ["too much", json(`{"value":"${"x".repeat(1024 * 1024)}"}`, 200, { "transfer-encoding": "chunked" }), "1 MiB"],
    ["half an answer", serve((response) => cutOff(response)), "broke off"],
    ["nothing", serve(() => undefined), "did not answer in time"]
  ]
  it.scopedLive.each(answers)(
    "that is answered with %s is CredentialUnavailable, and shows nothing",
    ([, server, told]) =>
      Effect.gen(function* () {
        const { origin } = yield* server
        const prepared = yield* credentialAt(origin)
        const error = yield* Effect.flip(ask({ timeout: Duration.millis(500) })(prepared))
        assert.strictEqual(error._tag, "CredentialUnavailable")
        assert.include(error.message, told)
        assert.notInclude(inspect([error, prepared], { depth: 9, showHidden: true }), "hunter2")
      }).pipe(Effect.provide(FetchHttpClient.layer))
  )

  const nobody = HttpClient.make(() => Effect.dieMessage("nobody is asked"))

  it.scoped("without the permission is told how to grant it", () =>
    Effect.gen(function* () {
      const { prepare } = yield* Effect.withConfigProvider(
        FederatedCredential.githubActions(),
        ConfigProvider.fromMap(new Map())
      )
      const error = yield* Effect.flip(Effect.flatMap(prepare, ask()))
      assert.strictEqual(
        error.message,
        "GitHub Actions token is unavailable: ACTIONS_ID_TOKEN_REQUEST_URL is not set. " +
          "Grant the job `permissions: id-token: write` (a pull request from a fork has none)."
      )
    }).pipe(Effect.provideService(HttpClient.HttpClient, nobody))
  )

  it.scoped.each(["http://github.example/?a=b", "not a url hunter2", "https://user:hunter2@github.example/"])(
    "does not ask at %s",
    (url) =>
      Effect.gen(function* () {
        const { prepare } = yield* inJob(url)(FederatedCredential.githubActions())
        const error = yield* Effect.flip(Effect.flatMap(prepare, ask()))
        assert.include(error.message, "no https URL")
        assert.notInclude(inspect(error, { depth: 9 }), "hunter2")
      }).pipe(Effect.provideService(HttpClient.HttpClient, nobody))
  )
})
