/** What lasts from one request to the next. */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { ArcKeyFiles } from "./arcKeys.js"
import type { AssertionKeys } from "./assertionKeys.js"
import type { Directory } from "./directory.js"
import * as FaultQueue from "./faultQueue.js"
import * as Memory from "./memory.js"
import type { SigningKey } from "./signingKey.js"

export interface World {
  readonly directory: Directory
  readonly key: SigningKey
  readonly assertionKeys: AssertionKeys
  readonly tokenLifetime: Duration.Duration
  /** Undefined for what documents say. */
  readonly caeTokenLifetime: Duration.Duration | undefined
  readonly refreshIn: Duration.Duration | undefined
  /** Of managed identities. */
  readonly identityTokenLifetime: Duration.Duration
  /** What the endpoints of managed identities want to see, of those that want a secret. */
  readonly identitySecret: string
  readonly arcKeyFiles: ArcKeyFiles
  readonly refreshTokens: "multi" | "rotating"
  readonly deviceCodeLifetime: Duration.Duration
  readonly deviceCodeInterval: Duration.Duration
  /** Whether a device that polls too fast is told so. */
  readonly deviceSlowDown: boolean
  readonly memory: Memory.Memory
  /** Whether answers differ where Entra's differ. */
  readonly varies: boolean
  /** Epoch milliseconds by the emulator's own clock. */
  readonly now: Effect.Effect<number>
  readonly skew: (milliseconds: number) => Effect.Effect<void>
  /** What the token endpoint will play. */
  readonly faults: FaultQueue.FaultQueue
  /** What the APIs will play. */
  readonly apiFaults: FaultQueue.FaultQueue
  /** What the endpoints of managed identities will play. */
  readonly identityFaults: FaultQueue.FaultQueue
}

export const make = (
  options: Pick<
    World,
    | "directory"
    | "key"
    | "assertionKeys"
    | "tokenLifetime"
    | "caeTokenLifetime"
    | "refreshIn"
    | "identityTokenLifetime"
    | "identitySecret"
    | "arcKeyFiles"
    | "refreshTokens"
    | "deviceCodeLifetime"
    | "deviceCodeInterval"
    | "deviceSlowDown"
    | "varies"
  >
): World => {
  let ahead = 0
  return {
    ...options,
    memory: Memory.make(),
    now: Effect.map(Clock.currentTimeMillis, (now) => now + ahead),
    skew: (milliseconds) =>
      Effect.sync(() => {
        ahead = milliseconds
      }),
    faults: FaultQueue.make(),
    apiFaults: FaultQueue.make(),
    identityFaults: FaultQueue.make()
  }
}
