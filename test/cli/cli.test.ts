import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { FileSystem } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted } from "effect"
import { run } from "../../src/cli/command.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import * as Fault from "../../src/emulator/Fault.js"
import { effectEntra, recorded } from "./terminal.js"

const { defaults } = EntraEmulator

const folder = Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped()).pipe(
  Effect.provide(NodeContext.layer)
)

const environmentOf = (origin: string) => ({
  AZURE_AUTHORITY_HOST: origin,
  AZURE_TENANT_ID: defaults.tenantId,
  AZURE_CLIENT_ID: defaults.clientId,
  AZURE_CLIENT_SECRET: Redacted.value(defaults.clientSecret)
})

describe("effect-entra token", () => {
  it.live("--emulator shows throttling, retries, a token, the cache, an API call and a refusal explained", () =>
    Effect.gen(function* () {
      const ran = yield* effectEntra(["token", "--emulator"])
      assert.isTrue(ran.succeeded)
      const steps = [
        "Throttled (HTTP 429)",
        "waiting 1.",
        "AuthorityUnavailable (HTTP 503)",
        "waiting ",
        "token (HTTP 200)"
      ]
      let from = 0
      for (const step of steps) {
        const at = ran.note.indexOf(step, from)
        assert.isAtLeast(at, from, `${step} in ${ran.note}`)
        from = at
      }
      for (const part of ["identity_provider", "from cache", "HTTP 200", "AADSTS7000215", "what to do"])
        assert.include(ran.result, part)
      assert.notInclude(ran.result + ran.note, "eyJ")
    })
  )

  it.live("--emulator --print-token prints the token alone", () =>
    Effect.gen(function* () {
      const ran = yield* effectEntra(["token", "--emulator", "--print-token"])
      assert.match(ran.result, /^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/)
    })
  )

  it.live("--json prints one document with the timeline, and nothing else", () =>
    Effect.gen(function* () {
      const ran = yield* effectEntra(["token", "--emulator", "--json"])
      assert.strictEqual(ran.note, "")
      const document = JSON.parse(ran.result)
      assert.strictEqual(document.token.claims.tid, defaults.tenantId)
      assert.strictEqual(document.timeline[0].event, "asking")
      assert.strictEqual(document.refusal.tag, "InvalidClient")
    })
  )

  it.scopedLive("reads the environment, shows the claims, and prints the token only when told to", () =>
    Effect.gen(function* () {
      const { origin } = yield* EntraEmulatorNode.Address
      const environment = environmentOf(origin)
      const shown = yield* effectEntra(["token", "--scope", defaults.apiScope], { environment })
      assert.isTrue(shown.succeeded)
      assert.include(shown.result, defaults.role)
      assert.notInclude(shown.result, "eyJ")

      const printed = yield* effectEntra(["token", "--scope", defaults.apiScope, "--print-token"], { environment })
      assert.match(printed.result, /^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/)
    }).pipe(Effect.provide(EntraEmulatorNode.layer()))
  )

  it.scopedLive("lets flags and a secret file override the environment, and keeps a countdown on a terminal", () =>
    Effect.gen(function* () {
      const { origin } = yield* EntraEmulatorNode.Address
      const emulator = yield* EntraEmulator.EntraEmulator
      yield* emulator.script([Fault.throttled("1")])
      const file = join(yield* folder, "secret")
      yield* Effect.promise(() => writeFile(file, `${Redacted.value(defaults.clientSecret)}\n`))
      const flags = ["--tenant", defaults.tenantId, "--client-id", defaults.clientId, "--authority-host", origin]
      const ran = yield* effectEntra(["token", ...flags, "--secret-file", file, "--scope", defaults.apiScope], {
        isInteractive: true,
        environment: { AZURE_TENANT_ID: "wrong" }
      })
      assert.isTrue(ran.succeeded, ran.note)
      assert.include(ran.note, "s left")
    }).pipe(Effect.provide(EntraEmulatorNode.layer()))
  )

  it.effect("names everything that is missing", () =>
    Effect.gen(function* () {
      const ran = yield* effectEntra(["token", "--scope", defaults.apiScope])
      assert.isFalse(ran.succeeded)
      assert.include(ran.note, "AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET")
    })
  )

  it.scopedLive("explains a refusal, in words and as JSON", () =>
    Effect.gen(function* () {
      const { origin } = yield* EntraEmulatorNode.Address
      const environment = { ...environmentOf(origin), AZURE_CLIENT_SECRET: "wrong" }
      const ran = yield* effectEntra(["token", "--scope", defaults.apiScope], { environment })
      assert.isFalse(ran.succeeded)
      assert.include(ran.note, "AADSTS7000215")
      const json = yield* effectEntra(["token", "--scope", defaults.apiScope, "--json"], { environment })
      assert.isFalse(json.succeeded)
      assert.strictEqual(JSON.parse(json.result).error.tag, "InvalidClient")
    }).pipe(Effect.provide(EntraEmulatorNode.layer()))
  )

  it.effect("refuses a missing scope before any request", () =>
    Effect.gen(function* () {
      const ran = yield* effectEntra(["token"], { environment: environmentOf("https://login.microsoftonline.com") })
      assert.isFalse(ran.succeeded)
      assert.include(ran.note, "scopes: expected at least one scope")
    })
  )

  it.effect("has no flag for the secret itself", () =>
    Effect.gen(function* () {
      const ran = yield* effectEntra(["token", "--client-secret", "s3cret"])
      assert.isFalse(ran.succeeded)
    })
  )
})

describe("effect-entra explain", () => {
  const body = JSON.stringify({
    error: "invalid_client",
    error_description: "AADSTS7000215: Invalid client secret provided.",
    error_codes: [7000215]
  })
  const texts: ReadonlyArray<readonly [string, ReadonlyArray<string>, string]> = [
    ["a code", ["AADSTS50076"], "AADSTS50076"],
    ["a number", ["50076"], "AADSTS50076"],
    ["a description", ["AADSTS700016: Application with identifier 'x' was not found"], "AADSTS700016"],
    ["words that the shell has split", ["Error", "AADSTS700016:", "Application"], "AADSTS700016"],
    ["an error response", [body], "AADSTS7000215"],
    ["an error response with a single code", ['{"error_codes":"7000215"}'], "AADSTS7000215"]
  ]
  it.effect.each(texts)("explains %s", ([, args, code]) =>
    Effect.gen(function* () {
      const ran = yield* effectEntra(["explain", ...args])
      assert.isTrue(ran.succeeded)
      assert.include(ran.result, code)
      assert.include(ran.result, "what to do")
    })
  )

  it.effect("prints JSON for machines", () =>
    Effect.gen(function* () {
      const ran = yield* effectEntra(["explain", "--json", "AADSTS50076"])
      assert.strictEqual(JSON.parse(ran.result)[0].code, "AADSTS50076")
    })
  )

  it.effect.each([["AADSTS1234567"], ["what is this \u202e\u001b[31m"]])("fails clearly for %s", ([text]) =>
    Effect.gen(function* () {
      const ran = yield* effectEntra(["explain", text ?? ""])
      assert.isFalse(ran.succeeded)
      assert.match(ran.note, /No (entry|error code)/)
      assert.strictEqual(ran.note.replace(/[\p{Cc}\u202e]/gu, ""), ran.note.trimEnd())
    })
  )
})

describe("effect-entra emulator", () => {
  it.scopedLive("serves until it is interrupted, and prints the environment for a client", () =>
    Effect.gen(function* () {
      const { layer, written } = recorded(false)
      const fiber = yield* run(["node", "effect-entra", "emulator"]).pipe(
        Effect.provide(Layer.merge(NodeContext.layer, layer)),
        Effect.fork
      )
      while (!written.result.includes("AZURE_CLIENT_SECRET")) yield* Effect.sleep("10 millis")
      const origin = /AZURE_AUTHORITY_HOST=(\S+)/.exec(written.result)?.[1] ?? ""
      const ran = yield* effectEntra(["token", "--scope", defaults.apiScope], { environment: environmentOf(origin) })
      assert.isTrue(ran.succeeded)
      yield* Fiber.interrupt(fiber)
      const after = yield* Effect.promise(() => fetch(origin).then(String, () => "closed"))
      assert.strictEqual(after, "closed")
    })
  )

  it.effect("refuses a port that is none", () =>
    Effect.gen(function* () {
      assert.isFalse((yield* effectEntra(["emulator", "--port", "99999"])).succeeded)
    })
  )

  it.scopedLive("says so when the port is taken", () =>
    Effect.gen(function* () {
      const { origin } = yield* EntraEmulatorNode.Address
      const ran = yield* effectEntra(["emulator", "--port", new URL(origin).port])
      assert.isFalse(ran.succeeded)
      assert.include(ran.note, "another program listens there")
    }).pipe(Effect.provide(EntraEmulatorNode.layer()))
  )
})

describe("effect-entra doctor", () => {
  /** Nothing of this machine's own is found: neither its environment nor its tools. */
  const doctor = (environment: Readonly<Record<string, string>>, ...args: ReadonlyArray<string>) =>
    Effect.acquireUseRelease(
      Effect.sync(() => process.env.PATH),
      () => {
        process.env.PATH = "/nowhere"
        return effectEntra(["doctor", ...args], {
          environment: environment
        })
      },
      (path) =>
        Effect.sync(() => {
          process.env.PATH = path
        })
    )

  it.live("tells of every step what became of it, and what to fix first; its exit code tells too", () =>
    Effect.gen(function* () {
      const ran = yield* doctor({ AZURE_TENANT_ID: "contoso", MSI_SECRET: "a-secret" })
      assert.isFalse(ran.succeeded)
      for (const step of [
        "environment          CredentialUnavailable (",
        "workload identity    CredentialUnavailable (",
        "managed identity     ConfigurationError (",
        "Azure CLI            CredentialUnavailable (",
        "Azure PowerShell     CredentialUnavailable (",
        "Azure Developer CLI  CredentialUnavailable ("
      ])
        assert.include(ran.result, step)
      assert.include(ran.result, "First to fix: managed identity. Set it as the platform does")
      assert.notInclude(ran.result, "a-secret")
    })
  )

  it.scopedLive("tells where the chain takes its tokens from", () =>
    Effect.gen(function* () {
      const { origin } = yield* EntraEmulatorNode.Address
      const half = { MSI_SECRET: "half of an environment" }
      const ran = yield* doctor({ ...environmentOf(origin), ...half }, "--scope", defaults.apiScope)
      assert.isTrue(ran.succeeded)
      assert.match(
        ran.result,
        /^environment {10}token \(\d+ ms\)\n {2}found {14}AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET\n {2}expires/
      )
      assert.include(ran.result, "The chain takes its tokens from: environment")
      assert.notInclude(ran.result, Redacted.value(defaults.clientSecret))
      assert.notInclude(ran.result, "eyJ")
    }).pipe(Effect.provide(EntraEmulatorNode.layer()))
  )

  it.scopedLive("names the step at which the chain ends, whatever the later ones have", () =>
    Effect.gen(function* () {
      const { origin } = yield* EntraEmulatorNode.Address
      const emulator = yield* EntraEmulator.EntraEmulator
      const ran = yield* doctor(
        {
          ...environmentOf(origin),
          ...emulator.managedIdentityEnvironment("appService", origin),
          AZURE_CLIENT_SECRET: "wrong"
        },
        "--scope",
        defaults.apiScope,
        "--json"
      )
      assert.isFalse(ran.succeeded)
      const { steps, verdict } = JSON.parse(ran.result)
      assert.strictEqual(steps[0].result, "InvalidClient")
      assert.strictEqual(steps[2].found, "appService")
      assert.include(verdict, "First to fix: environment.")
    }).pipe(Effect.provide(EntraEmulatorNode.layer()))
  )

  it.live("refuses a selection that it does not know", () =>
    Effect.gen(function* () {
      const ran = yield* doctor({ AZURE_TOKEN_CREDENTIALS: "everything" })
      assert.isFalse(ran.succeeded)
      assert.include(ran.note, "AZURE_TOKEN_CREDENTIALS")
    })
  )
})
