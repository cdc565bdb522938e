import type * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as Either from "effect/Either"
import { isLoopback } from "../core/authorityParts.js"
import { ConfigurationError } from "../core/TokenError.js"
import type { Site } from "./session.js"
import type { Options } from "./WebSignIn.js"

type Path = Exclude<HttpLayerRouter.PathInput, "*">

/** Options that were checked, with what follows from them. */
export interface Settings extends Options {
  readonly site: Site
  readonly origin: string
  readonly callbackPath: Path
  readonly signInPath: Path
  readonly signOutPath: Path
  readonly signOutMethods: ReadonlyArray<"GET" | "POST">
  /** Where nobody returns to. */
  readonly ownPaths: ReadonlyArray<string>
}

type Checked<A> = Either.Either<A, ConfigurationError>

const refuse = (parameter: string, expected: string, remedy: string): Checked<never> =>
  Either.left(new ConfigurationError({ parameter, expected, remedy }))

/** Entra registers http for localhost alone (Microsoft identity platform, redirect URI restrictions). */
const parseRedirectUri = (text: string): Checked<URL> => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isFit =
    url !== undefined &&
    (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname))) &&
    url.hash === "" &&
    url.search === ""
  return isFit
    ? Either.right(url)
    : refuse(
        "redirectUri",
        "an https URL without query and fragment (http on localhost only)",
        "Give it as registered."
      )
}

const parsePath = (parameter: string, text: string): Checked<Path> =>
  /^\/(?!\/)[\w\-./~]+$/.test(text)
    ? Either.right<Path>(`/${text.slice(1)}`)
    : refuse(parameter, "a path such as /auth/sign-in", "Write it without host, query and parameters.")

/**
 * @internal
 */
export const parse = (options: Options): Checked<Settings> =>
  Either.gen(function* () {
    const { origin, pathname, protocol } = yield* parseRedirectUri(options.redirectUri)
    const site = { isSecure: protocol === "https:", isPosted: options.responseMode === "form_post" }
    if (site.isPosted && !site.isSecure)
      return yield* refuse(
        "responseMode",
        "query where the redirect URI is http: browsers send no cookie along with what another site posts there",
        "Leave it out."
      )
    const callbackPath = yield* parsePath("redirectUri", pathname)
    const signInPath = yield* parsePath("signInPath", options.signInPath ?? "/auth/sign-in")
    const signOutPath = yield* parsePath("signOutPath", options.signOutPath ?? "/auth/sign-out")
    const ownPaths = [callbackPath, signInPath, signOutPath]
    if (new Set(ownPaths).size < ownPaths.length)
      return yield* refuse("signInPath", "a path of its own for sign-in, callback and sign-out", "Change one of them.")
    return {
      ...options,
      site,
      origin,
      callbackPath,
      signInPath,
      signOutPath,
      signOutMethods: options.isSignOutByLink === true ? ["GET", "POST"] : ["POST"],
      ownPaths
    }
  })
