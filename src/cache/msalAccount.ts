import * as Either from "effect/Either"
import { Account, fromResponse } from "../core/Account.js"
import { isGuid } from "../core/guid.js"
import { type Entity, isEntity } from "./msalDocument.js"
import { type Client, nonEmptyTextOf, textOf } from "./msalEntity.js"

/** At Entra the home account id names the user's object and tenant at home (`client_info`). */
const homeOf = (homeAccountId: string): { readonly uid: string; readonly utid: string } | undefined => {
  const [uid = "", utid = "", ...others] = homeAccountId.split(".")
  return uid !== "" && isGuid(utid) && others.length === 0 ? { uid, utid } : undefined
}

/**
 * MSAL's realm of an account: the tenant that was signed in to; at a B2C authority without tenants in its tokens the policy.
 * Where nobody told, it is home.
 *
 * @internal
 */
export const realmOf = ({ homeAccountId, idTokenClaims, tenantId }: Account): string =>
  tenantId ||
  (nonEmptyTextOf(idTokenClaims, "tfp") ?? nonEmptyTextOf(idTokenClaims, "acr") ?? homeOf(homeAccountId)?.utid ?? "")

/**
 * The tenant that the account is at home in.
 *
 * @internal
 */
export const homeRealmOf = (account: Account): string => homeOf(account.homeAccountId)?.utid ?? realmOf(account)

/** A tenant profile is text in the text: what the account is called in one tenant. */
const profileOf = (text: unknown): Entity | undefined => {
  if (typeof text !== "string") return undefined
  const json = Either.getOrUndefined(Either.try((): unknown => JSON.parse(text)))
  return isEntity(json) && textOf(json, "tenantId") !== undefined ? json : undefined
}

const profilesOf = (entity: Entity | undefined): ReadonlyArray<unknown> => {
  const profiles = entity?.tenantProfiles
  return Array.isArray(profiles) ? profiles : []
}

const isOfTenant = (profile: Entity | undefined, tenantId: string): boolean =>
  profile !== undefined && textOf(profile, "tenantId") === tenantId

const newProfile = (account: Account): Entity => {
  const { homeAccountId, idTokenClaims, localAccountId, name, username } = account
  const tenantId = realmOf(account)
  const loginHint = nonEmptyTextOf(idTokenClaims, "login_hint")
  const upn = nonEmptyTextOf(idTokenClaims, "upn")
  return {
    tenantId,
    localAccountId,
    ...(name === undefined ? {} : { name }),
    ...(username === undefined ? {} : { username }),
    ...(loginHint === undefined ? {} : { loginHint }),
    ...(upn === undefined ? {} : { upn }),
    isHomeTenant: tenantId !== "" && tenantId === homeAccountId.split(".")[1]
  }
}

/** An account of before there were profiles is at home; msal-node supplies that profile only where there is no other. */
const firstProfiles = (present: Entity | undefined): ReadonlyArray<unknown> => {
  const profiles = profilesOf(present)
  if (profiles.length > 0 || present === undefined) return profiles
  const tenantId = nonEmptyTextOf(present, "realm")
  const localAccountId = nonEmptyTextOf(present, "local_account_id")
  if (tenantId === undefined || localAccountId === undefined) return []
  const username = textOf(present, "username") ?? ""
  return [JSON.stringify({ tenantId, localAccountId, username, isHomeTenant: true })]
}

/** The profile of this tenant anew, what nobody knows here kept; those of others as they are. */
const profilesWith = (present: Entity | undefined, account: Account): ReadonlyArray<unknown> => {
  const before = firstProfiles(present)
  const profile = newProfile(account)
  const isThis = (text: unknown) => isOfTenant(profileOf(text), realmOf(account))
  return before.some(isThis)
    ? before.map((text) => (isThis(text) ? JSON.stringify({ ...profileOf(text), ...profile }) : text))
    : [...before, JSON.stringify({ username: "", ...profile })]
}

/**
 * The fields of an account, given what is there. A sign-in as a guest adds a profile, and changes nothing else of an account
 * that is known.
 *
 * @internal
 */
export const accountFields = (
  present: Entity | undefined,
  user: Client & { readonly account: Account; readonly authorityType: string }
): Entity => {
  const { account, authorityType, environments } = user
  const { homeAccountId, localAccountId, name, tenantId, username } = account
  const tenantProfiles = profilesWith(present, account)
  const home = homeOf(homeAccountId)
  const isGuest = home !== undefined && tenantId !== "" && home.utid !== tenantId
  if (present !== undefined && isGuest) return { tenantProfiles }
  const was = (field: string) => (present === undefined ? undefined : textOf(present, field))
  return {
    home_account_id: homeAccountId,
    environment: was("environment") ?? environments[0],
    realm: homeRealmOf(account),
    local_account_id: home?.uid ?? localAccountId,
    username: username ?? was("username") ?? "",
    authority_type: authorityType,
    name: name ?? was("name") ?? "",
    tenantProfiles
  }
}

const fromIdToken = (homeAccountId: string, entity: Entity): ReadonlyArray<Account> => {
  const told = fromResponse({ clientInfo: undefined, idToken: textOf(entity, "secret") })
  const realm = textOf(entity, "realm")
  return told === undefined || realm === undefined
    ? []
    : [new Account({ ...told, homeAccountId, tenantId: told.tenantId || realm })]
}

const named = (
  homeAccountId: string,
  entity: Entity,
  fields: { readonly localAccountId: string; readonly tenantId: string }
): ReadonlyArray<Account> => {
  const localAccountId = nonEmptyTextOf(entity, fields.localAccountId)
  const tenantId = textOf(entity, fields.tenantId)
  if (localAccountId === undefined || tenantId === undefined) return []
  const username = nonEmptyTextOf(entity, "username")
  const name = nonEmptyTextOf(entity, "name")
  return [new Account({ homeAccountId, localAccountId, tenantId, username, name, idTokenClaims: {} })]
}

const profileFields = { localAccountId: "localAccountId", tenantId: "tenantId" }
const ownFields = { localAccountId: "local_account_id", tenantId: "realm" }

/** Its profiles; its own fields, if it is of before there were profiles. */
const fromEntity = (homeAccountId: string, entity: Entity): ReadonlyArray<Account> => {
  const profiles = profilesOf(entity).flatMap((text) => named(homeAccountId, profileOf(text) ?? {}, profileFields))
  return profiles.length > 0 ? profiles : named(homeAccountId, entity, ownFields)
}

/**
 * An account by all that is written of it; an id token tells most.
 *
 * @internal
 */
export const accountOf = (
  homeAccountId: string,
  written: ReadonlyArray<Entity>,
  idTokens: ReadonlyArray<Entity>,
  tenantId: string | undefined
): Account | undefined => {
  const candidates = [
    ...idTokens.flatMap((entity) => fromIdToken(homeAccountId, entity)),
    ...written.flatMap((entity) => fromEntity(homeAccountId, entity))
  ]
  const home = homeOf(homeAccountId)?.utid
  const within = (tenant: string | undefined) => candidates.find((candidate) => candidate.tenantId === tenant)
  return within(tenantId) ?? within(home) ?? candidates[0]
}
