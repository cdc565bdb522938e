/** The `scope` of a request for a person's tokens (https://learn.microsoft.com/entra/identity-platform/scopes-oidc). */
import * as Effect from "effect/Effect"
import type { Checked } from "./answers.js"
import { type Api, type App, findApi, graphAppId, same, type Tenant } from "./directory.js"
import * as Refusals from "./refusals.js"

/** One API of a request, and which of its delegated permissions. */
export interface Resource {
  readonly api: Api
  /** How the request writes what stands before a name, with its slash: it is empty for Graph's short names. */
  readonly prefix: string
  /** Nothing for `.default`, which is all that was consented to. */
  readonly names: ReadonlyArray<string> | undefined
}

export interface Delegated {
  /** Of `openid`, `profile`, `email`, `offline_access`. */
  readonly identity: ReadonlyArray<string>
  readonly resources: ReadonlyArray<Resource>
}

const identityScopes = ["openid", "profile", "email", "offline_access"]

const isIdentity = (scope: string) => identityScopes.includes(scope.toLowerCase())

/** `{resource}/{name}`, a name of Graph alone, or an application id alone, as B2C has it for an app's own API. */
const split = (tenant: Tenant, scope: string) => {
  const slash = scope.lastIndexOf("/")
  if (slash >= 0)
    return { resource: scope.slice(0, slash), prefix: scope.slice(0, slash + 1), name: scope.slice(slash + 1) }
  return findApi(tenant, scope) === undefined
    ? { resource: graphAppId, prefix: "", name: scope }
    : { resource: scope, prefix: `${scope}/`, name: ".default" }
}

const resolve = (tenant: Tenant, app: App, scope: string): Checked<Resource> => {
  const { resource, prefix, name } = split(tenant, scope)
  const api = findApi(tenant, resource)
  if (api === undefined) return Effect.fail(Refusals.unknownResource(resource, tenant.id))
  if (name.toLowerCase() === ".default") return Effect.succeed({ api, prefix, names: undefined })
  const known = api.scopes?.find((each) => same(each, name))
  return known === undefined
    ? Effect.fail(Refusals.unknownScope(app.displayName, name, api.appId))
    : Effect.succeed({ api, prefix, names: [known] })
}

const join = (first: Resource, { names }: Resource): Resource => ({
  ...first,
  names: first.names === undefined || names === undefined ? undefined : [...new Set([...first.names, ...names])]
})

export const parse = (tenant: Tenant, app: App, scope: string): Checked<Delegated> =>
  Effect.gen(function* () {
    const scopes = [...new Set(scope.split(" ").filter((part) => part !== ""))]
    const resources = new Map<string, Resource>()
    for (const part of scopes.filter((each) => !isIdentity(each))) {
      const resource = yield* resolve(tenant, app, part)
      const before = resources.get(resource.api.appId)
      resources.set(resource.api.appId, before === undefined ? resource : join(before, resource))
    }
    return {
      identity: scopes.filter(isIdentity).map((each) => each.toLowerCase()),
      resources: [...resources.values()]
    }
  })
