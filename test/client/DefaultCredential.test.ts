import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { FetchHttpClient } from "@effect/platform"
import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import * as DefaultCredential from "../../src/client/DefaultCredential.js"
import * as MachineNode from "../../src/client/MachineNode.js"
import { CredentialUnavailable } from "../../src/core/TokenError.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import { makeTools, surroundings, type Tools } from "./developerCredentialTools.js"

const { defaults } = EntraEmulator

const layer = EntraEmulatorNode.layer().pipe(Layer.orDie)

/** Nothing of this machine's own: no variable, and only these tools. */
const around = (tools: Tools) =>
  Layer.mergeAll(FetchHttpClient.layer, NodeFileSystem.layer, surroundings(tools, { path: tools.folder })).pipe(
    Layer.merge(MachineNode.layer)
  )

const chain = (variables: Readonly<Record<string, string>>, options?: DefaultCredential.Options, given?: Tools) =>
  Effect.gen(function* () {
    const tools = given ?? (yield* makeTools)
    return yield* DefaultCredential.make(options).pipe(
      Effect.provide(around(tools)),
      Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables))))
    )
  })

const namesOf = ({ steps }: DefaultCredential.DefaultCredentialService) => steps.map(({ name }) => name)

const api = defaults.apiScope
const app = { AZURE_TENANT_ID: defaults.tenantId, AZURE_CLIENT_ID: defaults.clientId }
const secret = { ...app, AZURE_CLIENT_SECRET: Redacted.value(defaults.clientSecret) }
const at = Effect.map(EntraEmulatorNode.Address, ({ origin }) => ({ AZURE_AUTHORITY_HOST: origin }))

const everything = [
  "environment",
  "workload identity",
  "managed identity",
  "Azure CLI",
  "Azure PowerShell",
  "Azure Developer CLI"
]

describe("the default chain", () => {
  it.scopedLive.each([
    [undefined, everything],
    ["prod", everything.slice(0, 3)],
    ["DEV", everything.slice(3)],
    ["ManagedIdentityCredential", ["managed identity"]],
    [" azureclicredential ", ["Azure CLI"]],
    ["AzureDeveloperCliCredential", ["Azure Developer CLI"]]
  ] as const)("with AZURE_TOKEN_CREDENTIALS=%s consists of %j", ([selection, expected]) =>
    Effect.gen(function* () {
      const made = yield* chain(selection === undefined ? {} : { AZURE_TOKEN_CREDENTIALS: selection })
      assert.deepStrictEqual(namesOf(made), [...expected])
    })
  )

  it.scopedLive("is refused with another word in it, and tells which there are", () =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(chain({ AZURE_TOKEN_CREDENTIALS: "VisualStudioCodeCredential" }))
      assert.strictEqual(failure.parameter, "AZURE_TOKEN_CREDENTIALS")
      assert.include(failure.message, "AzureCliCredential")
    })
  )

  it.scopedLive("begins with the app of the environment, by its secret", () =>
    Effect.gen(function* () {
      const { identity } = yield* chain({ ...secret, ...(yield* at) })
      const source = identity.forScopes(api)
      assert.strictEqual((yield* source.getToken()).source, "identity_provider")
      assert.strictEqual((yield* source.getToken()).source, "cache")
    }).pipe(Effect.provide(layer))
  )

  it.scopedLive("ends at an app that is refused: it was meant", () =>
    Effect.gen(function* () {
      const { identity } = yield* chain({ ...secret, ...(yield* at), AZURE_CLIENT_SECRET: "wrong" })
      assert.strictEqual((yield* Effect.flip(identity.forScopes(api).getToken()))._tag, "InvalidClient")
    }).pipe(Effect.provide(layer))
  )

  it.scopedLive("ends at a certificate that can't be read", () =>
    Effect.gen(function* () {
      const { identity } = yield* chain({ ...app, AZURE_CLIENT_CERTIFICATE_PATH: "/nowhere/cert.pem" })
      const failure = yield* Effect.flip(identity.forScopes(api).getToken())
      assert.deepInclude(failure, { _tag: "ConfigurationError", parameter: "AZURE_CLIENT_CERTIFICATE_PATH" })
    })
  )

  it.scopedLive("goes on to the workload's federated token", () =>
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "workload-"))),
        (path) => Effect.promise(() => rm(path, { recursive: true }))
      )
      const file = join(folder, "token")
      yield* Effect.promise(() => writeFile(file, "no token of ours"))
      const { identity } = yield* chain({ ...app, ...(yield* at), AZURE_FEDERATED_TOKEN_FILE: file })
      const failure = yield* Effect.flip(identity.forScopes(api).getToken())
      assert.include(["InvalidClient", "RequestRejected"], failure._tag)
      const { requests } = yield* EntraEmulator.EntraEmulator
      assert.property((yield* requests).at(-1)?.form, "client_assertion")
    }).pipe(Effect.provide(layer))
  )

  it.scopedLive("goes on to the machine's identity, that of AZURE_CLIENT_ID", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator.EntraEmulator
      const { origin } = yield* EntraEmulatorNode.Address
      const { clientId } = defaults.managedIdentity.userAssigned
      const { identity } = yield* chain({
        ...emulator.managedIdentityEnvironment("appService", origin),
        AZURE_CLIENT_ID: clientId
      })
      yield* identity.forScopes(api).getToken()
      assert.strictEqual((yield* emulator.requests).at(-1)?.query.client_id, clientId)
    }).pipe(Effect.provide(layer))
  )

  it.scopedLive("goes on to a tool that somebody is signed in to, whatever the machine's endpoint fails with", () =>
    Effect.gen(function* () {
      const tools = yield* makeTools
      const { origin } = yield* EntraEmulatorNode.Address
      const answer = { token: "of-azd", expiresOn: new Date(Date.now() + 3_600_000).toISOString() }
      tools.install("azd", [`echo '${JSON.stringify(answer)}'`])
      const variables = { IDENTITY_ENDPOINT: `${origin}/msi/appservice`, IDENTITY_HEADER: "wrong" }
      const { identity } = yield* chain(variables, {}, tools)
      const token = yield* identity.forScopes(api).getToken()
      assert.strictEqual(Redacted.value(token.accessToken), "of-azd")
    }).pipe(Effect.provide(layer))
  )

  it.scopedLive("tells of every step why it has no token, and what to do", () =>
    Effect.gen(function* () {
      const { identity } = yield* chain({ IDENTITY_HEADER: "a-secret-of-the-platform", AZURE_TENANT_ID: "t" })
      const failure = yield* Effect.flip(identity.forScopes(api).getToken())
      assert.instanceOf(failure, CredentialUnavailable)
      const steps = failure.steps ?? []
      assert.deepStrictEqual(
        steps.map(({ name }) => name),
        everything
      )
      assert.deepStrictEqual(
        steps.map(({ failure: { _tag } }) => _tag),
        [
          "CredentialUnavailable",
          "CredentialUnavailable",
          "ConfigurationError",
          "CredentialUnavailable",
          "CredentialUnavailable",
          "CredentialUnavailable"
        ]
      )
      assert.isTrue(steps.every(({ remedy }) => remedy.length > 10))
      assert.include(failure.message, "AZURE_CLIENT_ID")
      assert.include(failure.message, "IDENTITY_ENDPOINT")
      assert.notInclude(failure.message, "a-secret-of-the-platform")
    })
  )

  it.scopedLive.each([
    [{}, undefined, "ConfigurationError"],
    [{ AZURE_ADDITIONALLY_ALLOWED_TENANTS: defaults.otherTenantId }, undefined, "asked"],
    [{ AZURE_ADDITIONALLY_ALLOWED_TENANTS: "*" }, undefined, "asked"],
    [{}, [defaults.otherTenantId], "asked"],
    [{ AZURE_ADDITIONALLY_ALLOWED_TENANTS: "*" }, [], "ConfigurationError"]
  ] as const)("with %j and %j allowed, another tenant ends in: %s", ([variables, allowed, expected]) =>
    Effect.gen(function* () {
      const { identity } = yield* chain(
        { ...secret, ...(yield* at), ...variables },
        { additionallyAllowedTenants: allowed }
      )
      const result = yield* Effect.either(identity.forScopes(api, { tenantId: defaults.otherTenantId }).getToken())
      const { requests } = yield* EntraEmulator.EntraEmulator
      const wasAsked = (yield* requests).some(({ path }) => path.includes(`${defaults.otherTenantId}/oauth2`))
      assert.strictEqual(wasAsked, expected === "asked")
      if (expected !== "asked") assert.deepInclude(result, { _tag: "Left" })
    }).pipe(Effect.provide(layer))
  )
})
