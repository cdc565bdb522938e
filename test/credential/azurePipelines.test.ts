import type { ServerResponse } from "node:http"
import { inspect } from "node:util"
import { FetchHttpClient, HttpClient } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Cause, ConfigProvider, Duration, Effect } from "effect"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as FederatedCredential from "../../src/credential/FederatedCredential.js"
import { closedPort, serve } from "../protocol/servers.js"
import { defaults, layer, options } from "../support/emulated.js"
import { heard } from "../support/secrecy.js"
import { ask } from "./asked.js"

const token = "eyJhbGciOiJub25lIn0.e30.hunter2"
const accessToken = "access-hunter2"
const serviceConnectionId = "0a1b2c3d-4e5f-4a6b-8c7d-9e8f0a1b2c3d"

const inJob = (variables: Readonly<Record<string, string>>) =>
  Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables))))

const jobAt = (url: string) => ({ SYSTEM_OIDCREQUESTURI: url, SYSTEM_ACCESSTOKEN: accessToken })

const path = "/organization/project/_apis/distributedtask/hubs/build/plans/1/jobs/2/oidctoken"

const credential = FederatedCredential.azurePipelines({ serviceConnectionId })

const preparedAt = (origin: string, query = "") =>
  credential.pipe(
    inJob(jobAt(`${origin}${path}${query}`)),
    Effect.flatMap(({ prepare }) => prepare)
  )

const answering = (body: string, status = 200, headers: Record<string, string> = {}) =>
  serve((response) => response.writeHead(status, { "content-type": "application/json", ...headers }).end(body))

const json = answering(JSON.stringify({ oidcToken: token }))
const html = { "content-type": "text/html; charset=utf-8" }
const page = `<html>${token}</html>`

const cutOff = (response: ServerResponse) => {
  response.writeHead(200, { "content-length": "9" })
  response.write("{", () => response.destroy())
}

const unavailableAt = (origin: string) =>
  Effect.gen(function* () {
    const prepared = yield* preparedAt(origin)
    const error = yield* Effect.flip(ask({ timeout: Duration.millis(500) })(prepared))
    assert(error._tag === "CredentialUnavailable")
    assert.notInclude(inspect([error, prepared], { depth: 9, showHidden: true }), "hunter2")
    return error
  })

describe("a job of Azure Pipelines", () => {
  const clients = {
    fetch: FetchHttpClient.layer,
    node: NodeHttpClient.layer,
    undici: NodeHttpClient.layerUndici
  }
  for (const [name, client] of Object.entries(clients))
    it.scopedLive(`asks for its token at each request that is sent (${name})`, () =>
      Effect.gen(function* () {
        const { origin, seen } = yield* json
        const prepared = yield* preparedAt(origin)
        assert.strictEqual(seen.length, 0)
        assert.strictEqual(yield* ask()(prepared), token)
        assert.strictEqual(yield* ask()(prepared), token)
        assert.strictEqual(seen.length, 2)
        const [request] = seen
        assert.strictEqual(request?.method, "POST")
        assert.strictEqual(request?.url, `${path}?api-version=7.1&serviceConnectionId=${serviceConnectionId}`)
        assert.strictEqual(request?.headers.authorization, `Bearer ${accessToken}`)
        assert.strictEqual(request?.headers["content-type"], "application/json")
        assert.strictEqual(request?.headers["x-tfs-fedauthredirect"], "Suppress")
        assert.strictEqual(request?.headers.accept, "application/json")
        assert.strictEqual(request?.body, "")
        assert.strictEqual(request?.headers["content-length"], "0")
      }).pipe(Effect.provide(client))
    )

  it.scopedLive("keeps a query that its address has already", () =>
    Effect.gen(function* () {
      const { origin, seen } = yield* json
      yield* Effect.flatMap(preparedAt(origin, "?a=b"), ask())
      assert.strictEqual(seen[0]?.url, `${path}?a=b&api-version=7.1&serviceConnectionId=${serviceConnectionId}`)
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )

  const refusals: ReadonlyArray<readonly [string, ReturnType<typeof answering>, string]> = [
    ["a redirect to the sign-in page", answering("", 302, { location: "http://127.0.0.1:1/" }), "sign in"],
    ["the sign-in page (203)", answering(page, 203, html), "sign in"],
    ["the sign-in page (200)", answering(page, 200, html), "sign in"],
    ["401", answering(`{"message":"${token}"}`, 401), "refused the request (HTTP 401)"],
    ["403", answering(`{"message":"${token}"}`, 403), "refused the request (HTTP 403)"]
  ]
  it.scopedLive.each(refusals)(
    "whose token is answered with %s is told how to give the right one",
    ([, server, told]) =>
      Effect.gen(function* () {
        const { connections, origin } = yield* server
        const { reason, remedy } = yield* unavailableAt(origin)
        assert.include(reason, told)
        assert.include(remedy ?? "", "SYSTEM_ACCESSTOKEN: $(System.AccessToken)")
        assert.strictEqual(connections(), 1)
      }).pipe(Effect.provide(FetchHttpClient.layer))
  )

  const answers: ReadonlyArray<readonly [string, ReturnType<typeof answering>, string]> = [
    ["an error", answering(`{"message":"${token}"}`, 500), "HTTP 500"],
    ["another redirect", answering("", 307, { location: "http://127.0.0.1:1/" }), "HTTP 307"],
    ["HTML that is called JSON", answering(page), "holds no token"],
    ["no token", answering(`{"value":"${token}"}`), "holds no token"],
    ["an empty token", answering(`{"oidcToken":""}`), "holds no token"],
    ["a token that is no text", answering(`{"oidcToken":{"a":"${token}"}}`), "holds no token"],
    ["too much", answering(`{"oidcToken":"${"x".repeat(1024 * 1024)}"}`, 200), "1 MiB"],
    ["half an answer", serve((response) => cutOff(response)), "broke off"],
    ["nothing", serve(() => undefined), "did not answer in time"]
  ]
  it.scopedLive.each(answers)("that is answered with %s is CredentialUnavailable", ([, server, told]) =>
    Effect.gen(function* () {
      const { origin } = yield* server
      const error = yield* unavailableAt(origin)
      assert.include(error.reason, told)
      assert.isUndefined(error.remedy)
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )

  it.scopedLive("that reaches nobody is CredentialUnavailable", () =>
    Effect.gen(function* () {
      const { host, origin } = yield* closedPort
      assert.include((yield* unavailableAt(origin)).reason, `${host} refused the connection`)
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )

  const nobody = HttpClient.make(() => Effect.dieMessage("nobody is asked"))

  const unasked = (variables: Readonly<Record<string, string>>) =>
    credential.pipe(
      inJob(variables),
      Effect.flatMap(({ prepare }) => prepare),
      Effect.flatMap(ask()),
      Effect.flip,
      Effect.provideService(HttpClient.HttpClient, nobody)
    )

  it.scoped.each([{}, { SYSTEM_ACCESSTOKEN: "" }])(
    "whose access token is not mapped is told how to map it: %j",
    (variables) =>
      Effect.gen(function* () {
        const error = yield* unasked({ SYSTEM_OIDCREQUESTURI: "https://dev.azure.example/oidctoken", ...variables })
        assert.strictEqual(
          error.message,
          "Azure Pipelines token is unavailable: SYSTEM_ACCESSTOKEN is not set. Map it into the task's env, " +
            "`SYSTEM_ACCESSTOKEN: $(System.AccessToken)`: no task has it otherwise."
        )
      })
  )

  it.scoped("is told where it is none", () =>
    Effect.gen(function* () {
      const error = yield* unasked({})
      assert.strictEqual(
        error.message,
        "Azure Pipelines token is unavailable: SYSTEM_OIDCREQUESTURI is not set. " +
          "Run the program in a job of Azure Pipelines."
      )
    })
  )

  it.scoped.each(["http://dev.azure.example/?a=b", "not a url hunter2", "https://user:hunter2@dev.azure.example/"])(
    "does not ask at %s",
    (url) =>
      Effect.gen(function* () {
        const error = yield* unasked(jobAt(url))
        assert.include(error.message, "no https URL")
        assert.notInclude(inspect(error, { depth: 9 }), "hunter2")
      })
  )

  it.scoped.each(["", "my connection", `${serviceConnectionId}&a=b`, ` ${serviceConnectionId}`])(
    "needs the GUID of a service connection: %j",
    (id) =>
      Effect.gen(function* () {
        const { prepare } = yield* FederatedCredential.azurePipelines({ serviceConnectionId: id })
        const error = yield* Effect.flip(prepare)
        assert.strictEqual(error._tag, "ConfigurationError")
        assert.strictEqual(error.parameter, "serviceConnectionId")
        assert.include(error.remedy, "resourceId")
      }).pipe(inJob(jobAt("https://dev.azure.example/")), Effect.provideService(HttpClient.HttpClient, nobody))
  )
})

describe("the tokens of a job of Azure Pipelines", () => {
  const servers = { taken: json, refused: answering(page, 203, html), lost: serve((response) => cutOff(response)) }
  for (const [name, server] of Object.entries(servers))
    it.scopedLive(`are in no error, log or span (${name})`, () =>
      Effect.gen(function* () {
        const { origin, seen } = yield* server
        const job = yield* credential.pipe(inJob(jobAt(`${origin}${path}`)), Effect.provide(FetchHttpClient.layer))
        const acquired = Effect.gen(function* () {
          const { app } = yield* ConfidentialClient.make({ ...options, credential: job, retryPolicy: { attempts: 1 } })
          const error = yield* Effect.flip(app.forScopes(defaults.apiScope).getToken())
          yield* Effect.logError("no token", error)
          return { app, error }
        })
        const { logs, spans, value } = yield* heard(acquired)
        const { app, error } = value
        assert.strictEqual(error._tag, name === "taken" ? "RequestRejected" : "CredentialUnavailable")
        assert.strictEqual(seen[0]?.headers.authorization, `Bearer ${accessToken}`)
        assert.isNotEmpty(logs)
        assert.isNotEmpty(spans)
        for (const shown of [
          logs.join("\n"),
          spans.join("\n"),
          inspect([error, job, app], { depth: 12, showHidden: true }),
          JSON.stringify(error),
          Cause.pretty(Cause.fail(error))
        ])
          assert.notInclude(shown, "hunter2")
      }).pipe(Effect.provide(layer()))
    )
})
