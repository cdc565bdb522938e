/** How an answer reads: the code of a refusal, and whether it asks the client to come back, when, and with what. */
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Answers from "./answers.js"

export interface Outcome {
  /** `AADSTS7000215`, `AADB2C90080`, `MSIS9602`. */
  readonly code: string | undefined
  /** The `error` of RFC 6749 or RFC 6750. */
  readonly error: string | undefined
  readonly demandsClaims: boolean
  /** Milliseconds that a Retry-After in seconds asks for. */
  readonly wait: number
}

export const nothing: Outcome = { code: undefined, error: undefined, demandsClaims: false, wait: 0 }

/** Longer is no refusal. */
const longest = 64 * 1024

const textOf = (response: HttpServerResponse.HttpServerResponse): string => {
  const bytes = Answers.bytesOf(response)
  return bytes.length > longest ? "" : new TextDecoder().decode(bytes)
}

const parse = (text: string): object => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null ? value : {}
  } catch {
    return {}
  }
}

/** A scripted answer may say anything: only what looks like the name of an error is shown. */
const named = (value: unknown): string | undefined =>
  typeof value === "string" && /^[a-z0-9_]{1,64}$/i.test(value) ? value : undefined

const codeIn = (text: string) => /\b(?:AADSTS|AADB2C|MSIS)\d{2,9}\b/.exec(text)?.[0]

/** The parameters of a redirect, wherever its response mode put them. */
const redirectOf = (location: string): URLSearchParams => {
  if (!URL.canParse(location)) return new URLSearchParams()
  const { hash, searchParams } = new URL(location)
  return new URLSearchParams([...searchParams, ...new URLSearchParams(hash.slice(1))])
}

const ofRedirect = (location: string): Outcome => {
  const parameters = redirectOf(location)
  return {
    code: codeIn(parameters.get("error_description") ?? ""),
    error: named(parameters.get("error")),
    demandsClaims: parameters.has("claims"),
    wait: 0
  }
}

/** Azure's own APIs, and hosts of managed identities, have an object for an error. */
const codeOf = (error: unknown): unknown =>
  typeof error === "object" && error !== null && "code" in error ? error.code : undefined

const ofBody = (text: string) => {
  const body = parse(text)
  return {
    code: codeIn(text),
    error: "error" in body ? (named(body.error) ?? named(codeOf(body.error))) : undefined,
    demandsClaims: "claims" in body
  }
}

export const of = (response: HttpServerResponse.HttpServerResponse): Outcome => {
  const { "retry-after": retryAfter = "", "www-authenticate": challenge = "", location } = response.headers
  if (location !== undefined) return ofRedirect(location)
  // A page that asks for a password again says why with 200.
  const isRead = response.status >= 400 || (response.headers["content-type"] ?? "").startsWith("text/html")
  const body = isRead ? ofBody(textOf(response)) : nothing
  return {
    code: body.code,
    error: body.error ?? named(/\berror="([^"]*)"/.exec(challenge)?.[1]),
    demandsClaims: body.demandsClaims || /\bclaims="/.test(challenge),
    wait: /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1000 : 0
  }
}
