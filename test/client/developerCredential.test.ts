import { assert, describe, it } from "@effect/vitest"
import { Cause, Duration, Effect, Either, Exit, FastCheck as fc, Redacted } from "effect"
import { azureCliTool } from "../../src/client/azureCli.js"
import { azureDeveloperCliTool } from "../../src/client/azureDeveloperCli.js"
import { azurePowerShellTool } from "../../src/client/azurePowerShell.js"
import * as DeveloperCredential from "../../src/client/DeveloperCredential.js"
import {
  argumentScopes,
  parseSubscription,
  resourceScope,
  settle,
  targetWith
} from "../../src/client/developerTarget.js"
import type { ConfigurationError, ExchangeError } from "../../src/core/TokenError.js"
import type { TokenProvider } from "../../src/core/TokenProvider.js"
import { makeTools, scope, surroundings, type Tools } from "./developerCredentialTools.js"

const soon = Math.floor(Date.now() / 1000) + 3600
const answers = {
  az: JSON.stringify({
    accessToken: "cli.a.b",
    expiresOn: "2096-10-02 07:06:40.000000",
    expires_on: soon,
    subscription: "s",
    tenant: "t",
    tokenType: "Bearer"
  }),
  azd: JSON.stringify({ token: "azd.a.b", expiresOn: new Date(soon * 1000).toISOString() }),
  pwsh: JSON.stringify({ token: "pwsh.a.b", expiresOn: soon })
}

type Make = Effect.Effect<TokenProvider<ExchangeError>, ConfigurationError, DeveloperCredential.Requirements>

const makers: ReadonlyArray<readonly [keyof typeof answers, (options?: DeveloperCredential.Options) => Make]> = [
  ["az", DeveloperCredential.azureCli],
  ["azd", DeveloperCredential.azureDeveloperCli],
  ["pwsh", DeveloperCredential.azurePowerShell]
]

const installed = Effect.tap(makeTools, (tools) =>
  Effect.sync(() => {
    for (const [name, stdout] of Object.entries(answers)) tools.replies(name, { stdout })
  })
)

const withTools = <A, E>(
  use: (tools: Tools) => Effect.Effect<A, E, DeveloperCredential.Requirements>
): Effect.Effect<A, E | ConfigurationError> =>
  Effect.scoped(Effect.flatMap(installed, (tools) => Effect.provide(use(tools), surroundings(tools))))

/** The script that a PowerShell was started with. */
const scriptOf = (args: ReadonlyArray<string>): string => Buffer.from(args.at(-1) ?? "", "base64").toString("utf16le")

const expected = (error: { readonly _tag: string }) =>
  error._tag === "ConfigurationError" && "parameter" in error ? error.parameter : error

describe("a developer's tool", () => {
  it.live.each(makers)("%s gives a token, and is started once for all who ask", ([name, make]) =>
    withTools((tools) =>
      Effect.gen(function* () {
        const { getToken } = (yield* make()).forScopes(scope)
        const [token] = yield* Effect.all([getToken(), getToken(), getToken()], { concurrency: "unbounded" })
        assert.include(Redacted.value(token.accessToken), ".a.b")
        assert.strictEqual(token.expiresAtMillis, soon * 1000)
        assert.strictEqual(token.tokenType, "Bearer")
        assert.deepStrictEqual(token.scopes, [scope])
        assert.strictEqual((yield* getToken()).source, "cache")
        assert.strictEqual(tools.starts(name), 1)
      })
    )
  )

  it.live.each(makers)(
    "%s is started again for another resource, another tenant and a token that was refused",
    ([name, make]) =>
      withTools((tools) =>
        Effect.gen(function* () {
          const provider = yield* make({ additionallyAllowedTenants: ["other.example"] })
          const token = yield* provider.forScopes(scope).getToken()
          yield* provider.forScopes("api://x/.default").getToken()
          yield* provider.forScopes(scope, { tenantId: "other.example" }).getToken()
          assert.strictEqual(tools.starts(name), 3)
          const failure = yield* Effect.flip(provider.forScopes(scope).getToken({ rejected: token }))
          assert.strictEqual(failure._tag, "RequestRejected", "it has the same token again")
          assert.strictEqual(tools.starts(name), 4)
          yield* Effect.flip(provider.forScopes(scope).getToken())
          assert.strictEqual(tools.starts(name), 4, "and is not started for it each time")
        })
      )
  )

  it.live.each(makers)("%s is ended when its time is up, and asked again by the next call", ([name, make]) =>
    withTools((tools) =>
      Effect.gen(function* () {
        tools.replies(name, { first: "sleep 600" })
        const { getToken } = (yield* make({ timeout: "300 millis" })).forScopes(scope)
        const [duration, error] = yield* Effect.timed(Effect.flip(getToken()))
        assert.isBelow(Duration.toMillis(duration), 10_000)
        assert.include(error.message, "it gave no answer within 300ms. Run ")
        assert.isTrue(error.isRetryable)
        yield* Effect.exit(getToken())
        assert.strictEqual(tools.starts(name), 2)
      })
    )
  )

  it.live.each(makers)("%s asks for another tenant only where that is allowed", ([, make]) =>
    withTools(() =>
      Effect.gen(function* () {
        const asking = (options: DeveloperCredential.Options, tenantId: string) =>
          Effect.flatMap(make(options), (provider) => provider.forScopes(scope, { tenantId }).getToken())
        for (const [options, tenantId] of [
          [{}, "a.example"],
          [{ tenantId: "a.example" }, "b.example"],
          [{ tenantId: "a.example", additionallyAllowedTenants: ["c.example"] }, "b.example"],
          [{ additionallyAllowedTenants: "any" as const }, "--debug"]
        ] as const)
          assert.strictEqual(expected(yield* Effect.flip(asking(options, tenantId))), "tenantId")
        yield* asking({ tenantId: "a.example" }, "A.example")
        yield* asking({ tenantId: "a.example", additionallyAllowedTenants: ["B.example"] }, "b.example")
        yield* asking({ additionallyAllowedTenants: "any" }, "b.example")
      })
    )
  )

  it.live.each(makers)("%s refuses what can't be an argument before it is started", ([name, make]) =>
    withTools((tools) =>
      Effect.gen(function* () {
        const ask = (scopes: string | ReadonlyArray<string>) =>
          Effect.flatMap(make(), (provider) => provider.forScopes(scopes).getToken())
        const scopes = [
          "-x/.default",
          "a b",
          "a'b/.default",
          "a;b/.default",
          "a%PATH%/.default",
          "$(id)/.default",
          "a\n/.default"
        ]
        for (const each of [...scopes, "", []])
          assert.strictEqual(expected(yield* Effect.flip(ask(each))), "scopes", JSON.stringify(each))
        for (const tenantId of ["-x", "a b", "a;b", "", "a\n", "ä"]) {
          assert.strictEqual(expected(yield* Effect.flip(make({ tenantId }))), "tenantId")
          const additionallyAllowedTenants = ["a.example", tenantId]
          assert.strictEqual(
            expected(yield* Effect.flip(make({ additionallyAllowedTenants }))),
            "additionallyAllowedTenants"
          )
        }
        for (const timeout of [0, "Infinity", -1] as const)
          assert.strictEqual(
            expected(yield* Effect.flip(make({ timeout: timeout === "Infinity" ? Duration.infinity : timeout }))),
            "timeout"
          )
        assert.strictEqual(tools.starts(name), 0)
      })
    )
  )

  it.live("is ended with the scope of its credential", () =>
    withTools((tools) =>
      Effect.gen(function* () {
        tools.replies("az", { first: `echo $$ > '${tools.folder}/pid'; sleep 600` })
        const exit = yield* Effect.scoped(
          Effect.gen(function* () {
            const { getToken } = (yield* DeveloperCredential.azureCli()).forScopes(scope)
            const fiber = yield* Effect.forkDaemon(getToken())
            while (tools.read("pid") === "") yield* Effect.sleep("5 millis")
            return fiber
          })
        ).pipe(Effect.flatMap((fiber) => fiber.await))
        assert.isTrue(Exit.isFailure(exit) && Cause.isFailure(exit.cause))
        assert.throws(() => process.kill(Number(tools.read("pid")), 0))
      })
    )
  )
})

describe("Azure CLI", () => {
  const asked = (options: DeveloperCredential.AzureCliOptions, tools: Tools) =>
    Effect.gen(function* () {
      yield* (yield* DeveloperCredential.azureCli(options)).forScopes(scope).getToken()
      return tools.args("az").join(" ")
    })

  it.live("is asked for a resource, in a tenant or a subscription", () =>
    withTools((tools) =>
      Effect.gen(function* () {
        const common = "account get-access-token --output json --resource https://vault.azure.net"
        assert.strictEqual(yield* asked({}, tools), common)
        assert.strictEqual(yield* asked({ tenantId: "a.example" }, tools), `${common} --tenant a.example`)
        const subscription = "Pay-As-You-Go 1.0_x"
        assert.strictEqual(yield* asked({ subscription }, tools), `${common} --subscription ${subscription}`)
        assert.strictEqual(tools.args("az").at(-1), subscription)
      })
    )
  )

  it.live("is not asked for the same token by another subscription", () =>
    withTools((tools) =>
      Effect.gen(function* () {
        for (const subscription of ["one", "two", "one"]) yield* asked({ subscription }, tools)
        assert.strictEqual(tools.starts("az"), 2)
      })
    )
  )

  it.live("takes a subscription that can be an argument, and then no tenant", () =>
    withTools(() =>
      Effect.gen(function* () {
        const refused = (options: DeveloperCredential.AzureCliOptions) =>
          Effect.map(Effect.flip(DeveloperCredential.azureCli(options)), expected)
        for (const subscription of ["-x", "a&b", "a'b", '"a"', "", " a", "a\n", "%PATH%", "x".repeat(200)])
          assert.strictEqual(yield* refused({ subscription }), "subscription")
        assert.strictEqual(yield* refused({ subscription: "one", tenantId: "a.example" }), "subscription")
        assert.strictEqual(yield* refused({ subscription: "one", additionallyAllowedTenants: "any" }), "subscription")
        yield* DeveloperCredential.azureCli({ subscription: "one", additionallyAllowedTenants: [] })
      })
    )
  )

  it.live("keeps the slash at the end of a resource, and takes no single permission", () =>
    withTools((tools) =>
      Effect.gen(function* () {
        const provider = yield* DeveloperCredential.azureCli()
        yield* provider.forScopes("https://management.core.windows.net//.default").getToken()
        assert.strictEqual(tools.args("az").at(-1), "https://management.core.windows.net/")
        for (const scopes of ["https://graph.microsoft.com/User.Read", "/.default", ["api://a/.default", "api://a/x"]])
          assert.strictEqual(expected(yield* Effect.flip(provider.forScopes(scopes).getToken())), "scopes")
      })
    )
  )
})

describe("Azure Developer CLI", () => {
  it.live("is asked for scopes, in a tenant, with the claims that are demanded", () =>
    withTools((tools) =>
      Effect.gen(function* () {
        const scopes = ["https://graph.microsoft.com/User.Read", "https://graph.microsoft.com/Mail.Read"]
        const { getToken } = (yield* DeveloperCredential.azureDeveloperCli({ tenantId: "a.example" })).forScopes(scopes)
        yield* getToken()
        const common = `auth token --output json --no-prompt --scope ${scopes[0]} --scope ${scopes[1]} --tenant-id a.example`
        assert.strictEqual(tools.args("azd").join(" "), common)
        yield* getToken({ claims: '{"access_token":{}}' })
        assert.strictEqual(tools.args("azd").join(" "), `${common} --claims eyJhY2Nlc3NfdG9rZW4iOnt9fQ==`)
      })
    )
  )
})

describe("Azure PowerShell", () => {
  it.live("is asked by a script that no profile and no prompt is part of", () =>
    withTools((tools) =>
      Effect.gen(function* () {
        yield* (yield* DeveloperCredential.azurePowerShell()).forScopes(scope).getToken()
        const args = tools.args("pwsh")
        assert.deepStrictEqual(args.slice(0, -1), ["-NoProfile", "-NonInteractive", "-EncodedCommand"])
        assert.include(scriptOf(args), "ResourceUrl = 'https://vault.azure.net'")
        assert.include(scriptOf(args), "if ('')")
        yield* (yield* DeveloperCredential.azurePowerShell({ tenantId: "A.example" })).forScopes(scope).getToken()
        assert.include(scriptOf(tools.args("pwsh")), "if ('a.example') { $asked.TenantId = 'a.example' }")
      })
    )
  )
})

describe("whatever is accepted", () => {
  const settled = Either.getOrThrow(settle({ additionallyAllowedTenants: "any" }))
  const printable = fc.string({ minLength: 1, maxLength: 40 })
  const likely = fc.stringMatching(/^[A-Za-z0-9 ._:/-]{1,40}$/)
  const texts = fc.oneof(printable, likely)
  /** Nothing that a shell of Windows or a POSIX system reads as anything but itself. */
  const harmless = /^[A-Za-z0-9._:/+= -]+$/

  it("is harmless as an argument, and is taken for no option", () =>
    fc.assert(
      fc.property(texts, texts, texts, (one, tenantId, name) => {
        const subscription = Either.getOrUndefined(parseSubscription(name))
        for (const [tool, parse] of [
          [azureCliTool(subscription), resourceScope],
          [azureDeveloperCliTool, argumentScopes],
          [azurePowerShellTool, resourceScope]
        ] as const) {
          const scopes = parse === resourceScope ? `${one}/.default` : one
          const target = targetWith(settled, parse)(scopes, { tenantId })
          if (Either.isLeft(target)) continue
          const args = tool.args({ target: target.right, claims: undefined })
          for (const each of args) assert.match(each, harmless)
          const options = new Set([
            "--output",
            "--no-prompt",
            "--resource",
            "--scope",
            "--tenant",
            "--tenant-id",
            "--subscription"
          ])
          for (const each of args.filter((arg) => arg.startsWith("-") && !/^-[A-Z]/.test(arg)))
            assert.isTrue(options.has(each))
        }
      })
    ))

  it("fits into the command line of Windows", () => {
    const tenantId = "t".repeat(253)
    const long = `https://${"r".repeat(480)}`
    const many = Array.from({ length: 8 }, (_, index) => `${long}/s${index}`)
    for (const [tool, scopes, claims] of [
      [azureCliTool("s".repeat(128)), [`${long}/.default`], undefined],
      [azureDeveloperCliTool, many, undefined],
      [azureDeveloperCliTool, many.slice(0, 1), "c".repeat(4096)],
      [azurePowerShellTool, [`${long}/.default`], undefined]
    ] as const)
      assert.isBelow(tool.args({ target: { scopes, tenantId }, claims }).join(" ").length, 8000)
  })
})
