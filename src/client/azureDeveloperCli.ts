import { epochSecondsOf } from "../protocol/expiry.js"
import type { Sign } from "./developerFailure.js"
import type { DeveloperTool } from "./developerTool.js"

/** What Azure Developer CLI says, by its own sources and documents: as JSON, a message or an error on each line. */
const signs: ReadonlyArray<Sign> = [
  // cmd.exe: "'azd' is not recognized as an internal or external command,"
  // sh: "azd: not found", bash: "azd: command not found"
  { kind: "notInstalled", pattern: /^'azd' is not recognized|\bazd: (?:command )?not found/m },
  // The flag is there since 1.18.1: "unknown flag: --claims"
  { kind: "outdated", pattern: /unknown flag: --claims/ },
  // pkg/auth/errors.go: "not logged in, run `azd auth login` to login", earlier "... `azd login` ..."
  { kind: "notSignedIn", pattern: /not logged in, run `azd/ },
  // pkg/auth/errors.go: "reauthentication required, run `azd auth login` to acquire a new token.", "login expired, run ..."
  { kind: "interaction", pattern: /reauthentication required|login expired|must use multi-factor authentication/ },
  // Azure/azure-dev, issue 7700: "Run 'azd auth login' to sign in again."
  { kind: "interaction", pattern: /\bazd auth login\b/ }
]

const tenantOption = (tenantId: string): ReadonlyArray<string> => (tenantId === "" ? [] : ["--tenant-id", tenantId])

/**
 * Azure Developer CLI: `azd auth token`. It takes a claims request and remembers what it could not satisfy, so that the next
 * `azd auth login` does.
 *
 * Source: Azure/azure-dev, cmd/auth_token.go and pull request 5529; Azure SDK for Go, pull request 25186.
 *
 * @internal
 */
export const azureDeveloperCliTool: DeveloperTool = {
  name: "Azure Developer CLI",
  programs: () => ["azd"],
  takesClaims: true,
  args: ({ claims, target: { scopes, tenantId } }) => [
    "auth",
    "token",
    "--output",
    "json",
    "--no-prompt",
    ...scopes.flatMap((scope) => ["--scope", scope]),
    ...tenantOption(tenantId),
    ...(claims === undefined ? [] : ["--claims", claims])
  ],
  form: { token: "token", expiresOn: (printed) => epochSecondsOf(printed.expiresOn) },
  signs,
  install: "https://aka.ms/azure-dev",
  login: ({ target: { scopes, tenantId } }) =>
    ["azd auth login", ...tenantOption(tenantId), ...scopes.flatMap((scope) => ["--scope", scope])].join(" "),
  check: "azd auth login --check-status"
}
