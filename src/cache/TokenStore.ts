/**
 * What the author of a cache's backing store writes: per entry, text with an end.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/**
 * What was to be done.
 *
 * @since 0.1.0
 * @category models
 */
export const Operation = Schema.Literal("get", "set", "remove", "compareAndSet")

/**
 * @since 0.1.0
 * @category models
 */
export type Operation = typeof Operation.Type

/**
 * A store did not do what it was told. It never fails an acquisition: the cache goes on in memory, and tries again later.
 *
 * @since 0.1.0
 * @category errors
 */
export class StoreError extends Schema.TaggedError<StoreError>("effect-entra/TokenStore/StoreError")("StoreError", {
  operation: Operation,
  /** `timeout`: no answer in time; `refused`: it can't be used as it is, and a person has to act. */
  reason: Schema.Literal("timeout", "failed", "refused"),
  /** The store's own code, such as `ECONNREFUSED` or `OOM`; never its prose, which may repeat what it was sent. */
  code: Schema.optional(Schema.String),
  /** For people: what to do. */
  remedy: Schema.optional(Schema.String)
}) {
  get isRetryable(): boolean {
    return this.reason !== "refused"
  }
  override get message(): string {
    const why =
      this.reason === "timeout" ? "did not answer in time" : this.reason === "failed" ? "failed" : "was refused"
    const code = this.code === undefined ? "" : ` (${this.code})`
    return `The token store's ${this.operation} ${why}${code}${this.remedy === undefined ? "" : `. ${this.remedy}`}`
  }
}

/**
 * The code of what many write at once: the store is well.
 *
 * @internal
 */
export const contended = "contended"

/**
 * A store of texts. Keys are short and plain (`A-Z a-z 0-9 _ - : { }`), values are at most 1 MiB.
 *
 * An entry may be gone before its time, and may be read by whoever reads the store: see `TokenEncryption`.
 *
 * @since 0.1.0
 * @category models
 */
export interface TokenStore {
  readonly get: (key: string) => Effect.Effect<Option.Option<string>, StoreError>
  /** The same of several keys, in their order: at once, where the store can. */
  readonly getMany?:
    | ((keys: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Option.Option<string>>, StoreError>)
    | undefined
  /** Replaces what is there, in one step: nobody ever reads half of it. `ttl` is how long it is of use. */
  readonly set: (key: string, value: string, ttl: Duration.Duration) => Effect.Effect<void, StoreError>
  /** Removing what is not there is no failure. */
  readonly remove: (key: string) => Effect.Effect<void, StoreError>
  /**
   * Replaces what is there if it is what is `expected` (`none`: nothing), in one step, and tells whether it did. With it
   * replicas agree on who asks (a lease is `none` -> its holder); without it each asks for itself.
   */
  readonly compareAndSet?:
    | ((
        key: string,
        expected: Option.Option<string>,
        next: string,
        ttl: Duration.Duration
      ) => Effect.Effect<boolean, StoreError>)
    | undefined
}
