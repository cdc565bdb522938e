/** Which token: the partition is one principal's, the entry one token of it. */
export interface CacheKey {
  readonly partition: string
  readonly entry: string
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
  /** Entra and others may name different resources by scopes that differ in case only. */
  readonly scopeKey: string
}): CacheKey => ({
  partition: joinKey(options.clientId, options.environment, options.tenantId, "app"),
  entry: joinKey("Bearer", options.scopeKey)
})
