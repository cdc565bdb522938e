import * as Arr from "effect/Array"
import type * as ConfigError from "effect/ConfigError"
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"
import { variablesOf } from "../client/environment.js"
import * as Aadsts from "../core/Aadsts.js"
import type { AccessToken } from "../core/AccessToken.js"
import { printable } from "../core/prose.js"
import type { TokenError } from "../core/TokenError.js"

/** What a token shows of itself. */
export interface TokenReport {
  readonly tokenType: string
  readonly scopes: ReadonlyArray<string>
  readonly expiresOn: string | undefined
  readonly source: string
  readonly correlationId: string | undefined
  /** The claims, when the token is a JWT: read, not verified. */
  readonly claims: Readonly<Record<string, unknown>> | undefined
}

const parseObject = (json: string): Readonly<Record<string, unknown>> | undefined => {
  const value = Either.getOrUndefined(Either.try((): unknown => JSON.parse(json)))
  return typeof value === "object" && value !== null ? { ...value } : undefined
}

/** The payload of a JWT; its signature stays unread, for this is shown to a person and decides nothing. */
export const claimsOf = (token: AccessToken): Readonly<Record<string, unknown>> | undefined => {
  const payload = Redacted.value(token.accessToken).split(".")[1] ?? ""
  return Either.match(Encoding.decodeBase64UrlString(payload), {
    onLeft: () => undefined,
    onRight: parseObject
  })
}

export const reportToken = (token: AccessToken): TokenReport => ({
  tokenType: token.tokenType,
  scopes: token.scopes,
  expiresOn: token.expiresOn === undefined ? undefined : DateTime.formatIso(token.expiresOn),
  source: token.source,
  correlationId: token.correlationId,
  claims: claimsOf(token)
})

const row = (name: string, value: string): string => `${name.padEnd(16)} ${printable(value)}`

const text = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value))

export const tokenLines = (report: TokenReport): ReadonlyArray<string> => [
  row("token", `${report.tokenType}, from ${report.source}`),
  row("scopes", report.scopes.join(" ")),
  row("expires", report.expiresOn ?? "not told"),
  row("correlation id", report.correlationId ?? "none"),
  ...Object.entries(report.claims ?? {}).map(([name, value]) => row(`  ${name}`, text(value)))
]

/** What an error shows of itself, with the remedies of its codes. */
export interface ErrorReport {
  readonly tag: string
  readonly message: string
  /** The authority's own words. */
  readonly description: string | undefined
  readonly explanations: ReadonlyArray<Aadsts.Explanation>
}

export const reportError = (error: TokenError): ErrorReport => ({
  tag: error._tag,
  message: error.message,
  description:
    "description" in error && error.description !== undefined
      ? printable(Redacted.value(error.description))
      : undefined,
  explanations: "errorCodes" in error ? Aadsts.explain(error) : []
})

export const explanationLines = (explanation: Aadsts.Explanation): ReadonlyArray<string> => [
  row(explanation.code, explanation.name ?? explanation.category),
  row("  meaning", explanation.description),
  row("  what to do", explanation.remedy)
]

export const errorLines = (report: ErrorReport): ReadonlyArray<string> => [
  row(report.tag, report.message),
  ...(report.description === undefined ? [] : [row("  it said", report.description)]),
  ...report.explanations.flatMap(explanationLines)
]

/** What is missing from flags and environment, all at once. */
export const configLine = (error: ConfigError.ConfigError): string =>
  `Not set: ${Arr.dedupe(variablesOf(error)).join(", ")}. Set them, use --tenant, --client-id and --secret-file, or try --emulator.`
