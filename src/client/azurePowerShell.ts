import * as Encoding from "effect/Encoding"
import { epochSecondsOf } from "../protocol/expiry.js"
import type { Sign } from "./developerFailure.js"
import { resourceOf } from "./developerTarget.js"
import type { DeveloperTool } from "./developerTool.js"

/** What the script says where there is no module, in every language of PowerShell. */
const noModule = "NoAzAccounts"

/**
 * Az.Accounts gives the token as text before 5.0 unless it is asked for a SecureString (from 2.17 on), and always as a
 * SecureString since. What fails is told by its whole exception, unformatted: PowerShell would break its lines.
 */
const scriptOf = (resource: string, tenantId: string): string => `
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$WarningPreference = 'SilentlyContinue'
try {
  $module = Import-Module Az.Accounts -MinimumVersion 2.2.0 -PassThru -ErrorAction SilentlyContinue
  if (-not $module) { [Console]::Error.WriteLine('${noModule}'); exit 1 }
  $asked = @{ ResourceUrl = '${resource}' }
  if ('${tenantId}') { $asked.TenantId = '${tenantId}' }
  if ($module.Version -ge [version]'2.17.0' -and $module.Version -lt [version]'5.0.0') { $asked.AsSecureString = $true }
  $answer = Get-AzAccessToken @asked
  $token = $answer.Token
  if ($token -is [securestring]) { $token = [System.Net.NetworkCredential]::new('', $token).Password }
  $expiresOn = ([DateTimeOffset]$answer.ExpiresOn).ToUnixTimeSeconds()
  [Console]::Out.WriteLine((ConvertTo-Json -Compress @{ token = $token; expiresOn = $expiresOn }))
} catch {
  [Console]::Error.WriteLine($_.Exception.ToString())
  exit 1
}
`

/** UTF-16, as `-EncodedCommand` wants it: nothing of the script meets a shell's rules of quoting. */
const encoded = (script: string): string => {
  const bytes = new Uint8Array(script.length * 2)
  const view = new DataView(bytes.buffer)
  for (let index = 0; index < script.length; index++) view.setUint16(index * 2, script.charCodeAt(index), true)
  return Encoding.encodeBase64(bytes)
}

/** What PowerShell and Az.Accounts say, by their own sources and documents. */
const signs: ReadonlyArray<Sign> = [
  { kind: "module", pattern: new RegExp(noModule) },
  // PowerShell: "The specified module 'Az.Accounts' with version '2.2.0' was not loaded because no valid module file was found"
  { kind: "module", pattern: /module 'Az\.Accounts'[^\n]* was not loaded|'Get-AzAccessToken' is not recognized/ },
  // cmd.exe: "'pwsh' is not recognized as an internal or external command,"
  // sh: "pwsh: not found", bash: "pwsh: command not found"
  { kind: "notInstalled", pattern: /^'(?:pwsh|powershell)' is not recognized|\bpwsh: (?:command )?not found/m },
  // Az.Accounts: "Authentication failed against tenant x. User interaction is required. This may be due to the conditional
  // access policy settings such as multi-factor authentication (MFA)." (azure-powershell, issues 25040 and 25074)
  // "Interactive authentication is not supported in this session" (issue 13530)
  { kind: "interaction", pattern: /User interaction is required|Interactive authentication is not supported/ },
  // Az.Accounts: "Your Azure credentials have not been set up or have expired, please run Connect-AzAccount ..." (issue 25074)
  { kind: "interaction", pattern: /credentials have not been set up or have expired/ },
  // Az.Accounts: "Run Connect-AzAccount to login.", "No accounts were found in the cache", "cannot retrieve access token"
  { kind: "notSignedIn", pattern: /Run Connect-AzAccount to login|No accounts were found in the cache/ },
  { kind: "notSignedIn", pattern: /cannot retrieve access token/i }
]

/**
 * Azure PowerShell: `Get-AzAccessToken` (learn.microsoft.com/powershell/module/az.accounts/get-azaccesstoken), by PowerShell
 * 7, on Windows by Windows PowerShell where that is not installed.
 *
 * @internal
 */
export const azurePowerShellTool: DeveloperTool = {
  name: "Azure PowerShell",
  programs: (isWindows) => (isWindows ? ["pwsh", "powershell"] : ["pwsh"]),
  takesClaims: false,
  args: ({ target: { scopes, tenantId } }) => [
    "-NoProfile",
    "-NonInteractive",
    "-EncodedCommand",
    encoded(scriptOf(scopes.map(resourceOf).join(), tenantId))
  ],
  form: { token: "token", expiresOn: (printed) => epochSecondsOf(printed.expiresOn) },
  signs,
  install: "https://aka.ms/install-powershell, https://aka.ms/azps",
  login: ({ claims, target: { scopes, tenantId } }) =>
    [
      "Connect-AzAccount",
      ...(tenantId === "" ? [] : ["-Tenant", tenantId]),
      ...(claims === undefined
        ? scopes.flatMap((scope) => ["-AuthScope", resourceOf(scope)])
        : ["-ClaimsChallenge", claims])
    ].join(" "),
  check: "Get-AzContext"
}
