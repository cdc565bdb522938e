import { execFile } from "node:child_process"
import { accessSync, constants, mkdirSync, mkdtempSync, writeFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import * as Jose from "jose"
import { EntraEmulator, type ManagedIdentityHost } from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import * as Fault from "../../src/emulator/Fault.js"
import { compiled } from "../support/compiled.js"
import { defaults } from "./helpers.js"
import { hosts, resource, systemAssigned, userAssigned } from "./managedIdentities.js"
import type { Outcome, Task } from "./managedIdentityProgram.js"

const execute = promisify(execFile)

const scope = Effect.runSync(Scope.make())
let program = ""

beforeAll(async () => {
  const source = new URL("managedIdentityProgram.ts", import.meta.url)
  program = await Effect.runPromise(Scope.extend(compiled(source), scope))
})

afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

/** The only folder where MSAL looks for the keys of Azure Arc on Linux. */
const arcFolder = "/var/opt/azcmagent/tokens"

const arcFolderIsUsable = Effect.sync(() => {
  try {
    mkdirSync(arcFolder, { recursive: true })
    accessSync(arcFolder, constants.W_OK)
  } catch {
    assert.fail(`Clients look into ${arcFolder} alone: sudo install -d -o "$(id -un)" ${arcFolder}`)
  }
})

/** A file with the certificate to trust, for a process that is started. */
const trusted = (certificate: string | undefined) =>
  Effect.gen(function* () {
    if (certificate === undefined) return {}
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-entra-trusted-"))),
      (path) => Effect.promise(() => rm(path, { recursive: true }))
    )
    const path = join(folder, "emulator.pem")
    writeFileSync(path, certificate)
    return { NODE_EXTRA_CA_CERTS: path }
  })

/** What a real client makes of such a host, in a process with its environment and nothing else. */
const on = (host: ManagedIdentityHost, task: Omit<Task, "resource">) =>
  Effect.gen(function* () {
    const { managedIdentityEnvironment } = yield* EntraEmulator
    const { certificate, origin, thumbprint } = yield* EntraEmulatorNode.Address
    const env = { ...managedIdentityEnvironment(host, origin, { thumbprint }), ...(yield* trusted(certificate)) }
    const { stdout } = yield* Effect.promise(() =>
      execute(process.execPath, [program, JSON.stringify({ resource, ...task })], { env })
    )
    const outcomes: ReadonlyArray<Outcome> = JSON.parse(stdout)
    return outcomes
  })

const acquired = (outcome: Outcome | undefined) => {
  if (outcome === undefined || "failure" in outcome) return assert.fail(JSON.stringify(outcome))
  return { ...outcome, claims: Jose.decodeJwt(outcome.token) }
}

const failure = (outcome: Outcome | undefined) => {
  if (outcome === undefined || "token" in outcome) return assert.fail(JSON.stringify(outcome))
  return outcome
}

const emulator = (host: ManagedIdentityHost, options: EntraEmulatorNode.Options = {}) =>
  EntraEmulatorNode.layer({ tls: host === "serviceFabric", ...options })

/** Both take App Service's first version for Azure Machine Learning, and can't read its date. */
const known = hosts.filter((host) => host !== "appServiceLegacy")

const names = ["clientId", "objectId", "resourceId"] as const

/** By which names each client asks for an identity there. */
const named: Readonly<
  Record<Task["client"], Partial<Record<ManagedIdentityHost, ReadonlyArray<keyof typeof userAssigned>>>>
> = {
  msal: { imds: names, appService: names, azureArc: names, azureMl: ["clientId"] },
  identity: { imds: names, appService: names, azureMl: ["clientId"] }
}

for (const client of ["msal", "identity"] as const) {
  const title = client === "msal" ? "@azure/msal-node" : "@azure/identity"
  describe(title, () => {
    for (const host of known) {
      it.scopedLive(`acquires on ${host}, then hits its cache`, () =>
        Effect.gen(function* () {
          if (host === "azureArc") yield* arcFolderIsUsable
          const { requests } = yield* EntraEmulator
          const [first, second] = yield* on(host, { client, steps: ["get", "get"] })
          const { claims, expiresOn, token } = acquired(first)
          assert.deepInclude(claims, { oid: systemAssigned.objectId, aud: defaults.apiAppId, idtyp: "app" })
          assert.approximately(expiresOn, claims.exp ?? 0, 1)
          assert.strictEqual(acquired(second).token, token)
          const expected = host === "azureArc" ? [401, 200] : [200]
          assert.deepStrictEqual(
            (yield* requests).map(({ status }) => status),
            expected
          )
        }).pipe(Effect.provide(emulator(host)))
      )

      const ways = named[client][host]
      if (ways === undefined) continue
      it.scopedLive(`acquires on ${host} for an identity that it names by its ${ways.join(", ")}`, () =>
        Effect.gen(function* () {
          if (host === "azureArc") yield* arcFolderIsUsable
          const identities = ways.map((name) => ({ [name]: userAssigned[name] }))
          const outcomes = yield* on(host, { client, steps: ["get"], identities })
          assert.deepStrictEqual(
            outcomes.map((outcome) => acquired(outcome).claims.oid),
            ways.map(() => userAssigned.objectId)
          )
        }).pipe(Effect.provide(emulator(host)))
      )
    }

    it.scopedLive("understands what varies", () =>
      Effect.gen(function* () {
        for (const host of ["imds", "appService", "cloudShell"] as const) {
          for (let run = 0; run < 2; run++) acquired((yield* on(host, { client, steps: ["get"] }))[0])
        }
      }).pipe(Effect.provide(EntraEmulatorNode.layer({ seed: title })))
    )

    it.scopedLive("tells what a host says of an identity that it has not", () =>
      Effect.gen(function* () {
        const clientId = "11111111-2222-4333-8444-555555555555"
        const imds = failure((yield* on("imds", { client, steps: ["get"], identities: [{ clientId }] }))[0])
        assert.include(imds.failure, "Identity not found")
        const site = failure((yield* on("appService", { client, steps: ["get"], identities: [{ clientId }] }))[0])
        assert.include(site.failure, "No User Assigned or Delegated Managed Identity found")
      }).pipe(Effect.provide(EntraEmulatorNode.layer()))
    )

    it.scopedLive("tries again while the metadata service is not ready", () =>
      Effect.gen(function* () {
        const { pendingIdentityFaults, requests, scriptIdentity } = yield* EntraEmulator
        yield* scriptIdentity([Fault.respond({ status: 404, body: {} })])
        acquired((yield* on("imds", { client, steps: ["get"], retries: true }))[0])
        assert.strictEqual(yield* pendingIdentityFaults, 0)
        assert.deepStrictEqual(
          (yield* requests).map(({ status }) => status),
          [404, 200]
        )
      }).pipe(Effect.provide(EntraEmulatorNode.layer()))
    )
  })
}

describe("@azure/msal-node alone", () => {
  it.scopedLive("drops a token at a claims challenge on Service Fabric by its hash", () =>
    Effect.gen(function* () {
      const { requests } = yield* EntraEmulator
      const outcomes = yield* on("serviceFabric", { client: "msal", capabilities: ["cp1"], steps: ["get", "claims"] })
      const [first, second] = outcomes.map(acquired)
      assert.deepStrictEqual(first?.claims.xms_cc, ["cp1"])
      assert.notStrictEqual(second?.token, first?.token)
      const [, last] = yield* requests
      assert.match(last?.query.token_sha256_to_refresh ?? "", /^[0-9a-f]{64}$/)
    }).pipe(Effect.provide(emulator("serviceFabric")))
  )

  it.scopedLive("does not take a user-assigned identity that Service Fabric leaves unsaid for a refusal", () =>
    Effect.gen(function* () {
      const [outcome] = yield* on("serviceFabric", {
        client: "msal",
        steps: ["get"],
        identities: [{ clientId: userAssigned.clientId }]
      })
      assert.strictEqual(acquired(outcome).claims.oid, systemAssigned.objectId)
    }).pipe(Effect.provide(emulator("serviceFabric")))
  )

  it.scopedLive("a key that can't be written is not a token", () =>
    Effect.gen(function* () {
      const [outcome] = yield* on("azureArc", { client: "msal", steps: ["get"] })
      assert.include(failure(outcome).failure, "sudo install -d")
    }).pipe(Effect.provide(emulator("azureArc", { arcKeyFolder: "/dev/null/tokens" })))
  )
})
