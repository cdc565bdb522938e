/** Which delegated permissions an application has been granted: by an administrator for everybody, or by a person. */
import * as Effect from "effect/Effect"
import type { Checked } from "./answers.js"
import type { Delegated, Resource } from "./delegated.js"
import { type Api, type App, findApi, findApp, same, type Tenant, type User } from "./directory.js"
import * as Refusals from "./refusals.js"
import type { World } from "./world.js"

/** Whose permissions: an application of a tenant, and the person who uses it. */
export interface Consenting {
  readonly tenant: Tenant
  readonly app: App
  readonly user: User
}

const keyOf = (...parts: ReadonlyArray<string>) => parts.join(" ").toLowerCase()

const ofApp = (tenant: Tenant, app: App, api: Api) => keyOf(tenant.id, app.clientId, api.appId)

const ofUser = ({ tenant, app, user }: Consenting, api: Api) => keyOf(ofApp(tenant, app, api), user.objectId)

const byAdministrator = (world: World, { tenant, app }: Omit<Consenting, "user">, api: Api): ReadonlyArray<string> =>
  world.memory.granted.get(ofApp(tenant, app, api)) ?? app.consent?.[api.identifierUri] ?? []

/** An application needs no consent to its own API. */
export const granted = (world: World, who: Consenting, api: Api): ReadonlyArray<string> => {
  const own = same(api.appId, who.app.clientId) ? (api.scopes ?? []) : []
  const byUser = world.memory.consented.get(ofUser(who, api)) ?? []
  return [...new Set([...own, ...byAdministrator(world, who, api), ...byUser])]
}

/** What of a request was not consented to, by API. */
export const missing = (world: World, who: Consenting, { resources }: Delegated): ReadonlyArray<Resource> =>
  resources.flatMap((resource) => {
    const known = granted(world, who, resource.api)
    const wanted = resource.names ?? (known.length === 0 ? (resource.api.scopes ?? []) : [])
    const names = wanted.filter((name) => !known.includes(name))
    return names.length === 0 ? [] : [{ ...resource, names }]
  })

/** What of it no person can consent to. */
export const reserved = (resources: ReadonlyArray<Resource>): ReadonlyArray<Resource> =>
  resources.flatMap((resource) => {
    const names = (resource.names ?? []).filter((name) => resource.api.administratorScopes?.includes(name) === true)
    return names.length === 0 ? [] : [{ ...resource, names }]
  })

export const accept = (world: World, who: Consenting, resources: ReadonlyArray<Resource>): void => {
  for (const { api, names = [] } of resources) {
    const key = ofUser(who, api)
    world.memory.consented.set(key, new Set([...(world.memory.consented.get(key) ?? []), ...names]))
  }
}

interface Pair {
  readonly tenant: Tenant
  readonly app: App
  readonly api: Api
}

/** An application and an API, in every tenant that knows both. */
const pairs = ({ directory }: World, clientId: string, resource: string): ReadonlyArray<Pair> =>
  directory.tenants.flatMap((tenant) => {
    const app = findApp(tenant, clientId)
    const api = findApi(tenant, resource)
    return app === undefined || api === undefined ? [] : [{ tenant, app, api }]
  })

/** Takes back what an application was granted for an API, in every tenant and by everybody. */
export const withdraw = (world: World, clientId: string, resource: string): void => {
  for (const { tenant, app, api } of pairs(world, clientId, resource)) {
    world.memory.granted.set(ofApp(tenant, app, api), [])
    for (const user of tenant.users ?? []) world.memory.consented.set(ofUser({ tenant, app, user }, api), new Set())
  }
}

/** What an administrator consents to for everybody, in every tenant, beside what was consented to before. */
export const grant = (world: World, clientId: string, resource: string, scopes: ReadonlyArray<string>): void => {
  for (const { tenant, app, api } of pairs(world, clientId, resource)) {
    const before = byAdministrator(world, { tenant, app }, api)
    world.memory.granted.set(ofApp(tenant, app, api), [...new Set([...before, ...scopes])])
  }
}

/** What a token is for. */
export interface Settled {
  readonly api: Api | undefined
  readonly granted: ReadonlyArray<string>
  /** What the answer says was granted. */
  readonly scope: ReadonlyArray<string>
}

/**
 * One API with all that was consented to for it, as the `scp` of real tokens has; a request for none is for the default
 * one (Graph, at Entra).
 */
export const settle = (
  world: World,
  who: Consenting,
  { identity, resources }: Delegated,
  defaultApi: Api | undefined
): Checked<Settled> => {
  const [resource, ...more] = resources
  const spoken = identity.filter((each) => each !== "offline_access")
  if (more.length > 0) return Effect.fail(Refusals.severalResources(resources.map(({ prefix }) => prefix).join(" ")))
  if (resource === undefined) return Effect.succeed({ api: defaultApi, granted: spoken, scope: spoken })
  const { api, prefix } = resource
  const names = granted(world, who, api)
  const isMissing = missing(world, who, { identity, resources }).length > 0
  return isMissing
    ? Effect.fail(Refusals.consentRequired(who.app.clientId, who.app.displayName))
    : Effect.succeed({ api, granted: names, scope: [...names.map((name) => `${prefix}${name}`), ...spoken] })
}
