/** The way back to the application: where it may lead, and what it carries. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Answers from "./answers.js"
import { Asked } from "./asked.js"
import type { App } from "./directory.js"
import * as Pages from "./pages.js"
import type { World } from "./world.js"

export type Mode = "query" | "fragment" | "form_post"

export const modes: ReadonlyArray<Mode> = ["query", "fragment", "form_post"]

export interface Target {
  readonly redirectUri: string
  readonly mode: Mode
  readonly state: string | undefined
}

const withoutPort = (uri: string) => {
  if (!URL.canParse(uri)) return uri
  const url = new URL(uri)
  if (url.protocol !== "http:" || !["localhost", "127.0.0.1"].includes(url.hostname)) return uri
  url.port = ""
  return url.href
}

/**
 * Letter for letter, but for the port of an `http` loopback address
 * (https://learn.microsoft.com/entra/identity-platform/reply-url#localhost-exceptions).
 */
export const isRegistered = (app: App, redirectUri: string): boolean =>
  (app.redirectUris ?? []).some((uri) => uri === redirectUri || withoutPort(uri) === withoutPort(redirectUri))

export type Fields = ReadonlyArray<readonly [string, string | undefined]>

const present = (fields: Fields) =>
  fields.flatMap(
    ([name, value]): ReadonlyArray<readonly [string, string]> => (value === undefined ? [] : [[name, value]])
  )

/** A redirect URI without a path gets a slash, as documented, and keeps its own query. */
export const to = ({ redirectUri, mode, state }: Target, fields: Fields): HttpServerResponse.HttpServerResponse => {
  const all = present([...fields, ["state", state]])
  if (mode === "form_post") return Pages.post(redirectUri, all)
  const url = new URL(redirectUri)
  if (mode === "query") for (const [name, value] of all) url.searchParams.append(name, value)
  if (mode === "fragment") url.hash = new URLSearchParams(all.map(([name, value]) => [name, value])).toString()
  return HttpServerResponse.empty({ status: 302, headers: { location: url.href, "cache-control": "no-store" } })
}

/** A refusal that the application can act on. */
export const refuse = (
  world: World,
  target: Target,
  refusal: Answers.Refusal
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, Asked> =>
  Effect.gen(function* () {
    const asked = yield* Asked
    return to(target, [
      ["error", refusal.error],
      ["error_description", yield* Answers.describe(world, refusal)],
      ["error_uri", refusal.prefix === undefined ? Answers.errorUri(refusal, asked) : undefined],
      ["error_subcode", refusal.subcode],
      ["suberror", refusal.suberror],
      ["claims", refusal.claims]
    ])
  })
