import { epochSecondsOf } from "../protocol/expiry.js"
import type { Printed } from "./developerAnswer.js"
import type { Sign } from "./developerFailure.js"
import { resourceOf } from "./developerTarget.js"
import type { DeveloperTool } from "./developerTool.js"

const localTime = /^(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2}):(\d{2})(?:\.\d{1,9})?$/

/**
 * Epoch seconds of `2024-01-31 10:20:30.000000`, which is of this machine's time zone. Of an hour that its clocks go through
 * twice the first counts, so that no token is believed in for too long.
 *
 * @internal
 */
export const localSecondsOf = (text: unknown): number | undefined => {
  const parts = typeof text === "string" ? localTime.exec(text)?.slice(1).map(Number) : undefined
  if (parts === undefined) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
  const date = new Date(year, month - 1, day, hour, minute, second)
  const isReal =
    date.getFullYear() === year && date.getMonth() === month - 1 && date.getDate() === day && minute < 60 && second < 60
  return isReal ? epochSecondsOf(date.getTime() / 1000) : undefined
}

/** `expires_on` is there since Azure CLI 2.54. */
const expiresOn = (printed: Printed): number | undefined =>
  epochSecondsOf(printed.expires_on) ?? localSecondsOf(printed.expiresOn)

/** What Azure CLI says, by its own sources and documents. */
const signs: ReadonlyArray<Sign> = [
  // cmd.exe: "'az' is not recognized as an internal or external command,"
  // sh: "az: not found", bash: "az: command not found"
  { kind: "notInstalled", pattern: /^'az' is not recognized|\baz: (?:command )?not found/m },
  // azure-cli-core, _profile.py: "Subscription 'x' not found. Check the spelling and casing and try again.",
  // "No subscription found. Run 'az account set' to select a subscription.", "Multiple subscriptions with the name 'x' found."
  {
    kind: "subscription",
    pattern: /\bSubscription '[^'\n]*' not found|No subscription found|Multiple subscriptions with/
  },
  // azure-cli-core, _profile.py: "Tenant shouldn't be specified for managed identity account"
  { kind: "tenant", pattern: /Tenant shouldn't be specified for/ },
  // azure-cli-core, auth/util.py: "Interactive authentication is needed. Please run:", "Please explicitly log in with:"
  { kind: "interaction", pattern: /Interactive authentication is needed|Please explicitly log in with/ },
  // azure-cli-core, _profile.py: "Please run 'az login' to setup account."
  // auth/msal_credentials.py: "User 'x' does not exist in MSAL token cache. Run `az login`."
  // auth/util.py: "Can't find token from MSAL cache.", "To re-authenticate, please run:"
  { kind: "notSignedIn", pattern: /\baz login\b|MSAL (?:token )?cache/ }
]

/**
 * Azure CLI: `az account get-access-token` (learn.microsoft.com/cli/azure/account).
 *
 * @internal
 */
export const azureCliTool = (subscription: string | undefined): DeveloperTool => ({
  name: "Azure CLI",
  programs: () => ["az"],
  takesClaims: false,
  args: ({ target: { scopes, tenantId } }) => [
    "account",
    "get-access-token",
    "--output",
    "json",
    ...scopes.flatMap((scope) => ["--resource", resourceOf(scope)]),
    ...(tenantId === "" ? [] : ["--tenant", tenantId]),
    ...(subscription === undefined ? [] : ["--subscription", subscription])
  ],
  form: { token: "accessToken", expiresOn },
  signs,
  install: "https://aka.ms/azure-cli",
  login: ({ claims, target: { scopes, tenantId } }) =>
    [
      "az login",
      ...(claims === undefined ? [] : ["--claims-challenge", claims]),
      ...(tenantId === "" ? [] : ["--tenant", tenantId]),
      ...scopes.flatMap((scope) => ["--scope", scope])
    ].join(" "),
  check: "az account show"
})
