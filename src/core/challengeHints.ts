import * as Either from "effect/Either"
import type { AuthChallenge } from "./authChallenge.js"
import { parseUrl } from "./authorityParts.js"
import { plainParameter } from "./challengeParameters.js"
import { isGuid } from "./guid.js"

type Parameters = AuthChallenge["parameters"]

const urlOf = (text: string): URL | undefined => Either.getOrUndefined(parseUrl("challenge", text))

const present = (values: ReadonlyArray<string | undefined>): ReadonlyArray<string> =>
  values.filter((value) => value !== undefined)

/** `common` and `organizations` name no tenant. */
const tenantIn = (authority: string): string | undefined => {
  const tenant = urlOf(authority)?.pathname.split("/")[1]?.toLowerCase()
  return tenant !== undefined && isGuid(tenant) ? tenant : undefined
}

/**
 * The tenant of whichever authority a challenge names (ARM, Storage: `authorization_uri`; Key Vault: `authorization`).
 *
 * @internal
 */
export const tenantOf = (parameters: Parameters): string | undefined =>
  present(["authorization_uri", "authorization", "authority"].map((name) => plainParameter(parameters, name)))
    .map(tenantIn)
    .find((tenant) => tenant !== undefined)

/** A name of a single label is nobody's domain. */
const isAbove = (parent: string, host: string): boolean => parent.includes(".") && host.endsWith(`.${parent}`)

/** Spelled as everyone reads it. */
const isCanonical = (text: string, { href, search }: URL): boolean =>
  search === "" && (href === text || href === `${text}/`)

const isOf = (resource: string, { hostname }: URL): boolean => {
  const url = urlOf(resource)
  return (
    url !== undefined && isCanonical(resource, url) && (url.hostname === hostname || isAbove(url.hostname, hostname))
  )
}

const defaultScope = /^([^ ]*[^ /])\/\.default$/

/**
 * The resource that a challenge names, where the host that was asked is the resource's or beneath it (as in Key Vault's
 * challenge resource verification): otherwise any host could have a token of any other resource sent to it.
 *
 * @internal
 */
export const resourceOf = (parameters: Parameters, asked: URL): string | undefined => {
  const scope = plainParameter(parameters, "scope") ?? ""
  return present([
    plainParameter(parameters, "resource"),
    plainParameter(parameters, "resource_id"),
    defaultScope.exec(scope)?.[1]
  ]).find((resource) => isOf(resource, asked))
}
