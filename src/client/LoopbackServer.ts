/**
 * Where a browser comes back to from a sign-in: a server on this machine alone, there as long as one sign-in lasts
 * (RFC 8252 7.3). `LoopbackServerNode.layer` has it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { CredentialUnavailable } from "../core/TokenError.js"

/**
 * What a sign-in came to, as the person in front of the browser is told. Title and message are shown as text, whatever
 * markup is in them.
 *
 * @since 0.1.0
 * @category models
 */
export type Ending =
  | { readonly _tag: "SignedIn" }
  | { readonly _tag: "Failed"; readonly title: string; readonly message: string }

/**
 * The way back of one browser.
 *
 * @since 0.1.0
 * @category models
 */
export interface Redirection {
  /** `http://localhost:PORT`, as the authorization request has to name it. */
  readonly redirectUri: string
  /**
   * Waits for the first authorization response with the state of this sign-in, of a code or of an error (RFC 6749
   * 4.1.2); whatever else comes is answered and changes nothing. It holds the code: it is not for a log.
   */
  readonly response: Effect.Effect<URLSearchParams>
  /**
   * Shows the ending to the browser that brought the response. It returns when the page was delivered, after 2
   * seconds, or at once where no response came. The first ending counts.
   */
  readonly conclude: (ending: Ending) => Effect.Effect<void>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface ListenOptions {
  /** What nobody but the authority and this sign-in knows (RFC 6749 10.12). */
  readonly state: string
  /** Any free port unless given; Entra accepts every one for a registered `http://localhost`. */
  readonly port?: number | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface LoopbackServerService {
  /**
   * Listens on 127.0.0.1 and, where there is one, on ::1, at the same port, until the scope is closed. Who still
   * waits for an ending by then is told that there is none. Fails when the port is taken.
   */
  readonly listen: (options: ListenOptions) => Effect.Effect<Redirection, CredentialUnavailable, Scope.Scope>
}

/**
 * @since 0.1.0
 * @category tags
 */
export class LoopbackServer extends Context.Tag("effect-entra/LoopbackServer")<
  LoopbackServer,
  LoopbackServerService
>() {}
