/**
 * Whose tokens they are, among those of one client.
 *
 * @since 0.1.0
 * @category models
 */
export interface HolderName {
  /** Those of `local` stay in this process: they are a machine's or a developer's, and have no name that another could share. */
  readonly kind: "app" | "account" | "process" | "assertion" | "local"
  /** The tenant of an app, the home account id, the name of a process, the hash of an assertion. */
  readonly id: string
  /** Where an account signed in; empty elsewhere. */
  readonly session: string
}

/**
 * Whose tokens they are.
 *
 * @since 0.1.0
 * @category models
 */
export interface Holder extends HolderName {
  readonly clientId: string
  /** The authority, all its aliases being one. */
  readonly environment: string
}

/**
 * The holders who are listed and removed together: of one client, one environment, one kind and one session.
 *
 * @since 0.1.0
 * @category models
 */
export interface Group {
  readonly id: string
  readonly holders: Omit<Holder, "id">
}

/**
 * One holder's tokens, which are removed together.
 *
 * @since 0.1.0
 * @category models
 */
export interface Partition {
  readonly id: string
  readonly group: Group
  readonly holder: Holder
}

/**
 * What a token is for.
 *
 * @since 0.1.0
 * @category models
 */
export interface Target {
  readonly tenantId: string
  readonly scopes: ReadonlyArray<string>
  /** Whether tenant and scopes are all that was asked for: no claims, resource or parameters of the program's own. */
  readonly isPlain: boolean
}

/**
 * Which token, and whose.
 *
 * @since 0.1.0
 * @category models
 */
export interface CacheKey {
  readonly partition: Partition
  readonly target: Target
  /** The partition's tokens that differ by their scopes alone. */
  readonly family: string
  /** One token of all. */
  readonly id: string
  /** Spreads the ids over the parts of a large map. */
  readonly hash: number
}

/**
 * Joins parts so that no part can pass for two: each is preceded by its length.
 *
 * @internal
 */
export const joinKey = (...parts: ReadonlyArray<string>): string =>
  parts.map((part) => `${part.length}:${part}`).join("")

/**
 * The parts that a text begins with, and what follows them.
 *
 * @internal
 */
export const splitKey = (text: string): { readonly parts: ReadonlyArray<string>; readonly rest: string } => {
  const parts: Array<string> = []
  let rest = text
  for (let head = /^(\d+):/.exec(rest); head !== null; head = /^(\d+):/.exec(rest)) {
    const start = head[0].length
    const end = start + Number(head[1])
    parts.push(rest.slice(start, end))
    rest = rest.slice(end)
  }
  return { parts, rest }
}

/** So many characters of a text are enough to tell where it goes. */
const samples = 24
/** 32-bit FNV-1a. */
const offsetBasis = 0x811c9dc5
const prime = 0x01000193

/**
 * A number that spreads texts; equal texts have equal ones. Of 31 bits: V8 keeps such numbers in the object itself.
 *
 * @internal
 */
export const spread = (text: string): number => {
  const step = Math.max(1, Math.floor(text.length / samples))
  let hash = offsetBasis ^ text.length
  for (let index = text.length - 1; index >= 0; index -= step) hash = Math.imul(hash ^ text.charCodeAt(index), prime)
  return hash >>> 1
}

/**
 * @internal
 */
export const groupOf = (holders: Omit<Holder, "id">): Group => ({
  id: joinKey(holders.clientId, holders.environment, holders.kind, holders.session),
  holders
})

/**
 * @internal
 */
export const partitionIn = (group: Group, id: string): Partition => ({
  id: group.id + joinKey(id),
  group,
  holder: { ...group.holders, id }
})

/**
 * @internal
 */
export const partitionOf = ({ id, ...holders }: Holder): Partition => partitionIn(groupOf(holders), id)

/** No part begins with it. */
const separator = "|"

/**
 * What tells a token from others for the same scopes.
 *
 * @internal
 */
export const tokenKind = (options: {
  readonly tenantId: string
  readonly capabilities: ReadonlyArray<string>
  readonly claims?: string | undefined
  readonly resource?: string | undefined
  readonly parameters?: ReadonlyArray<string>
}): ReadonlyArray<string> => {
  const { capabilities, claims = "", parameters = [], resource = "", tenantId } = options
  return ["Bearer", tenantId, capabilities.join(" "), claims, resource, ...parameters]
}

/**
 * The tenant that a token was asked of, if that and the scopes are all that was asked for.
 *
 * @internal
 */
export const plainTenantOf = (id: string, partition: Partition): string | undefined => {
  const { parts } = splitKey(id.slice(partition.id.length + separator.length))
  const [scheme, tenantId, , claims, resource, ...parameters] = parts
  return scheme === "Bearer" && claims === "" && resource === "" && parameters.length === 0 ? tenantId : undefined
}

/**
 * The key of one token: whose it is, and what for. Each name begins with the one of which it is a part, so that a token's
 * partition and family are known by its id.
 *
 * @internal
 */
export const tokenKey = (options: {
  readonly partition: Partition
  /** What tells the token from others for the same scopes. */
  readonly kind: ReadonlyArray<string>
  /** The scopes as a set, its case folded where the authority does not distinguish it. */
  readonly scopeKey: string
  readonly target: Target
}): CacheKey => {
  const { partition, target } = options
  const family = partition.id + separator + joinKey(...options.kind) + separator
  const id = family + options.scopeKey
  return { partition, target, family, id, hash: spread(id) }
}
