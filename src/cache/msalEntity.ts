import type { Entity } from "./msalDocument.js"

/**
 * One client in one cloud.
 *
 * @internal
 */
export interface Client {
  readonly clientId: string
  /** The name under which its cloud shares caches (`login.windows.net`), which is written; then its other names. */
  readonly environments: readonly [string, ...ReadonlyArray<string>]
}

/** @internal */
export const textOf = (entity: Entity, field: string): string | undefined => {
  const value = Object.hasOwn(entity, field) ? entity[field] : undefined
  return typeof value === "string" ? value : undefined
}

/** @internal */
export const nonEmptyTextOf = (entity: Entity, field: string): string | undefined => textOf(entity, field) || undefined

/** The last moment of a `Date`. */
const latest = 8_640_000_000_000

/**
 * Seconds since the epoch, as milliseconds. The schema has them as text, older MSALs wrote numbers.
 *
 * @internal
 */
export const millisOf = (entity: Entity, field: string): number | undefined => {
  const value = Object.hasOwn(entity, field) ? entity[field] : undefined
  const isSeconds = typeof value === "number" || (typeof value === "string" && /^\d+(\.\d+)?$/.test(value))
  const seconds = isSeconds ? Number(value) : -1
  return seconds >= 0 && seconds <= latest ? Math.floor(seconds * 1000) : undefined
}

/**
 * Milliseconds as the schema's text; absent for what is no time.
 *
 * @internal
 */
export const secondsOf = (millis: number | undefined): string | undefined =>
  millis !== undefined && millis >= 0 && millis <= latest * 1000 ? String(Math.floor(millis / 1000)) : undefined

/** What a field holds; other libraries write `null` or nothing for what is absent. */
const valuesOf = (entity: Entity, fields: ReadonlyArray<string>): ReadonlyArray<unknown> =>
  fields.flatMap((field) => {
    const value = Object.hasOwn(entity, field) ? entity[field] : undefined
    return value === undefined || value === null || value === "" ? [] : [value]
  })

const isEmptyObject = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0

/** @internal */
export const hasAny = (entity: Entity, fields: ReadonlyArray<string>): boolean =>
  valuesOf(entity, fields).some((value) => !isEmptyObject(value))

/**
 * Whose a credential is: empty for an app's own, for which Python writes `null`; absent where it can't be told.
 *
 * @internal
 */
export const homeAccountIdOf = (entity: Entity): string | undefined =>
  valuesOf(entity, ["home_account_id"]).length === 0 ? "" : textOf(entity, "home_account_id")

/**
 * An entity with other fields; those that are undefined now are gone.
 *
 * @internal
 */
export const withFields = (entity: Entity | undefined, fields: Entity): Entity =>
  Object.fromEntries(
    Object.entries({ ...entity, ...fields }).filter(
      ([name, value]) => !Object.hasOwn(fields, name) || value !== undefined
    )
  )

/**
 * The fields that an entity keeps when it is written anew: none of another account's, whose key differs in case alone.
 *
 * @internal
 */
export const ofSameAccount = (present: Entity | undefined, homeAccountId: string): Entity | undefined =>
  present !== undefined && textOf(present, "home_account_id") === homeAccountId ? present : undefined

/** @internal */
export const isInCloud = (entity: Entity, { environments }: Client): boolean => {
  const environment = textOf(entity, "environment")?.toLowerCase()
  return environments.some((name) => name.toLowerCase() === environment)
}

/**
 * A credential of this client. Ids are compared as MSALs do, exactly: those of AD FS and OpenID Connect may differ in case
 * alone.
 *
 * @internal
 */
export const isOf = (entity: Entity, client: Client): boolean =>
  textOf(entity, "client_id") === client.clientId && isInCloud(entity, client)

/** @internal */
export const isOfAccount = (entity: Entity, client: Client, homeAccountId: string): boolean =>
  textOf(entity, "home_account_id") === homeAccountId && isInCloud(entity, client)

/**
 * Where the hash of the assertion stands that a credential was got with: msal-node's name, and that of the other MSALs.
 *
 * @internal
 */
export const assertionHashFields = ["userAssertionHash", "user_assertion_hash"] as const

/**
 * The hash of the assertion, empty where there was none; absent where it can't be told: two names with two hashes are left by
 * a library that changed one of them and did not know the other.
 *
 * @internal
 */
export const assertionHashOf = (entity: Entity): string | undefined => {
  const [hash = "", ...others] = new Set(valuesOf(entity, assertionHashFields))
  return others.length === 0 && typeof hash === "string" ? hash : undefined
}
