/** Which token, and whose. */
export interface CacheKey {
  /** One principal's tokens. */
  readonly partition: string
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
 * @internal
 */
export const appKey = (options: {
  readonly clientId: string
  readonly environment: string
  readonly tenantId: string
  /** The scopes as a set, its case folded where the authority does not distinguish it. */
  readonly scopeKey: string
}): CacheKey => {
  const partition = joinKey(options.clientId, options.environment, options.tenantId, "app")
  return { partition, id: joinKey(partition, "Bearer", options.scopeKey) }
}
