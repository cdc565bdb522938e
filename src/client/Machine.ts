/**
 * What credentials need of the machine that they run on, beyond HTTP and files: `MachineNode.layer` has it.
 *
 * @since 0.1.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { ConfigurationError, CredentialUnavailable } from "../core/TokenError.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface MachineService {
  readonly isWindows: boolean
  /** A folder where nobody but the system writes: a tool that is started from it finds no one else's program there. */
  readonly systemFolder: string
  /** HTTP straight to where it is asked: through no proxy, following no redirect. */
  readonly direct: HttpClient.HttpClient
  /**
   * The same over TLS alone, to a server whose own certificate has this SHA-1 thumbprint, whoever signed it and for whatever
   * name: it is checked for each request before anything of it is sent. Fails unless it is 40 hexadecimal digits.
   */
  readonly pinned: (thumbprint: string) => Effect.Effect<HttpClient.HttpClient, ConfigurationError>
  /** Whether the agent of Azure Arc is installed. */
  readonly hasArcAgent: Effect.Effect<boolean>
  /** The key that Azure Arc's agent has written to a file: only of the folder that is its own, and of at most 4 096 bytes. */
  readonly arcKey: (path: string) => Effect.Effect<Redacted.Redacted, CredentialUnavailable>
}

/**
 * @since 0.1.0
 * @category tags
 */
export class Machine extends Context.Tag("effect-entra/Machine")<Machine, MachineService>() {}
