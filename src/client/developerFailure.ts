import { redactedProse } from "../core/prose.js"
import { CredentialUnavailable } from "../core/TokenError.js"
import type { Ended } from "./developerProcess.js"
import type { DeveloperTool, ToolRequest } from "./developerTool.js"

/** What is to be done about a failure, which is all that is decided by what a tool says to people. */
export type FailureKind =
  | "notInstalled"
  | "notStarted"
  | "notSignedIn"
  | "interaction"
  | "tenant"
  | "refused"
  | "subscription"
  | "module"
  | "outdated"
  | "claims"
  | "timedOut"
  | "tooMuch"
  | "unreadable"
  | "killed"
  | "exited"

/** A failure, with nothing in it that a tool wrote but what is `Redacted` later. */
export interface Failed {
  readonly kind: FailureKind
  /** Ours: a reason, a number or a time. */
  readonly detail?: string | undefined
  /** Of Microsoft Entra. */
  readonly codes?: ReadonlyArray<string>
  readonly complaint?: string
}

/** A failure by the words that tell of it. */
export interface Sign {
  readonly kind: FailureKind
  readonly pattern: RegExp
}

/** 127: a POSIX shell's for a command that was not found; 9009: cmd.exe's. */
const notFoundCodes: ReadonlySet<number | undefined> = new Set([127, 9009])

/** Microsoft Entra: the account is not of the tenant, or the tenant does not exist or is not named (reference-error-codes). */
const tenantCodes: ReadonlySet<string> = new Set(
  [16000, 16003, 50020, 50034, 50059, 50128, 90002, 90072, 900021, 900023].map((code) => `AADSTS${code}`)
)
/** The same: the resource does not exist in the tenant, the tool may not ask for it, or what is asked for is no scope. */
const resourceCodes: ReadonlySet<string> = new Set(
  [50001, 65001, 65002, 70011, 500011, 650052, 650057].map((code) => `AADSTS${code}`)
)

/** Of a long answer no more is looked at, and no more codes are told. */
const mostText = 65_536
const mostCodes = 4

const codesIn = (text: string): ReadonlyArray<string> =>
  [...new Set(text.match(/\bAADSTS\d{2,9}\b/g) ?? [])].slice(0, mostCodes)

/** Whatever else Microsoft Entra refuses, a sign-in mends or explains. */
const kindOfCodes = (codes: ReadonlyArray<string>): FailureKind => {
  if (codes.some((code) => tenantCodes.has(code))) return "tenant"
  return codes.some((code) => resourceCodes.has(code)) ? "refused" : "interaction"
}

const kindOf = (
  signs: ReadonlyArray<Sign>,
  text: string,
  codes: ReadonlyArray<string>,
  { code }: Ended
): FailureKind => {
  if (codes.length > 0) return kindOfCodes(codes)
  const sign = signs.find(({ pattern }) => pattern.test(text))
  if (sign !== undefined) return sign.kind
  if (notFoundCodes.has(code)) return "notInstalled"
  if (code === undefined) return "killed"
  return code === 0 ? "unreadable" : "exited"
}

const details: Partial<Record<FailureKind, (ended: Ended) => string>> = { exited: ({ code }) => `${code}` }

/**
 * What is wrong where a tool gave no token. What it printed may hold one even so, and is looked at but never kept.
 *
 * @internal
 */
export const diagnose = (signs: ReadonlyArray<Sign>, ended: Ended, unreadable: string | undefined): Failed => {
  const text = `${ended.stderr}\n${ended.stdout.slice(0, mostText)}`
  const codes = codesIn(text)
  const kind = kindOf(signs, text, codes, ended)
  return { kind, codes, detail: details[kind]?.(ended) ?? unreadable, complaint: ended.stderr }
}

/**
 * Why a tool that is not there has no token.
 *
 * @internal
 */
export const notInstalled = "it is not installed, or not on the PATH"

const reasonOf = ({ codes = [], detail, kind }: Failed): string => {
  const coded = codes.length === 0 ? "" : ` (${codes.join(", ")})`
  switch (kind) {
    case "notInstalled":
      return notInstalled
    case "notStarted":
      return `it can't be started (${detail})`
    case "notSignedIn":
      return "nobody is signed in to it"
    case "interaction":
      return `its user has to sign in again, or to take part${coded}`
    case "tenant":
      return `its user is not of the tenant, or there is no such tenant${coded}`
    case "refused":
      return `Microsoft Entra gives it no token for the scope${coded}`
    case "subscription":
      return "it does not know the subscription, or has none"
    case "module":
      return "its module Az.Accounts, 2.2.0 or later, is not installed"
    case "outdated":
      return "this version of it can't be told what claims a resource demands"
    case "claims":
      return "it can't satisfy the claims that a resource demands by itself"
    case "timedOut":
      return `it gave no answer within ${detail}`
    case "tooMuch":
      return "it printed more than any token takes, and was ended"
    case "unreadable":
      return detail ?? "its answer can't be read"
    case "killed":
      return "it was ended by a signal"
    case "exited":
      return `it ended with exit code ${detail}`
  }
}

const remedyOf = (tool: DeveloperTool, request: ToolRequest, kind: FailureKind): string => {
  const login = `\`${tool.login(request)}\``
  switch (kind) {
    case "notInstalled":
      return `Install it (${tool.install}), then run ${login}.`
    case "notSignedIn":
    case "interaction":
    case "claims":
      return `Run ${login}.`
    case "tenant":
      return `Check the tenant's name; if it is right, run ${login}.`
    case "refused":
      return "Check the scope; https://login.microsoftonline.com/error explains the code."
    case "subscription":
      return `Look for it in \`az account list\`; if it is not there, run ${login}.`
    case "module":
      return `Run \`Install-Module -Name Az.Accounts -Scope CurrentUser\`, then run ${login}.`
    case "outdated":
      return `Update it (${tool.install}), then run ${login}.`
    case "timedOut":
      return `Run \`${tool.check}\` in a terminal to see what it waits for, or give it a longer timeout.`
    case "notStarted":
    case "tooMuch":
    case "unreadable":
    case "killed":
    case "exited":
      return `Run \`${tool.check}\` in a terminal to see what is wrong with it.`
  }
}

/** A token's parts are longer than any word, and than a GUID. */
const secretive = /[\w~+/=-]{40,}/g

const causeOf = (complaint: string | undefined) => {
  const text = complaint?.replace(secretive, "...").trim() ?? ""
  return text === "" ? undefined : redactedProse(text)
}

/**
 * The error that tells of a failure. What the tool complained of is its cause, `Redacted`, for it may name people.
 *
 * @internal
 */
export const unavailable = (tool: DeveloperTool, request: ToolRequest, failure: Failed): CredentialUnavailable =>
  new CredentialUnavailable({
    credential: tool.name,
    reason: reasonOf(failure),
    remedy: remedyOf(tool, request, failure.kind),
    isTransient: failure.kind === "timedOut" ? true : undefined,
    cause: causeOf(failure.complaint)
  })
