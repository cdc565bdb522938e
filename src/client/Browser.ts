/**
 * The browser of the person who sits in front of this machine. `BrowserNode.layer` has it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { CredentialUnavailable } from "../core/TokenError.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface BrowserService {
  /**
   * Shows a page, without waiting for what comes of it. Fails where it is known that nobody will see it, and for what
   * is neither `https` nor `http` on loopback. The URL is for the browser alone: it is in no error and no log.
   */
  readonly open: (url: URL) => Effect.Effect<void, CredentialUnavailable>
}

/**
 * @since 0.1.0
 * @category tags
 */
export class Browser extends Context.Tag("effect-entra/Browser")<Browser, BrowserService>() {}
