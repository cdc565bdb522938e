/**
 * Which token, and whose.
 *
 * @since 0.1.0
 * @category models
 */
export interface CacheKey {
  /** One principal's tokens. */
  readonly partition: string
  /** Those of them that differ by their scopes alone. */
  readonly family: string
  /** One token of all. */
  readonly id: string
}

/**
 * Joins parts so that no part can pass for two: each is preceded by its length.
 *
 * @internal
 */
export const joinKey = (...parts: ReadonlyArray<string>): string =>
  parts.map((part) => `${part.length}:${part}`).join("")

/**
 * The key of one token: whose it is, and what for. The scopes come last, so that the tokens of one principal which differ by
 * nothing else are known by what stands before.
 *
 * @internal
 */
export const tokenKey = (options: {
  readonly principal: ReadonlyArray<string>
  /** What tells the token from others for the same scopes. */
  readonly kind: ReadonlyArray<string>
  /** The scopes as a set, its case folded where the authority does not distinguish it. */
  readonly scopeKey: string
}): CacheKey => {
  const partition = joinKey(...options.principal)
  const family = joinKey(partition, ...options.kind)
  return { partition, family, id: joinKey(family, options.scopeKey) }
}
