import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { FetchHttpClient } from "@effect/platform"
import { NodeContext, NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Cause, ConfigProvider, Effect, Exit, Layer, Metric, Option, Redacted } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import { run } from "../../src/cli/command.js"
import { Screen } from "../../src/cli/screen.js"
import * as DefaultCredential from "../../src/client/DefaultCredential.js"
import { Machine } from "../../src/client/Machine.js"
import * as MachineNode from "../../src/client/MachineNode.js"
import * as ManagedIdentity from "../../src/client/ManagedIdentity.js"
import { placesOf } from "../../src/client/machinePlaces.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import * as Fault from "../../src/emulator/Fault.js"
import { heard, outputs, refuseAll } from "../support/secrecy.js"
import { makeTools, surroundings, type Tools } from "./developerCredentialTools.js"
import { defaults, type Host, hosts, identityOn, layer } from "./identities.js"

const { otherUserAssigned, resource, userAssigned } = defaults.managedIdentity

const providerOf = (variables: Readonly<Record<string, string>>) =>
  ConfigProvider.fromMap(new Map(Object.entries(variables)))

/** What the environment of a host keeps secret. */
const secretsOf = (variables: Readonly<Record<string, string>>): ReadonlyArray<string> =>
  ["IDENTITY_HEADER", "MSI_SECRET"].flatMap((name) => variables[name] ?? [])

/** Those that nobody has read yet. */
const arcKeys = Effect.map(
  Effect.flatMap(EntraEmulator.EntraEmulator, (emulator) => emulator.arcKeys),
  (keys) => [...keys.values()].map(Redacted.value)
)

/** A machine that tells which keys were read. */
const watched = (read: Array<string>) =>
  Layer.effect(
    Machine,
    Effect.map(Machine, (machine) => ({
      ...machine,
      arcKey: (path: string) =>
        Effect.tap(machine.arcKey(path), (key) => Effect.sync(() => read.push(Redacted.value(key))))
    }))
  )

const strangersToken = "another-identity's.access/token+of=nobody"
const claims = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'

const errorOf = (exit: Exit.Exit<unknown, unknown>): unknown =>
  Exit.isFailure(exit) ? Option.getOrUndefined(Cause.failureOption(exit.cause)) : undefined

type Scripted = (secret: string) => ReadonlyArray<Fault.Fault>

const echoed = (status: number, body: (secret: string) => Fault.Json): Scripted => {
  return (secret) => [Fault.respond({ status, body: body(secret) })]
}

/** What an endpoint does, given something that it should keep to itself. */
const answers: ReadonlyArray<readonly [string, Scripted]> = [
  ["a token", () => []],
  [
    "its refusal repeats what it was sent",
    echoed(400, (secret) => ({ error: "invalid_request", error_description: `AADSTS90014: ${secret}` }))
  ],
  ["a refusal without a code does", echoed(403, (secret) => ({ statusCode: 403, message: secret }))],
  ["a refusal with an object does", echoed(400, (secret) => ({ error: { code: "Refused", message: secret } }))],
  ["a page does", echoed(403, (secret) => `<html>${secret}</html>`)],
  ["a token without a shape does", echoed(200, (secret) => ({ access_token: 1, expires_on: secret, x: secret }))],
  ["it is not found", () => [Fault.respond({ status: 404, body: strangersToken })]],
  ["it is being updated", () => [Fault.respond({ status: 410, body: strangersToken })]],
  ["it is throttled", () => [Fault.throttled("120")]],
  ["it is down", () => [Fault.unavailable()]],
  ["it fails", echoed(500, (secret) => ({ error: "server_error", error_description: secret }))],
  ["it closes the connection", () => [Fault.reset("beforeHeaders")]],
  ["its body breaks off", () => [Fault.reset("midBody")]],
  ["half of a token comes", () => [Fault.truncated]],
  ["it sends elsewhere", () => [Fault.redirect("https://elsewhere.example/")]],
  [
    "it wants a key of another folder",
    () => [Fault.respond({ status: 401, headers: { "www-authenticate": "Basic realm=/etc/shadow.key" } })]
  ]
]

describe.each(hosts)("no secret is printed by a managed identity on %s", (host) => {
  it.scoped.each(answers)("when %s", ([, answer]) =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator.EntraEmulator
      const given = secretsOf(emulator.managedIdentityEnvironment(host, "http://169.254.169.254"))
      const keys: Array<string> = []
      const story = Effect.gen(function* () {
        const identity = yield* identityOn(host, { clientCapabilities: ["cp1"], retryPolicy: { attempts: 1 } })
        const first = yield* identity.acquireToken({ resource })
        yield* emulator.scriptIdentity(answer([...given, ...keys, Redacted.value(first.accessToken)].join(" ")))
        const second = yield* Effect.exit(identity.acquireToken({ resource, claims, rejected: first }))
        const hidden = [first, ...(Exit.isSuccess(second) ? [second.value] : [])].map(({ accessToken }) =>
          Redacted.value(accessToken)
        )
        const printed = [identity, identity.identity, yield* identity.health, first, second, errorOf(second)]
        return { printed, hidden }
      })
      const { logs, spans, value } = yield* heard(Effect.provide(story, watched(keys)))
      assert.isNotEmpty(logs)
      assert.isNotEmpty(spans)
      assert.strictEqual(keys.length > 0, host === "azureArc")
      const kept = [yield* TokenCache.TokenCache, yield* Metric.snapshot]
      const texts = [...value.printed, ...kept].flatMap(outputs).concat(logs, spans)
      refuseAll(texts, [...given, ...keys, ...(yield* arcKeys), ...value.hidden, strangersToken])
    }).pipe(Effect.provide(layer()))
  )
})

describe("no secret is printed", () => {
  it.scoped.each(["imds", "azureArc", "appService"] as const)("when %s answers with another identity's token", (host) =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator.EntraEmulator
      const story = Effect.gen(function* () {
        const { acquireToken } = yield* identityOn(host, { userAssigned: { clientId: userAssigned.clientId } })
        yield* emulator.scriptIdentity([
          Fault.respond({
            status: 200,
            body: {
              access_token: strangersToken,
              expires_in: "3600",
              token_type: "Bearer",
              client_id: otherUserAssigned.clientId
            }
          })
        ])
        return yield* Effect.flip(acquireToken({ resource }))
      })
      const { logs, spans, value } = yield* heard(story)
      assert.deepInclude(value, { _tag: "MalformedResponse", reason: "otherIdentity" })
      const variables = emulator.managedIdentityEnvironment(host, "http://169.254.169.254")
      const hidden = [strangersToken, ...secretsOf(variables), ...(yield* arcKeys)]
      refuseAll([...outputs(value), ...outputs(yield* Metric.snapshot), ...logs, ...spans], hidden)
    }).pipe(Effect.provide(layer()))
  )

  it.scopedLive("when Service Fabric's certificate is another, or its endpoint has none", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator.EntraEmulator
      const { origin } = yield* EntraEmulatorNode.Address
      const variables = emulator.managedIdentityEnvironment("serviceFabric", origin, { thumbprint: "ab".repeat(20) })
      for (const change of [{}, { IDENTITY_ENDPOINT: "http://127.0.0.1:1/token" }]) {
        const asked = Effect.flatMap(ManagedIdentity.make({ retryPolicy: { attempts: 1 } }), ({ acquireToken }) =>
          Effect.flip(acquireToken({ resource }))
        ).pipe(Effect.withConfigProvider(providerOf({ ...variables, ...change })))
        const { logs, spans, value } = yield* heard(asked)
        assert.deepInclude(value, { _tag: "TransportError", reason: "certificate" })
        refuseAll([...outputs(value), ...logs, ...spans], secretsOf(variables))
      }
    }).pipe(
      Effect.provide(
        Layer.mergeAll(MachineNode.layer, TokenCache.layerMemory(), EntraEmulatorNode.layer({ tls: true }))
      )
    )
  )

  it.scopedLive("when an environment is half of one, or wrong", () =>
    Effect.gen(function* () {
      const secret = "S3CRET~that.nobody/may+see="
      for (const variables of [
        { MSI_SECRET: secret },
        { IDENTITY_HEADER: secret },
        { IDENTITY_HEADER: secret, IDENTITY_ENDPOINT: `http://user:${secret}@localhost/` },
        { IDENTITY_HEADER: secret, IDENTITY_ENDPOINT: secret },
        { IDENTITY_HEADER: secret, IDENTITY_ENDPOINT: "https://localhost/", IDENTITY_SERVER_THUMBPRINT: secret }
      ]) {
        const failure = yield* Effect.flip(ManagedIdentity.make()).pipe(
          Effect.withConfigProvider(providerOf(variables))
        )
        assert.strictEqual(failure._tag, "ConfigurationError")
        refuseAll(outputs(failure), [secret])
      }
    }).pipe(Effect.provide(Layer.merge(MachineNode.layer, TokenCache.layerMemory())))
  )

  const key = "arc~key/that.nobody+may-see="
  it.scopedLive.each([
    ["two lines", `${key}\n${key}`],
    ["other characters", `${key}\u00e9`],
    ["too much", key.repeat(200)],
    ["a key", ` ${key}\n`]
  ] as const)("when the file of Azure Arc's key holds %s", ([what, content]) =>
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => realpathSync(mkdtempSync(join(tmpdir(), "effect-entra-arc-")))),
        (path) => Effect.sync(() => rmSync(path, { recursive: true }))
      )
      const path = join(folder, "1.key")
      writeFileSync(path, content)
      const machine = yield* MachineNode.make({ ...placesOf("linux", {}), arcFolder: folder })
      const { logs, spans, value } = yield* heard(Effect.exit(machine.arcKey(path)))
      assert.strictEqual(Exit.isSuccess(value), what === "a key")
      refuseAll([...outputs(value), ...outputs(errorOf(value)), ...logs, ...spans], [key])
    })
  )
})

const toolsToken = "tool's-own~access.token/of+a=developer"
const person = "ada.lovelace@contoso.example"

/** Each prints its token and its user, and fails. */
const failingTools = Effect.tap(makeTools, (tools) =>
  Effect.sync(() => {
    for (const program of ["az", "azd", "pwsh"])
      tools.replies(program, {
        stdout: JSON.stringify({ accessToken: toolsToken, token: toolsToken, user: person }),
        stderr: `ERROR: ${toolsToken} of ${person} can't be used\n`,
        code: 1
      })
  })
)

/** A host whose endpoint refuses, and repeats all that it should keep to itself. */
const hopeless = (host: Host) =>
  Effect.gen(function* () {
    const emulator = yield* EntraEmulator.EntraEmulator
    const { origin } = yield* EntraEmulatorNode.Address
    const variables = emulator.managedIdentityEnvironment(host, origin)
    const secrets = secretsOf(variables)
    const words = [...secrets, strangersToken].join(" ")
    const refusal = Fault.respond({ status: 400, body: { error: "invalid_request", error_description: words } })
    return {
      refuse: emulator.scriptIdentity([refusal]),
      variables,
      hidden: [...secrets, strangersToken, toolsToken, person]
    }
  })

const hostsWithoutTls = hosts.filter((host) => host !== "serviceFabric")
const emulated = EntraEmulatorNode.layer().pipe(Layer.orDie)

describe.each(hostsWithoutTls)("no secret is printed by the default chain on %s", (host) => {
  const around = (tools: Tools) =>
    Layer.mergeAll(
      FetchHttpClient.layer,
      NodeFileSystem.layer,
      surroundings(tools, { path: `${tools.folder}:/usr/bin:/bin` })
    ).pipe(Layer.merge(MachineNode.layer))

  it.scopedLive("when each step fails", () =>
    Effect.gen(function* () {
      const tools = yield* failingTools
      const { hidden, refuse, variables } = yield* hopeless(host)
      yield* refuse
      const story = Effect.gen(function* () {
        const chain = yield* DefaultCredential.make()
        return { chain, failure: yield* Effect.flip(chain.identity.forScopes(`${resource}/.default`).getToken()) }
      }).pipe(Effect.provide(around(tools)), Effect.withConfigProvider(providerOf(variables)))
      const { logs, spans, value } = yield* heard(story)
      const { failure } = value
      assert(failure._tag === "CredentialUnavailable" && failure.steps !== undefined)
      assert.strictEqual(failure.steps.length, 6)
      assert.strictEqual(tools.starts("az"), 1)
      const steps = failure.steps.flatMap((step) => [step, step.failure, step.failure.message])
      const texts = [value, failure, failure.message, ...steps, yield* Metric.snapshot].flatMap(outputs)
      refuseAll([...texts, ...logs, ...spans], [...hidden, ...(yield* arcKeys)])
    }).pipe(Effect.provide(emulated))
  )
})

/** Runs `doctor` in this process, with these tools alone. */
const doctor = (tools: Tools, environment: Readonly<Record<string, string>>, ...args: ReadonlyArray<string>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => process.env.PATH),
    () =>
      Effect.gen(function* () {
        process.env.PATH = `${tools.folder}:/usr/bin:/bin`
        const written: Array<string> = []
        const write = (text: string) => Effect.sync(() => void written.push(text))
        const screen = Layer.succeed(Screen, { result: write, note: write, isInteractive: false })
        const asked = run(["node", "effect-entra", "doctor", "--scope", `${resource}/.default`, ...args]).pipe(
          Effect.provide(Layer.merge(NodeContext.layer, screen)),
          Effect.withConfigProvider(providerOf(environment))
        )
        const { logs, spans, value } = yield* heard(Effect.exit(asked))
        return { exit: value, written: written.join("\n"), told: [...written, ...logs, ...spans, ...outputs(value)] }
      }),
    (path) =>
      Effect.sync(() => {
        process.env.PATH = path
      })
  )

describe.each(hostsWithoutTls)("no secret is printed by doctor on %s", (host) => {
  it.scopedLive.each(["text", "JSON"])("as %s, whether all fails or a token is there", (form) =>
    Effect.gen(function* () {
      const tools = yield* failingTools
      const { hidden, refuse, variables } = yield* hopeless(host)
      const args = form === "JSON" ? ["--json"] : []
      yield* refuse
      const failed = yield* doctor(tools, variables, ...args)
      assert.isTrue(Exit.isFailure(failed.exit))
      for (const part of ["managed identity", "Azure CLI", "First to fix"]) assert.include(failed.written, part)
      const app = { AZURE_TENANT_ID: defaults.tenantId, AZURE_CLIENT_ID: defaults.clientId }
      const appSecret = Redacted.value(defaults.clientSecret)
      const { origin } = yield* EntraEmulatorNode.Address
      const going = yield* doctor(
        tools,
        { ...variables, ...app, AZURE_AUTHORITY_HOST: origin, AZURE_CLIENT_SECRET: appSecret },
        ...args
      )
      assert.isTrue(Exit.isSuccess(going.exit), going.written)
      assert.include(going.written, "The chain takes its tokens from: environment")
      refuseAll([...failed.told, ...going.told], [...hidden, appSecret, ...(yield* arcKeys)])
    }).pipe(Effect.provide(emulated))
  )
})
