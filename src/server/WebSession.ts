/**
 * What a web app remembers of a browser: who has signed in there, and the sign-ins that are under way.
 *
 * @since 0.1.0
 */
import type * as Arr from "effect/Array"
import type * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type { ConfigurationError } from "../core/TokenError.js"
import * as CookieSession from "./cookieSession.js"
import { WebSession } from "./session.js"

export {
  PendingSignIn,
  type Read,
  Session,
  type Site,
  WebSession,
  type WebSessionService,
  WebSessionUnavailable,
  type Write
} from "./session.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface CookieOptions {
  /** Random secrets of at least 32 bytes. The first encrypts, all of them decrypt: put a new one first. */
  readonly keys: Redacted.Redacted | Arr.NonEmptyReadonlyArray<Redacted.Redacted>
  /** What the cookies' names begin with, after `__Host-`: `entra` unless given. */
  readonly name?: string | undefined
  /** How long a session lasts, counted from its sign-in: 8 hours unless given. */
  readonly lifetime?: Duration.DurationInput | undefined
}

/**
 * Sessions in the browser's own cookies, encrypted (JWE, AES-256-GCM), so that every replica that has the keys knows them.
 *
 * The accounts that they lead to are in the token cache. With one in memory alone each browser has to be routed to the same
 * replica always (sticky sessions), and a restart signs everyone out; replicas that share a store are all the same.
 *
 * Each sign-in under way has a cookie of its own, so that tabs which begin at once don't undo each other; together they are
 * held to 4 kB. Cookies are `HttpOnly`, `SameSite=Lax`, and over https `Secure` with the prefix `__Host-` (RFC 6265bis
 * 4.1.3). With `form_post` those of sign-ins under way are `SameSite=None`: a POST of another site brings no others.
 *
 * A cookie that was copied holds until its end; signing out takes away the account that it leads to.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerCookie = (options: CookieOptions): Layer.Layer<WebSession, ConfigurationError> =>
  Layer.effect(WebSession, CookieSession.make(options))
