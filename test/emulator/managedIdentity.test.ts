import { createHash } from "node:crypto"
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it, layer } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, TestClock } from "effect"
import { dateOf } from "../../src/emulator/appService.js"
import {
  defaultDirectory,
  EntraEmulator,
  layerHttpClient,
  type ManagedIdentityHost,
  type Options
} from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import * as Fault from "../../src/emulator/Fault.js"
import { defaults, inProcess } from "./helpers.js"
import {
  askOn,
  callWith,
  claimsOf,
  hosts,
  keyPathIn,
  originOf,
  otherUserAssigned,
  proofFor,
  requestOn,
  resource,
  type Strings,
  send,
  systemAssigned,
  userAssigned
} from "./managedIdentities.js"

const temporary = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-entra-arc-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true }))
)

/** On a socket, the keys of Azure Arc in a folder that goes with the test. */
const onSocket = (options: Options = {}) =>
  Layer.unwrapScoped(
    Effect.map(temporary, (folder) => EntraEmulatorNode.layer({ ...options, arcKeyFolder: join(folder, "tokens") }))
  ).pipe(Layer.merge(NodeHttpClient.layerUndici))

const places = { "in a process": inProcess, "over a socket": onSocket }

const start = 1_700_000_000

/** What each host answers at the time `start`, but for the token. */
const shapes: Readonly<Record<ManagedIdentityHost, Readonly<Record<string, unknown>>>> = {
  imds: {
    refresh_token: "",
    expires_in: "86400",
    expires_on: "1700086400",
    not_before: "1700000000",
    resource,
    token_type: "Bearer",
    client_id: systemAssigned.clientId
  },
  appService: { expires_on: "1700086400", resource, token_type: "Bearer", client_id: systemAssigned.clientId },
  appServiceLegacy: { expires_on: "11/15/2023 22:13:20 +00:00", resource, token_type: "Bearer" },
  azureMl: { expires_on: "1700086400", resource, token_type: "Bearer", client_id: systemAssigned.clientId },
  cloudShell: {
    refresh_token: "",
    expires_in: "86400",
    expires_on: "1700086400",
    not_before: "1700000000",
    resource,
    token_type: "Bearer"
  },
  azureArc: {
    refresh_token: "",
    expires_in: "86400",
    expires_on: "1700086400",
    not_before: "1700000000",
    resource,
    token_type: "Bearer"
  },
  serviceFabric: { expires_on: 1_700_086_400, resource, token_type: "Bearer" }
}

/** How each names a user-assigned identity, where it may. */
const names: Readonly<Record<ManagedIdentityHost, ReadonlyArray<readonly [string, keyof typeof userAssigned]>>> = {
  imds: [
    ["client_id", "clientId"],
    ["object_id", "objectId"],
    ["msi_res_id", "resourceId"],
    ["mi_res_id", "resourceId"]
  ],
  appService: [
    ["client_id", "clientId"],
    ["principal_id", "objectId"],
    ["object_id", "objectId"],
    ["mi_res_id", "resourceId"]
  ],
  appServiceLegacy: [["clientid", "clientId"]],
  azureMl: [["clientid", "clientId"]],
  cloudShell: [],
  azureArc: [
    ["client_id", "clientId"],
    ["object_id", "objectId"],
    ["msi_res_id", "resourceId"]
  ],
  serviceFabric: [["principalId", "objectId"]]
}

for (const [place, emulator] of Object.entries(places)) {
  describe(`managed identities ${place}`, () => {
    for (const host of hosts) {
      it.effect(`${host} gives a token of the machine's own identity, which the API accepts`, () =>
        Effect.gen(function* () {
          yield* TestClock.setTime(start * 1000)
          const answer = yield* askOn(host)
          const { uti, ...claims } = claimsOf(answer)
          assert.deepStrictEqual(answer.json, { access_token: answer.json.access_token, ...shapes[host] })
          assert.match(answer.headers["content-type"] ?? "", /^application\/json; charset=utf-8$/)
          assert.deepStrictEqual(claims, {
            aud: defaults.apiAppId,
            iss: `${yield* originOf}/${defaults.tenantId}/v2.0`,
            iat: start,
            nbf: start,
            exp: start + 86_400,
            appid: systemAssigned.clientId,
            azp: systemAssigned.clientId,
            azpacr: "2",
            idtyp: "app",
            oid: systemAssigned.objectId,
            roles: [defaults.role],
            sub: systemAssigned.objectId,
            tid: defaults.tenantId,
            ver: "2.0",
            xms_mirid: systemAssigned.resourceId,
            emulator: "effect-entra"
          })
          assert.isString(uti)
          const { status, json } = yield* callWith(answer.json.access_token)
          assert.deepStrictEqual([status, json.appid, json.roles], [200, systemAssigned.clientId, [defaults.role]])
        }).pipe(Effect.provide(emulator()))
      )

      it.effect(`${host} gives a token of the identity that a request names`, () =>
        Effect.gen(function* () {
          for (const [parameter, name] of names[host]) {
            for (const identity of [userAssigned, otherUserAssigned]) {
              const answer = yield* askOn(host, { parameters: { [parameter]: identity[name].toUpperCase() } })
              assert.strictEqual(claimsOf(answer).oid, identity.objectId, parameter)
            }
          }
          const graph = yield* askOn(host, { parameters: { resource: defaults.graphAppId } })
          assert.deepInclude(claimsOf(graph), { aud: defaults.graphAppId, oid: systemAssigned.objectId })
        }).pipe(Effect.provide(emulator()))
      )
    }

    it.effect("Azure Arc names a fresh file at each challenge, and its key serves once", () =>
      Effect.gen(function* () {
        const request = yield* requestOn("azureArc")
        const challenge = yield* send(request)
        assert.deepStrictEqual([challenge.status, challenge.json.error], [401, "unauthorized_client"])
        const authorization = yield* proofFor(challenge)
        const other = yield* send({ ...request, headers: { ...request.headers, authorization: "Basic wrong" } })
        assert.strictEqual(other.status, 401)
        assert.notStrictEqual(keyPathIn(other), keyPathIn(challenge))
        const proven = { ...request, headers: { ...request.headers, authorization } }
        assert.strictEqual((yield* send(proven)).status, 200)
        assert.strictEqual((yield* send(proven)).status, 401)
        const again = yield* proofFor(other)
        assert.strictEqual(
          (yield* send({ ...request, headers: { ...request.headers, authorization: again } })).status,
          200
        )
      }).pipe(Effect.provide(emulator()))
    )
  })
}

/** A request that is refused, and what is said. */
interface Case {
  readonly host: ManagedIdentityHost
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly parameters?: Readonly<Record<string, string | undefined>>
  readonly options?: Options
  readonly status: number
  readonly json: Readonly<Record<string, unknown>>
}

const { systemAssigned: own, ...machine } = { ...defaultDirectory.machine }

const without = (options: { readonly userAssigned: number }): Options => ({
  directory: {
    ...defaultDirectory,
    machine: { ...machine, userAssigned: machine.userAssigned?.slice(0, options.userAssigned) }
  }
})

const stranger = "11111111-2222-4333-8444-555555555555"
const unknownApi = { resource: "https://unknown.example" }
const invalidRequest = (error_description: string) => ({ error: "invalid_request", error_description })

const otherMachines: Readonly<Record<string, Case>> = {
  "IMDS on a machine without identities": {
    host: "imds",
    options: without({ userAssigned: 0 }),
    status: 400,
    json: invalidRequest("Identity not found")
  },
  "IMDS on a machine with two that users assigned": {
    host: "imds",
    options: without({ userAssigned: 2 }),
    status: 400,
    json: invalidRequest(
      "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request"
    )
  },
  "IMDS in a directory without a machine": {
    host: "imds",
    options: { directory: { tenants: defaultDirectory.tenants } },
    status: 400,
    json: invalidRequest("Identity not found")
  },
  "App Service with one that a user assigned, which nobody named": {
    host: "appService",
    options: without({ userAssigned: 1 }),
    status: 400,
    json: {
      statusCode: 400,
      message: "No Managed Identity found for specified ClientId/ResourceId/PrincipalId."
    }
  }
}

const refusals: Readonly<Record<string, Case>> = {
  "IMDS without its header": {
    host: "imds",
    headers: { metadata: undefined },
    status: 400,
    json: { error: "bad_request_102", error_description: "Required metadata header not specified" }
  },
  "IMDS with its header in capitals": {
    host: "imds",
    headers: { metadata: "True" },
    status: 400,
    json: { error: "bad_request_102", error_description: "Required metadata header not specified" }
  },
  "IMDS through a proxy": {
    host: "imds",
    headers: { "x-forwarded-for": "192.0.2.9" },
    status: 400,
    json: invalidRequest("X-Forwarded-For header is not allowed")
  },
  "IMDS without a version": {
    host: "imds",
    parameters: { "api-version": undefined },
    status: 400,
    json: invalidRequest("Required query variable 'api-version' is missing")
  },
  "IMDS without a resource": {
    host: "imds",
    parameters: { resource: undefined },
    status: 400,
    json: invalidRequest("Required query variable 'resource' is missing")
  },
  "IMDS with an identity that is not the machine's": {
    host: "imds",
    parameters: { client_id: stranger },
    status: 400,
    json: invalidRequest("Identity not found")
  },
  "IMDS with the names of two identities": {
    host: "imds",
    parameters: { client_id: userAssigned.clientId, object_id: otherUserAssigned.objectId },
    status: 400,
    json: invalidRequest("Identity not found")
  },
  "App Service without its secret": {
    host: "appService",
    headers: { "x-identity-header": undefined },
    status: 400,
    json: { statusCode: 400, message: "The header 'X-IDENTITY-HEADER' is required." }
  },
  "App Service with a wrong secret": {
    host: "appService",
    headers: { "x-identity-header": "guessed" },
    status: 401,
    json: { statusCode: 401, message: "Unauthorized" }
  },
  "App Service in its first version": {
    host: "appService",
    parameters: { "api-version": "2017-09-01" },
    status: 400,
    json: { statusCode: 400, message: "The api-version is not supported." }
  },
  "App Service with an identity that is not the site's": {
    host: "appService",
    parameters: { client_id: stranger },
    status: 400,
    json: {
      statusCode: 400,
      message: "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."
    }
  },
  "App Service with a resource that is unknown": {
    host: "appService",
    parameters: unknownApi,
    status: 500,
    json: { statusCode: 500, message: "An unexpected error occured while fetching the AAD Token." }
  },
  "the first App Service with an identity that is not the site's": {
    host: "appServiceLegacy",
    parameters: { clientid: stranger },
    status: 400,
    json: { StatusCode: 400, Message: "No MSI found for specified ClientId/ResourceId." }
  },
  "the first App Service with the header of the second": {
    host: "appServiceLegacy",
    headers: { secret: undefined, "x-identity-header": "any" },
    status: 400,
    json: { StatusCode: 400, Message: "The header 'secret' is required." }
  },
  "Azure Machine Learning with a wrong secret": {
    host: "azureMl",
    headers: { secret: "guessed" },
    status: 401,
    json: { statusCode: 401, message: "Unauthorized" }
  },
  "Cloud Shell with a user-assigned identity": {
    host: "cloudShell",
    parameters: { client_id: userAssigned.clientId },
    status: 400,
    json: { error: { code: "BadRequest", message: "A user-assigned managed identity is not supported." } }
  },
  "Cloud Shell with a resource that is unknown": {
    host: "cloudShell",
    parameters: unknownApi,
    status: 400,
    json: {
      error: {
        code: "AudienceNotSupported",
        message: "Audience https://unknown.example is not a supported MSI token audience."
      }
    }
  },
  "Cloud Shell without its header": {
    host: "cloudShell",
    headers: { metadata: undefined },
    status: 400,
    json: { error: { code: "BadRequest", message: "Required metadata header not specified" } }
  },
  "Azure Arc without its header": {
    host: "azureArc",
    headers: { metadata: undefined },
    status: 400,
    json: { error: "bad_request_102", error_description: "Required metadata header not specified" }
  },
  "Azure Arc without a version": {
    host: "azureArc",
    parameters: { "api-version": "" },
    status: 400,
    json: invalidRequest("Required query variable 'api-version' is missing")
  },
  "Azure Arc with an identity that is not the machine's": {
    host: "azureArc",
    parameters: { client_id: stranger },
    status: 400,
    json: invalidRequest("Identity not found")
  },
  "Service Fabric without its secret": {
    host: "serviceFabric",
    headers: { secret: undefined },
    status: 400,
    json: { error: { code: "SecretHeaderNotFound", message: "Secret is not found in the request headers." } }
  },
  "Service Fabric with a wrong secret": {
    host: "serviceFabric",
    headers: { secret: "guessed" },
    status: 404,
    json: {
      error: {
        code: "ManagedIdentityNotFound",
        message: "Managed identity not found for the specified application host."
      }
    }
  },
  "Service Fabric without a resource": {
    host: "serviceFabric",
    parameters: { resource: "" },
    status: 400,
    json: {
      error: {
        code: "ArgumentNullOrEmpty",
        message: "The parameter 'resource' should not be null or empty string."
      }
    }
  },
  "Service Fabric in another version": {
    host: "serviceFabric",
    parameters: { "api-version": "2017-09-01" },
    status: 400,
    json: {
      error: {
        code: "InvalidApiVersion",
        message: "The api-version '2017-09-01' is not supported. Supported version is '2019-07-01-preview'."
      }
    }
  },
  "Service Fabric with a resource that is unknown": {
    host: "serviceFabric",
    parameters: unknownApi,
    status: 500,
    json: { error: { code: "InternalServerError", message: "An error occurred." } }
  }
}

const guid = /"(?:correlationId|CorrelationId)":"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"/

/** Ids are different each time. */
const withoutId = (text: string): unknown =>
  JSON.parse(text, (name, value) => (/^correlationId$/i.test(name) ? undefined : value))

const refuses = ({ host, headers, parameters, status, json }: Case) =>
  Effect.gen(function* () {
    const answer = yield* askOn(host, { ...(headers && { headers }), ...(parameters && { parameters }) })
    assert.strictEqual(answer.status, status, answer.text)
    assert.deepStrictEqual(withoutId(answer.text), json)
    const hasId = host.startsWith("appService") || host === "azureMl" || host === "serviceFabric"
    assert.strictEqual(guid.test(answer.text), hasId)
  })

describe("who is refused on a machine without its own identity", () => {
  for (const [name, refusal] of Object.entries(otherMachines)) {
    it.effect(`${name}: ${refusal.status}`, () => Effect.provide(refuses(refusal), inProcess(refusal.options)))
  }
})

layer(inProcess())("who is refused", (it) => {
  for (const [name, refusal] of Object.entries(refusals)) {
    it.effect(`${name}: ${refusal.status}`, () => refuses(refusal))
  }

  for (const host of ["imds", "azureArc"] as const) {
    it.effect(`${host} passes on what Entra says of a resource that is unknown`, () =>
      Effect.gen(function* () {
        const { status, json } = yield* askOn(host, { parameters: unknownApi })
        assert.deepStrictEqual([status, json.error, json.error_codes], [400, "invalid_resource", [500011]])
        assert.match(
          String(json.error_description),
          /^AADSTS500011: The resource principal named https:\/\/unknown\.example was not found in the tenant named /
        )
      })
    )
  }

  for (const host of hosts) {
    it.effect(`${host} knows one method alone`, () =>
      Effect.gen(function* () {
        const request = yield* requestOn(host)
        const answer = yield* send({ ...request, method: request.method === "GET" ? "POST" : "GET" })
        assert.strictEqual(answer.status, 405)
      })
    )
  }

  it.effect("another path below that of IMDS is an unknown source", () =>
    Effect.gen(function* () {
      const request = yield* requestOn("imds")
      const answer = yield* send({ ...request, url: request.url.replace("/token", "/tokens") })
      assert.deepStrictEqual([answer.status, answer.json.error], [401, "unknown_source"])
    })
  )

  for (const host of ["imds", "appService", "serviceFabric"] as const) {
    it.effect(`${host} with two resources`, () =>
      Effect.gen(function* () {
        const request = yield* requestOn(host)
        const { status, text } = yield* send({ ...request, url: `${request.url}?resource=${defaults.graphAppId}` })
        assert.strictEqual(status, 400, text)
      })
    )
  }
})

const laterVersions: Readonly<Partial<Record<ManagedIdentityHost, string>>> = {
  imds: "2021-02-01",
  appService: "2025-03-30",
  azureArc: "2019-11-01",
  serviceFabric: "2020-05-01"
}

layer(inProcess())("versions beside the usual one", (it) => {
  for (const host of hosts) {
    const version = laterVersions[host]
    if (version === undefined) continue
    it.effect(`${host} takes ${version}`, () =>
      Effect.map(askOn(host, { parameters: { "api-version": version } }), claimsOf)
    )
  }
})

describe("the identity that is meant when none is named", () => {
  for (const host of ["imds", "serviceFabric"] as const) {
    it.effect(`${host}: the only one that a user assigned, where the system assigned none`, () =>
      Effect.gen(function* () {
        assert.strictEqual(claimsOf(yield* askOn(host)).oid, userAssigned.objectId)
      }).pipe(Effect.provide(inProcess(without({ userAssigned: 1 }))))
    )
  }

  it.effect("Azure Machine Learning has it in its environment", () =>
    Effect.gen(function* () {
      const environment = (yield* EntraEmulator).managedIdentityEnvironment("azureMl", "http://host")
      assert.strictEqual(environment.DEFAULT_IDENTITY_CLIENT_ID, userAssigned.clientId)
    }).pipe(Effect.provide(inProcess(without({ userAssigned: 1 }))))
  )

  it.effect("the client id of the system's own identity serves too", () =>
    Effect.gen(function* () {
      const answer = yield* askOn("imds", { parameters: { client_id: own?.clientId } })
      assert.strictEqual(claimsOf(answer).oid, systemAssigned.objectId)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("Azure Arc confirms an identity that is named, and ignores a name that it does not know", () =>
    Effect.gen(function* () {
      const confirmed = yield* askOn("azureArc", { parameters: { msi_res_id: userAssigned.resourceId } })
      assert.deepInclude(confirmed.json, {
        client_id: userAssigned.clientId,
        object_id: userAssigned.objectId,
        msi_res_id: userAssigned.resourceId
      })
      const ignored = yield* askOn("azureArc", { parameters: { mi_res_id: userAssigned.resourceId } })
      assert.strictEqual(claimsOf(ignored).oid, systemAssigned.objectId)
      assert.notProperty(ignored.json, "client_id")
    }).pipe(Effect.provide(inProcess()))
  )
})

const sha256 = (token: unknown) => createHash("sha256").update(String(token)).digest("hex")

describe("the cache of a host", () => {
  it.effect("it hands out the same token for half of its life, for each identity and resource", () =>
    Effect.gen(function* () {
      const first = yield* askOn("imds")
      yield* TestClock.adjust("11 hours")
      const second = yield* askOn("imds")
      assert.strictEqual(second.json.access_token, first.json.access_token)
      assert.deepStrictEqual([second.json.expires_in, second.json.expires_on], ["46800", first.json.expires_on])
      const tokens = yield* Effect.all([
        askOn("imds", { parameters: { client_id: userAssigned.clientId } }),
        askOn("imds", { parameters: { resource: defaults.graphAppId } }),
        askOn("appService")
      ])
      const distinct = new Set([first, ...tokens].map(({ json }) => json.access_token))
      assert.strictEqual(distinct.size, 4)
      yield* TestClock.adjust("1 hour")
      assert.notStrictEqual((yield* askOn("imds")).json.access_token, first.json.access_token)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("who asks at the same time gets the same token", () =>
    Effect.gen(function* () {
      const answers = yield* Effect.replicateEffect(askOn("imds"), 10, { concurrency: "unbounded" })
      assert.strictEqual(new Set(answers.map(({ json }) => json.access_token)).size, 1)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("a lifetime of one's own", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* askOn("imds")).json.expires_in, "600")
    }).pipe(Effect.provide(inProcess({ identityTokenLifetime: "10 minutes" })))
  )

  it.effect("a clock that was put back does not make a token of the future", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(start * 1000)
      const first = yield* askOn("imds")
      yield* (yield* EntraEmulator).skew("1 hour", "behind")
      assert.notStrictEqual((yield* askOn("imds")).json.access_token, first.json.access_token)
    }).pipe(Effect.provide(inProcess()))
  )

  for (const host of ["appService", "serviceFabric"] as const) {
    it.effect(`${host}: a token that was revoked comes again until its hash says that it is not wanted`, () =>
      Effect.gen(function* () {
        const { requests, revokeApp } = yield* EntraEmulator
        const capable = { xms_cc: "cp1,cp2" }
        const first = yield* askOn(host, { parameters: capable })
        const token = first.json.access_token
        assert.deepStrictEqual(claimsOf(first).xms_cc, ["cp1"])
        assert.notStrictEqual((yield* askOn(host)).json.access_token, token)
        yield* TestClock.adjust("2 seconds")
        yield* revokeApp(systemAssigned.clientId)
        const challenged = yield* callWith(token)
        assert.strictEqual(challenged.status, 401)
        assert.include(challenged.headers["www-authenticate"], "insufficient_claims")
        const ask = (token_sha256_to_refresh: string) =>
          Effect.map(
            askOn(host, { parameters: { ...capable, token_sha256_to_refresh } }),
            ({ json }) => json.access_token
          )
        assert.strictEqual(yield* ask(sha256("another")), token)
        const next = yield* ask(sha256(token))
        assert.strictEqual((yield* callWith(next)).status, 200)
        assert.strictEqual(yield* ask(sha256(token)), next)
        const last = (yield* requests).at(-1)
        assert.deepInclude(last?.query, { ...capable, token_sha256_to_refresh: sha256(token) })
      }).pipe(Effect.provide(inProcess()))
    )
  }

  it.effect("the others know nothing of it", () =>
    Effect.gen(function* () {
      const parameters = { xms_cc: "cp1" }
      const first = yield* askOn("imds", { parameters })
      assert.notProperty(claimsOf(first), "xms_cc")
      const hash = sha256(first.json.access_token)
      const second = yield* askOn("imds", { parameters: { ...parameters, token_sha256_to_refresh: hash } })
      assert.strictEqual(second.json.access_token, first.json.access_token)
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("what varies with a seed", () => {
  it.effect("Service Fabric's number, App Service's date, and the client id of IMDS", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(start * 1000)
      const seen = (host: ManagedIdentityHost, member: string) =>
        Effect.map(
          Effect.replicateEffect(askOn(host), 20),
          (answers) => new Set(answers.map(({ json }) => json[member]))
        )
      assert.deepStrictEqual(yield* seen("serviceFabric", "expires_on"), new Set(["1700086400", 1_700_086_400]))
      assert.deepStrictEqual(
        yield* seen("appServiceLegacy", "expires_on"),
        new Set(["11/15/2023 22:13:20 +00:00", "11/15/2023 10:13:20 PM +00:00"])
      )
      assert.deepStrictEqual(yield* seen("imds", "client_id"), new Set([systemAssigned.clientId, undefined]))
      assert.deepStrictEqual(yield* seen("appService", "client_id"), new Set([systemAssigned.clientId]))
    }).pipe(Effect.provide(inProcess({ seed: "varied" })))
  )
})

describe("the dates of App Service's first version", () => {
  const dates: Readonly<Record<string, readonly [string, string]>> = {
    "2020-01-06T00:04:09Z": ["01/06/2020 00:04:09 +00:00", "1/6/2020 12:04:09 AM +00:00"],
    "2020-10-16T12:24:12Z": ["10/16/2020 12:24:12 +00:00", "10/16/2020 12:24:12 PM +00:00"],
    "2020-01-16T05:24:12Z": ["01/16/2020 05:24:12 +00:00", "1/16/2020 5:24:12 AM +00:00"]
  }
  for (const [instant, [linux, windows]] of Object.entries(dates)) {
    it(`${instant} on Linux and on Windows`, () => {
      const seconds = Date.parse(instant) / 1000
      assert.deepStrictEqual([dateOf(seconds, "linux"), dateOf(seconds, "windows")], [linux, windows])
    })
  }
})

describe("an identity of another tenant", () => {
  it.effect("has tokens of that tenant, which the API accepts", () =>
    Effect.gen(function* () {
      const answer = yield* askOn("imds")
      assert.deepInclude(claimsOf(answer), {
        tid: defaults.otherTenantId,
        iss: `${yield* originOf}/${defaults.otherTenantId}/v2.0`
      })
      const { status, json } = yield* callWith(answer.json.access_token)
      assert.deepStrictEqual([status, json.tid, json.roles], [200, defaults.otherTenantId, []])
    }).pipe(
      Effect.provide(
        inProcess({
          directory: {
            ...defaultDirectory,
            machine: { systemAssigned: { ...systemAssigned, tenantId: defaults.otherTenantId } }
          }
        })
      )
    )
  )
})

describe("the instance metadata", () => {
  const ask = (path: string, parameters: Strings, headers: Strings = { metadata: "true" }) =>
    Effect.flatMap(originOf, (origin) =>
      send({ method: "GET", url: `${origin}/metadata/instance/${path}`, headers, parameters })
    )

  it.effect("tells the region, as JSON or as one word", () =>
    Effect.gen(function* () {
      const whole = yield* ask("compute", { "api-version": "2021-02-01" })
      assert.deepStrictEqual([whole.status, whole.json.location], [200, "westus2"])
      const one = yield* ask("compute/location", { "api-version": "2021-02-01", format: "text" })
      assert.deepStrictEqual([one.status, one.text], [200, "westus2"])
      assert.strictEqual((yield* ask("compute/location", { "api-version": "2021-02-01" })).status, 400)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("names its newest versions to who names none, and plays no fault", () =>
    Effect.gen(function* () {
      const { pendingIdentityFaults, scriptIdentity } = yield* EntraEmulator
      yield* scriptIdentity([Fault.hang])
      const { status, json } = yield* ask("compute", {})
      assert.strictEqual(status, 400)
      const [newest] = Array.isArray(json["newest-versions"]) ? json["newest-versions"] : []
      assert.strictEqual((yield* ask("compute", { "api-version": String(newest) })).status, 200)
      assert.strictEqual((yield* ask("compute", { "api-version": "2021-02-01" }, {})).status, 400)
      assert.strictEqual(yield* pendingIdentityFaults, 1)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("has the region of the directory's machine", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* ask("compute", { "api-version": "2021-02-01" })).json.location, "northeurope")
    }).pipe(Effect.provide(inProcess({ directory: { ...defaultDirectory, machine: { location: "northeurope" } } })))
  )
})

describe("the script of the managed identities", () => {
  it.effect("each request plays one fault, on whatever host, and the other endpoints none of them", () =>
    Effect.gen(function* () {
      const { pendingApiFaults, pendingIdentityFaults, scriptApi, scriptIdentity } = yield* EntraEmulator
      yield* scriptApi([Fault.hang])
      yield* scriptIdentity([
        Fault.respond({ status: 404 }),
        Fault.throttled("3"),
        Fault.html(200),
        Fault.respond({ status: 410 })
      ])
      assert.strictEqual((yield* askOn("imds")).status, 404)
      const throttled = yield* askOn("appService")
      assert.deepStrictEqual([throttled.status, throttled.headers["retry-after"]], [429, "3"])
      assert.match((yield* askOn("cloudShell")).text, /^<!DOCTYPE html>/)
      assert.strictEqual((yield* askOn("serviceFabric")).status, 410)
      assert.strictEqual((yield* askOn("serviceFabric")).status, 200)
      assert.deepStrictEqual([yield* pendingIdentityFaults, yield* pendingApiFaults], [0, 1])
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("both requests of Azure Arc count", () =>
    Effect.gen(function* () {
      const { scriptIdentity } = yield* EntraEmulator
      yield* scriptIdentity([Fault.delay("1 second"), Fault.respond({ status: 503 })])
      const request = yield* requestOn("azureArc")
      const fiber = yield* Effect.fork(send(request))
      yield* TestClock.adjust("1 second")
      const challenge = yield* Fiber.join(fiber)
      const proven = { ...request, headers: { ...request.headers, authorization: yield* proofFor(challenge) } }
      assert.strictEqual((yield* send(proven)).status, 503)
      assert.strictEqual((yield* send(proven)).status, 200, "a key that was not looked at has not served")
    }).pipe(Effect.provide(inProcess()))
  )

  for (const host of ["imds", "azureArc", "cloudShell"] as const) {
    it.effect(`a look whether ${host} is there plays none`, () =>
      Effect.gen(function* () {
        const { pendingIdentityFaults, scriptIdentity } = yield* EntraEmulator
        yield* scriptIdentity([Fault.hang])
        const probe = yield* askOn(host, { headers: { metadata: undefined }, parameters: { resource: undefined } })
        assert.deepStrictEqual([probe.status, yield* pendingIdentityFaults], [400, 1])
      }).pipe(Effect.provide(inProcess()))
    )
  }

  it.live("connections break and hang, and bodies are cut off", () =>
    Effect.gen(function* () {
      const { requests, scriptIdentity } = yield* EntraEmulator
      yield* scriptIdentity([Fault.reset("beforeHeaders"), Fault.truncated, Fault.hang])
      assert.strictEqual((yield* Effect.flip(askOn("appService")))._tag, "RequestError")
      const cut = yield* Effect.exit(askOn("appService"))
      assert.isTrue(Exit.isFailure(cut) && Cause.isDie(cut.cause), "half of a JSON text")
      assert.strictEqual((yield* Effect.timeoutOption(askOn("appService"), "50 millis"))._tag, "None")
      assert.strictEqual((yield* askOn("appService")).status, 200)
      const faults = (yield* requests).map(({ fault }) => fault)
      assert.deepStrictEqual(faults, ["Reset", "Truncated", "Hang", undefined])
    }).pipe(Effect.provide(onSocket()))
  )
})

describe("the record", () => {
  it.effect("shows who was asked for, and no secret", () =>
    Effect.gen(function* () {
      const { managedIdentityEnvironment, requests } = yield* EntraEmulator
      yield* askOn("appService", { parameters: { mi_res_id: userAssigned.resourceId } })
      yield* askOn("serviceFabric")
      yield* askOn("azureArc")
      const recorded = yield* requests
      assert.deepStrictEqual(recorded[0]?.query, {
        "api-version": "2019-08-01",
        resource,
        mi_res_id: userAssigned.resourceId
      })
      const headers = recorded.map((request) => request.headers)
      assert.deepInclude(headers[0], { "x-identity-header": "<masked>" })
      assert.deepInclude(headers[1], { secret: "<masked>" })
      assert.deepInclude(headers[3], { authorization: "<masked>", metadata: "true" })
      const { IDENTITY_HEADER = "" } = managedIdentityEnvironment("appService", "http://host")
      assert.match(IDENTITY_HEADER, /^[0-9A-F]{32}$/)
      assert.notInclude(JSON.stringify(recorded), IDENTITY_HEADER)
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("the environment", () => {
  it.effect("has a secret of its own at each start", () =>
    Effect.gen(function* () {
      const secretOf = Effect.map(
        EntraEmulator,
        ({ managedIdentityEnvironment }) => managedIdentityEnvironment("azureMl", "http://host").MSI_SECRET
      )
      const [one, other] = yield* Effect.replicateEffect(Effect.provide(secretOf, inProcess({ seed: "same" })), 2)
      assert.notStrictEqual(one, other)
    })
  )

  it.effect("tells App Service's first version from Azure Machine Learning by the name of the site", () =>
    Effect.gen(function* () {
      const { managedIdentityEnvironment } = yield* EntraEmulator
      const namesOf = (host: ManagedIdentityHost) => Object.keys(managedIdentityEnvironment(host, "http://host")).sort()
      assert.deepStrictEqual(namesOf("appServiceLegacy"), ["MSI_ENDPOINT", "MSI_SECRET", "WEBSITE_SITE_NAME"])
      assert.deepStrictEqual(namesOf("azureMl"), ["DEFAULT_IDENTITY_CLIENT_ID", "MSI_ENDPOINT", "MSI_SECRET"])
      const fabric = managedIdentityEnvironment("serviceFabric", "https://host", { thumbprint: "ABCD" })
      assert.strictEqual(fabric.IDENTITY_SERVER_THUMBPRINT, "ABCD")
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("tokens of the metadata service at its own address", () => {
  it.effect("have Entra's issuer", () =>
    Effect.gen(function* () {
      const request = yield* requestOn("imds")
      const url = "http://169.254.169.254/metadata/identity/oauth2/token"
      const claims = claimsOf(yield* send({ ...request, url }))
      assert.strictEqual(claims.iss, `https://login.microsoftonline.com/${defaults.tenantId}/v2.0`)
    }).pipe(Effect.provide(layerHttpClient.pipe(Layer.provideMerge(inProcess()))))
  )
})

describe("the key files of Azure Arc", () => {
  const arc = (folder: string) =>
    Layer.merge(EntraEmulatorNode.layer({ arcKeyFolder: folder }), NodeHttpClient.layerUndici)

  it.scopedLive("lie in the folder for owner and group, until they have served or the layer closes", () =>
    Effect.gen(function* () {
      const folder = join(yield* temporary, "made", "tokens")
      yield* Effect.gen(function* () {
        const request = yield* requestOn("azureArc")
        const challenge = yield* send(request)
        const path = keyPathIn(challenge)
        assert.isTrue(path.startsWith(`${folder}/`), path)
        assert.strictEqual(statSync(path).mode & 0o777, 0o640)
        const authorization = `Basic ${readFileSync(path, "utf8")}`
        assert.strictEqual(authorization, yield* proofFor(challenge))
        const left = keyPathIn(yield* send(request))
        assert.sameMembers(
          readdirSync(folder).map((name) => join(folder, name)),
          [path, left]
        )
        const proven = yield* send({ ...request, headers: { ...request.headers, authorization } })
        assert.strictEqual(proven.status, 200)
        assert.deepStrictEqual(
          readdirSync(folder).map((name) => join(folder, name)),
          [left]
        )
      }).pipe(Effect.provide(arc(folder)))
      assert.deepStrictEqual(readdirSync(folder), [])
    })
  )

  it.scopedLive("a folder that can't be made is told with what would make it", () =>
    Effect.gen(function* () {
      const file = join(yield* temporary, "file")
      writeFileSync(file, "")
      const folder = join(file, "tokens")
      const { status, json } = yield* Effect.provide(askOn("azureArc"), arc(folder))
      assert.strictEqual(status, 500)
      assert.include(json.error_description, `sudo install -d -o "$(id -un)" '${folder}'`)
    })
  )

  it.effect("of many that nobody fetched the oldest are forgotten", () =>
    Effect.gen(function* () {
      const { arcKeys } = yield* EntraEmulator
      const request = yield* requestOn("azureArc")
      const first = keyPathIn(yield* send(request))
      yield* Effect.replicateEffect(send(request), 1000, { discard: true })
      const keys = yield* arcKeys
      assert.deepStrictEqual([keys.size, keys.has(first)], [1000, false])
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("the address under TLS", () => {
  it.live("has the thumbprint of its certificate", () =>
    Effect.gen(function* () {
      const { certificate = "", thumbprint } = yield* EntraEmulatorNode.Address
      const der = Buffer.from(certificate.replace(/-----[A-Z ]+-----|\s/g, ""), "base64")
      assert.strictEqual(thumbprint, createHash("sha1").update(der).digest("hex").toUpperCase())
    }).pipe(Effect.provide(EntraEmulatorNode.layer({ tls: true })))
  )
})
