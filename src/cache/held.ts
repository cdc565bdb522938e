import * as Exit from "effect/Exit"
import * as Inspectable from "effect/Inspectable"
import * as Redacted from "effect/Redacted"
import { AccessToken, type Fields } from "../core/AccessToken.js"
import type { Aged } from "./agedList.js"
import type { CacheKey } from "./cacheKey.js"
import type { Lifetime } from "./lifetime.js"
import type { Entry } from "./TokenCache.js"

/** What an entry takes beside its texts. */
const overhead = 600

/**
 * A token in memory. What a hit hands out is made by the first one and kept: most tokens of a large cache are asked for
 * rarely, and each `Redacted` takes a place in a table of all.
 *
 * @internal
 */
export class Held extends Inspectable.Class implements Entry, Aged<Held> {
  readonly #value: string
  readonly #about: Omit<Fields, "accessToken" | "source">
  #token: AccessToken | undefined
  #hit: Exit.Exit<AccessToken> | undefined
  readonly id: string
  readonly hash: number
  readonly #partitionLength: number
  readonly cachedAt: number
  readonly freshUntil: number
  readonly servesUntil: number
  readonly sequence: number
  readonly claims: string | undefined
  #dueAt: number
  #checkAt = Number.POSITIVE_INFINITY
  quickUntil: number
  failures = 0
  /** Whether anybody has asked for it since room was made last. */
  isUsed = false
  older: Held | undefined
  newer: Held | undefined
  /** Its neighbours in the partition. */
  before: Held | undefined
  after: Held | undefined

  constructor(
    key: CacheKey,
    token: AccessToken,
    lifetime: Lifetime,
    won: { readonly sequence: number; readonly claims: string | undefined; readonly dueAt: number }
  ) {
    super()
    const { accessToken, correlationId, expiresAtMillis, refreshAtMillis, scopes, tokenType } = token
    this.#value = Redacted.value(accessToken)
    this.#about = { correlationId, expiresAtMillis, refreshAtMillis, scopes, tokenType }
    this.id = key.id
    this.hash = key.hash
    this.#partitionLength = key.partition.id.length
    this.cachedAt = lifetime.cachedAt
    this.freshUntil = lifetime.freshUntil
    this.servesUntil = lifetime.servesUntil
    this.sequence = won.sequence
    this.claims = won.claims
    this.#dueAt = won.dueAt
    this.quickUntil = Math.min(won.dueAt, lifetime.freshUntil)
  }

  get token(): AccessToken {
    this.#token ??= new AccessToken({ ...this.#about, accessToken: Redacted.make(this.#value), source: "cache" })
    return this.#token
  }

  get hit(): Exit.Exit<AccessToken> {
    this.#hit ??= Exit.succeed(this.token)
    return this.#hit
  }

  get dueAt(): number {
    return this.#dueAt
  }

  get checkAt(): number {
    return this.#checkAt
  }

  get scopes(): ReadonlyArray<string> {
    return this.#about.scopes
  }

  get partition(): string {
    return this.id.slice(0, this.#partitionLength)
  }

  /** About what it takes: a character of a token or a key is a byte. */
  get bytes(): number {
    return this.#value.length + this.id.length + overhead
  }

  isOf(token: AccessToken): boolean {
    return this.#value === Redacted.value(token.accessToken)
  }

  postpone(dueAt: number): void {
    this.#dueAt = dueAt
    this.reckon()
  }

  checkedUntil(checkAt: number): void {
    this.#checkAt = checkAt
    this.reckon()
  }

  toJSON(): unknown {
    const { cachedAt, freshUntil, servesUntil } = this
    return { _id: "Entry", cachedAt, freshUntil, servesUntil }
  }

  private reckon(): void {
    this.quickUntil = Math.min(this.#dueAt, this.freshUntil, this.#checkAt)
  }
}
