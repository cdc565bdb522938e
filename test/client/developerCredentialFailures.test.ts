import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { azureCliTool } from "../../src/client/azureCli.js"
import { azureDeveloperCliTool } from "../../src/client/azureDeveloperCli.js"
import { azurePowerShellTool } from "../../src/client/azurePowerShell.js"
import { diagnose } from "../../src/client/developerFailure.js"
import type { DeveloperTool } from "../../src/client/developerTool.js"
import { type Asked, ask, makeTools, type Reply, scope, workshopOf } from "./developerCredentialTools.js"

const azureCli = azureCliTool(undefined)
const tenantId = "5a7e6c1b-0000-4000-8000-000000000001"
const claims = '{"access_token":{"acrs":{"essential":true,"value":"c1 é"}}}'
const encodedClaims = "eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoiYzEgw6kifX19"

/** A name for people, the tool's program, what it does, and what comes of it. */
type Case = readonly [what: string, tool: DeveloperTool, reply: Reply, reason: string, remedy: string, asked?: Asked]

const cliError = (stderr: string): Reply => ({ stderr: `ERROR: ${stderr}\n`, code: 1 })
const powerShellError = (message: string): Reply => ({
  stderr: `System.Management.Automation.PSInvalidOperationException: ${message}\n   at Microsoft.Azure.Commands.Profile\n`,
  code: 1
})
/** As azd writes while it is asked for JSON: messages and an error, each on a line. */
const azdMessage = (message: string): Reply => ({
  stdout: `${JSON.stringify({ type: "consoleMessage", timestamp: "2026-04-13T17:43:24Z", data: { message: `\nERROR: ${message}\n` } })}\n`,
  code: 1
})

const signIn = `Run \`az login --scope ${scope}\`.`
const signInToTenant = `Check the tenant's name; if it is right, run \`az login --tenant ${tenantId} --scope ${scope}\`.`
const azdSignIn = `Run \`azd auth login --scope ${scope}\`.`
const connect = "Run `Connect-AzAccount -AuthScope https://vault.azure.net`."
const again = (codes: string) => `its user has to sign in again, or to take part${codes}`
const stranger = (codes: string) => `its user is not of the tenant, or there is no such tenant${codes}`
const unheard = "it does not know the subscription, or has none"
const findIt = `Look for it in \`az account list\`; if it is not there, run \`az login --scope ${scope}\`.`
const look = (check: string) => `Run \`${check}\` in a terminal to see what is wrong with it.`
const nobody = "nobody is signed in to it"

const mfa =
  "AADSTS50076: Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '00000003'. Trace ID: 1 Correlation ID: 2 Timestamp: 2026-01-01 00:00:00Z"

const cases: ReadonlyArray<Case> = [
  ["nobody signed in", azureCli, cliError("Please run 'az login' to setup account."), nobody, signIn],
  [
    "a user who is gone",
    azureCli,
    cliError("User 'ada@contoso.example' does not exist in MSAL token cache. Run `az login`."),
    nobody,
    signIn
  ],
  [
    "a second factor",
    azureCli,
    cliError(`${mfa}\nInteractive authentication is needed. Please run:\naz login --scope ${scope}`),
    again(" (AADSTS50076)"),
    signIn
  ],
  [
    "a session that has ended",
    azureCli,
    cliError("AADSTS700082: The refresh token has expired due to inactivity. AADSTS700082 AADSTS50173: More"),
    again(" (AADSTS700082, AADSTS50173)"),
    signIn
  ],
  [
    "an interaction without a code",
    azureCli,
    cliError("broker said no\nInteractive authentication is needed. Please run:\naz login"),
    again(""),
    signIn
  ],
  [
    "a tenant that does not exist",
    azureCli,
    cliError("AADSTS90002: Tenant 'x' not found. Check to make sure you have the correct tenant ID."),
    stranger(" (AADSTS90002)"),
    signInToTenant,
    { tenantId }
  ],
  [
    "a user of another tenant",
    azureCli,
    cliError("AADSTS50020: User account 'ada' from identity provider 'live.com' does not exist in tenant 'Contoso'"),
    stranger(" (AADSTS50020)"),
    signInToTenant,
    { tenantId }
  ],
  [
    "a tenant for a machine's identity",
    azureCli,
    cliError("Tenant shouldn't be specified for managed identity account"),
    stranger(""),
    signInToTenant,
    { tenantId }
  ],
  [
    "a resource that Entra does not know",
    azureCli,
    cliError("AADSTS500011: The resource principal named https://x was not found in the tenant named Contoso."),
    "Microsoft Entra gives it no token for the scope (AADSTS500011)",
    "Check the scope; https://login.microsoftonline.com/error explains the code."
  ],
  [
    "a subscription that it does not know",
    azureCli,
    cliError("Subscription 'Pay As You Go' not found. Check the spelling and casing and try again."),
    unheard,
    findIt
  ],
  [
    "no subscription",
    azureCli,
    cliError("No subscription found. Run 'az account set' to select a subscription."),
    unheard,
    findIt
  ],
  [
    "a shell that finds no program",
    azureCli,
    { stderr: "/bin/sh: 1: az: not found\n", code: 1 },
    "it is not installed, or not on the PATH",
    `Install it (https://aka.ms/azure-cli), then run \`az login --scope ${scope}\`.`
  ],
  [
    "an exit code of a shell that finds no program",
    azureCli,
    { code: 127 },
    "it is not installed, or not on the PATH",
    `Install it (https://aka.ms/azure-cli), then run \`az login --scope ${scope}\`.`
  ],
  [
    "any other exit code",
    azureCli,
    cliError("HTTPSConnectionPool"),
    "it ended with exit code 1",
    look("az account show")
  ],
  ["a signal", azureCli, { first: "kill -9 $$" }, "it was ended by a signal", look("az account show")],
  ["no JSON", azureCli, { stdout: "Hello" }, "its answer is not JSON", look("az account show")],
  ["JSON without a token", azureCli, { stdout: "{}" }, "its answer holds no token", look("az account show")],
  [
    "a token without an expiry",
    azureCli,
    { stdout: '{"accessToken":"a.b.c"}' },
    "its answer does not say when the token expires",
    look("az account show")
  ],
  [
    "a token, and a failure after it",
    azureCli,
    { stdout: '{"accessToken":"a.b.c","expires_on":4000000000}', code: 2 },
    "it ended with exit code 2",
    look("az account show")
  ],
  [
    "an endless answer",
    azureCli,
    { first: "head -c 2000000 /dev/zero" },
    "it printed more than any token takes, and was ended",
    look("az account show")
  ],
  [
    "no answer",
    azureCli,
    { first: "sleep 600" },
    "it gave no answer within 300ms",
    "Run `az account show` in a terminal to see what it waits for, or give it a longer timeout.",
    { timeout: "300 millis" }
  ],
  [
    "claims that are demanded",
    azureCli,
    {},
    "it can't satisfy the claims that a resource demands by itself",
    `Run \`az login --claims-challenge ${encodedClaims} --tenant ${tenantId} --scope ${scope}\`.`,
    { claims, tenantId }
  ],

  [
    "nobody signed in",
    azureDeveloperCliTool,
    azdMessage("fetching token: not logged in, run `azd auth login` to login"),
    nobody,
    azdSignIn
  ],
  [
    "nobody signed in, of old",
    azureDeveloperCliTool,
    cliError("not logged in, run `azd login` to login"),
    nobody,
    azdSignIn
  ],
  [
    "a session that has ended",
    azureDeveloperCliTool,
    azdMessage(
      "fetching token: AADSTS70043: The refresh token has expired\nSuggestion: login expired, run `azd auth login`"
    ),
    again(" (AADSTS70043)"),
    azdSignIn
  ],
  [
    "a sign-in that is due",
    azureDeveloperCliTool,
    azdMessage("reauthentication required, run `azd auth login --scope x` to acquire a new token."),
    again(""),
    azdSignIn
  ],
  [
    "a tenant that does not exist",
    azureDeveloperCliTool,
    {
      stdout: `{"type":"consoleMessage","data":{"message":"\\n"}}\n{"error":"fetching token: failed to authenticate:\\n(invalid_tenant) AADSTS90002: Tenant 'test' not found.","suggestion":"Run 'azd auth login' to sign in again."}\n`,
      code: 1
    },
    stranger(" (AADSTS90002)"),
    `Check the tenant's name; if it is right, run \`azd auth login --tenant-id ${tenantId} --scope ${scope}\`.`,
    { tenantId }
  ],
  [
    "claims that it can't satisfy",
    azureDeveloperCliTool,
    azdMessage(`fetching token: ${mfa}`),
    again(" (AADSTS50076)"),
    azdSignIn,
    { claims }
  ],
  [
    "claims that it does not know of",
    azureDeveloperCliTool,
    cliError("unknown flag: --claims"),
    "this version of it can't be told what claims a resource demands",
    `Update it (https://aka.ms/azure-dev), then run \`azd auth login --scope ${scope}\`.`,
    { claims }
  ],
  [
    "claims that are no argument any more",
    azureDeveloperCliTool,
    {},
    "it can't satisfy the claims that a resource demands by itself",
    azdSignIn,
    { claims: `"${"x".repeat(4000)}"` }
  ],
  [
    "any other exit code",
    azureDeveloperCliTool,
    { code: 1 },
    "it ended with exit code 1",
    look("azd auth login --check-status")
  ],

  ["nobody signed in", azurePowerShellTool, powerShellError("Run Connect-AzAccount to login."), nobody, connect],
  [
    "no module",
    azurePowerShellTool,
    { stderr: "NoAzAccounts\n", code: 1 },
    "its module Az.Accounts, 2.2.0 or later, is not installed",
    "Run `Install-Module -Name Az.Accounts -Scope CurrentUser`, then run `Connect-AzAccount -AuthScope https://vault.azure.net`."
  ],
  [
    "a second factor",
    azurePowerShellTool,
    powerShellError("Authentication failed against tenant x. User interaction is required. ... (MFA)"),
    again(""),
    connect
  ],
  [
    "a second factor with its code",
    azurePowerShellTool,
    powerShellError(`InteractiveBrowserCredential ---> ${mfa}`),
    again(" (AADSTS50076)"),
    connect
  ],
  [
    "claims that are demanded",
    azurePowerShellTool,
    {},
    "it can't satisfy the claims that a resource demands by itself",
    `Run \`Connect-AzAccount -Tenant ${tenantId} -ClaimsChallenge ${encodedClaims}\`.`,
    { claims, tenantId }
  ],
  ["any other exit code", azurePowerShellTool, { code: 64 }, "it ended with exit code 64", look("Get-AzContext")]
]

const programOf = (tool: DeveloperTool): string => tool.programs(false).join()

for (const tool of [azureCli, azureDeveloperCliTool, azurePowerShellTool])
  describe(`${tool.name} that gives no token`, () => {
    it.scopedLive.each(cases.filter(([, each]) => each === tool).map(([what, ...rest]) => [what, rest] as const))(
      "tells what to do about %s",
      ([, [, reply, reason, remedy, asked]]) =>
        Effect.gen(function* () {
          const tools = yield* makeTools
          tools.replies(programOf(tool), reply)
          const error = yield* Effect.flip(ask(yield* workshopOf(tools), tool, asked))
          assert.deepInclude({ ...error }, { _tag: "CredentialUnavailable", credential: tool.name, reason, remedy })
          assert.strictEqual(error.isRetryable, asked?.timeout !== undefined)
        })
    )

    it.scopedLive("tells where to get it when it is not there", () =>
      Effect.gen(function* () {
        const tools = yield* makeTools
        const error = yield* Effect.flip(ask(yield* workshopOf(tools, { path: tools.folder }), tool))
        assert.strictEqual(error.reason, "it is not installed, or not on the PATH")
        assert.include(error.remedy ?? "", tool.install)
        assert.isUndefined(error.cause)
      })
    )

    it.scopedLive("tells that it can't be started", () =>
      Effect.gen(function* () {
        const tools = yield* makeTools
        tools.replies(programOf(tool), {})
        const error = yield* Effect.flip(ask(yield* workshopOf(tools, { systemFolder: "/nowhere" }), tool))
        assert.strictEqual(error.reason, "it can't be started (NotFound)")
      })
    )

    it.scopedLive("keeps what it complained of, redacted, without tokens and control characters, 2 kB of it", () =>
      Effect.gen(function* () {
        const tools = yield* makeTools
        const token = `eyJ0eXAiOiJKV1Qi${"x".repeat(3000)}.${"y".repeat(60)}`
        tools.replies(programOf(tool), {
          stderr: `\u001b[31mHello ${token}${" word".repeat(1000)}`,
          stdout: "said",
          code: 1
        })
        const { cause } = yield* Effect.flip(ask(yield* workshopOf(tools), tool))
        const kept = `${cause === undefined ? "" : Redacted.value(cause)}`
        assert.match(kept, /^ \[31mHello \.\.\.\.\.\.\. word word/)
        assert.isAtMost(kept.length, 2048)
        assert.notInclude(kept, "said")
      })
    )
  })

describe("Azure PowerShell on Windows", () => {
  /** As cmd.exe says that a program is not there. */
  const absent = (name: string) => `echo "'${name}' is not recognized as an internal or external command," >&2; exit 1`

  it.scopedLive("is asked by Windows PowerShell where PowerShell 7 is not installed", () =>
    Effect.gen(function* () {
      const tools = yield* makeTools
      tools.replies("powershell", { stdout: '{"token":"a.b.c","expiresOn":4000000000}' })
      tools.install("cmd.exe", ['shift 2; case "$1" in pwsh)', absent("pwsh"), ";; esac", 'exec "$@"'])
      const { access_token } = yield* ask(yield* workshopOf(tools, { isWindows: true }), azurePowerShellTool)
      assert.strictEqual(Redacted.value(access_token), "a.b.c")
    })
  )

  it.scopedLive("is not installed where neither is", () =>
    Effect.gen(function* () {
      const tools = yield* makeTools
      tools.install("cmd.exe", [
        'shift 2; case "$1" in pwsh)',
        absent("pwsh"),
        ";; *)",
        absent("powershell"),
        ";; esac"
      ])
      const error = yield* Effect.flip(ask(yield* workshopOf(tools, { isWindows: true }), azurePowerShellTool))
      assert.strictEqual(error.reason, "it is not installed, or not on the PATH")
    })
  )

  it("is known not to be there by the shell's exit code in every language", () => {
    const ended = { _tag: "Ended", code: 9009, stdout: "", stderr: "Der Befehl ist falsch geschrieben." } as const
    assert.strictEqual(diagnose(azurePowerShellTool.signs, ended, undefined).kind, "notInstalled")
  })
})
