import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Metric, Option } from "effect"
import * as DeveloperCredential from "../../src/client/DeveloperCredential.js"
import { heard, outputs } from "../support/secrecy.js"
import { makeTools, type Reply, scope, surroundings } from "./developerCredentialTools.js"

const token = `eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.${"c".repeat(400)}.${"s".repeat(86)}`
const user = "ada.lovelace@contoso.example"
const tenant = "Contoso Confidential Ltd"
const secrets = [token, token.slice(-40), "eyJ0eXAi", user, "lovelace", tenant, "Contoso"]

const printed = (member: string) =>
  JSON.stringify({ [member]: token, expiresOn: "soon", user, tenant, message: `${user} of ${tenant}` })
const complaint = `ERROR: AADSTS50020: User account '${user}' does not exist in tenant '${tenant}': ${token}\n`

const replies: ReadonlyArray<readonly [string, (member: string) => Reply]> = [
  ["fails", (member) => ({ stdout: printed(member), stderr: complaint, code: 1 })],
  [
    "fails without a code that is known",
    (member) => ({ stdout: printed(member), stderr: `${token} ${user} ${tenant}`, code: 9 })
  ],
  ["tells no expiry", (member) => ({ stdout: printed(member), stderr: complaint.replace("AADSTS50020", "") })],
  ["prints no JSON", () => ({ stdout: `${token} ${user} ${tenant}` })],
  ["prints half of its JSON", (member) => ({ stdout: printed(member).slice(0, -1) })],
  ["never ends its answer", () => ({ first: `while :; do echo '${token} ${user} ${tenant}'; done` })],
  ["never ends its complaint", () => ({ first: `while :; do echo '${token} ${user} ${tenant}' >&2; done` })],
  ["hangs after its answer", () => ({ first: `echo '${token} ${user} ${tenant}'; sleep 600` })],
  [
    "succeeds",
    (member) => ({ stdout: JSON.stringify({ [member]: token, expiresOn: "2096-10-02T07:06:40Z", expires_on: 4e9 }) })
  ]
]

for (const [program, member, make] of [
  ["az", "accessToken", DeveloperCredential.azureCli],
  ["azd", "token", DeveloperCredential.azureDeveloperCli],
  ["pwsh", "token", DeveloperCredential.azurePowerShell]
] as const)
  describe(`neither token nor names are printed when ${program}`, () => {
    it.scopedLive.each(replies)("%s", ([what, reply]) =>
      Effect.gen(function* () {
        const tools = yield* makeTools
        tools.replies(program, reply(member))
        const timeout = what.startsWith("hangs") ? "500 millis" : undefined
        const asked = Effect.flatMap(make({ timeout }), (provider) => provider.forScopes(scope).getToken())
        const { logs, spans, value: exit } = yield* heard(Effect.exit(asked)).pipe(Effect.provide(surroundings(tools)))
        const told = [...logs, ...spans]
        assert.strictEqual(Exit.isSuccess(exit), what === "succeeds")
        assert.isNotEmpty(told)
        const error = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.failureOption(exit.cause)) : undefined
        const causes = Exit.isFailure(exit)
          ? [Cause.pretty(exit.cause, { renderErrorCause: true }), `${exit.cause}`]
          : []
        const metrics = yield* Metric.snapshot
        const text = [exit, error, error?.message, metrics].flatMap(outputs).concat(told, causes).join("\n")
        if (what !== "succeeds") assert.include(text, "CredentialUnavailable")
        for (const secret of secrets) assert.notInclude(text, secret)
      })
    )
  })
