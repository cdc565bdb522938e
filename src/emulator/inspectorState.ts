/** The directory and what waits to go wrong, as JSON: built from what may be shown, so that nothing else is. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as ConditionalAccess from "./conditionalAccess.js"
import * as Consents from "./consents.js"
import { type Api, type App, identitiesOf, type ManagedIdentity, same, type Tenant, type User } from "./directory.js"
import type { Fault, Json } from "./Fault.js"
import type { FaultQueue } from "./faultQueue.js"
import * as Locations from "./locations.js"
import type { World } from "./world.js"

/** Of those that wait, so many are named. */
const longestQueue = 20

const faultName = (fault: Fault): string => {
  switch (fault._tag) {
    case "Respond": {
      const retryAfter = fault.headers["retry-after"]
      return retryAfter === undefined ? String(fault.status) : `${fault.status}, Retry-After ${retryAfter}`
    }
    case "Unavailable":
      return fault.retryAfter === undefined ? "503" : `503, Retry-After ${fault.retryAfter}`
    case "Truncated":
      return "truncated"
    case "Reset":
      return "reset"
    case "Hang":
      return "no answer"
    case "Delay":
      return fault.then === undefined ? "delay" : `delay, ${faultName(fault.then)}`
  }
}

/** Times are those of the emulator's own clock. */
const endpoint = (now: number, { outage, waiting }: FaultQueue): Effect.Effect<Json> =>
  Effect.gen(function* () {
    const left = yield* outage
    const faults = yield* waiting
    return {
      pending: faults.length,
      next: faults.slice(0, longestQueue).map(faultName),
      downUntil: left > 0 ? new Date(now + left).toISOString() : null,
      downFor: left
    }
  })

const list = (names: ReadonlyArray<string> | undefined): Json => [...(names ?? [])]

const record = (names: Readonly<Record<string, ReadonlyArray<string>>> | undefined): Json =>
  Object.fromEntries(Object.entries(names ?? {}).map(([name, values]) => [name, list(values)]))

/** Whom consent of an administrator alone counts for. */
const nobody: User = { objectId: "", username: "", displayName: "" }

/** What was granted by anybody; an application's own API is not asked about. */
const consentsOf = (world: World, tenant: Tenant, app: App): Json =>
  tenant.apis
    .filter((api) => !same(api.appId, app.clientId))
    .flatMap((api) => {
      const people = [nobody, ...(tenant.users ?? [])]
      const names = new Set(people.flatMap((user) => Consents.granted(world, { tenant, app, user }, api)))
      return names.size === 0 ? [] : [{ api: api.identifierUri, names: list([...names]) }]
    })

const appJson = (world: World, tenant: Tenant, app: App): Json => ({
  clientId: app.clientId,
  objectId: app.objectId,
  name: app.displayName,
  isPublic: app.isPublic === true,
  redirectUris: list(app.redirectUris),
  roles: record(app.roles),
  consents: consentsOf(world, tenant, app),
  secrets: app.secrets.length,
  certificates: app.certificates?.length ?? 0,
  federatedCredentials: (app.federatedCredentials ?? []).map(({ issuer, subject }) => ({ issuer, subject }))
})

const apiJson = (world: World, api: Api): Json => ({
  identifierUri: api.identifierUri,
  appId: api.appId,
  scopes: list(api.scopes),
  cae: api.cae === true,
  demandsMfa: ConditionalAccess.policiesOf(world, api).some(({ requires }) => requires === "mfa"),
  policies: ConditionalAccess.policiesOf(world, api).length
})

const userJson = ({ memory }: World, user: User): Json => ({
  objectId: user.objectId,
  username: user.username,
  name: user.displayName,
  hasPassword: user.password !== undefined,
  homeTenantId: user.homeTenantId ?? null,
  disabled: memory.disabled.has(user.username.toLowerCase()),
  demandsMfa: memory.secondFactors.get(user.username.toLowerCase()) ?? user.requiresMfa === true,
  address: Locations.of(memory, user.username).address
})

const tenantJson = (world: World, tenant: Tenant, kind: string): Json => ({
  id: tenant.id,
  kind,
  domains: list(tenant.domains),
  userFlows: list(tenant.userFlows?.map(({ name }) => name)),
  users: (tenant.users ?? []).map((user) => userJson(world, user)),
  apps: tenant.apps.map((app) => appJson(world, tenant, app)),
  apis: tenant.apis.map((api) => apiJson(world, api))
})

const identityJson = (identity: ManagedIdentity): Json => ({
  clientId: identity.clientId,
  objectId: identity.objectId,
  resourceId: identity.resourceId,
  tenantId: identity.tenantId,
  roles: record(identity.roles)
})

const tenantsOf = (world: World): Json => {
  const { adfs, tenants } = world.directory
  const farms = adfs === undefined ? [] : [tenantJson(world, { id: "adfs", domains: [], ...adfs }, "AD FS")]
  return [
    ...tenants.map((tenant) => tenantJson(world, tenant, tenant.userFlows === undefined ? "Entra ID" : "Azure AD B2C")),
    ...farms
  ]
}

const machineOf = ({ directory }: World): Json =>
  directory.machine === undefined
    ? null
    : {
        location: directory.machine.location ?? null,
        hasSystemAssigned: directory.machine.systemAssigned !== undefined,
        identities: identitiesOf(directory).map(identityJson)
      }

export const of = (world: World): Effect.Effect<{ readonly [key: string]: Json }> =>
  Effect.gen(function* () {
    const now = yield* world.now
    return {
      now: new Date(now).toISOString(),
      clockSkew: now - (yield* Clock.currentTimeMillis),
      signedIn: world.memory.robot?.username ?? null,
      endpoints: {
        token: yield* endpoint(now, world.faults),
        api: yield* endpoint(now, world.apiFaults),
        identity: yield* endpoint(now, world.identityFaults)
      },
      tenants: tenantsOf(world),
      machine: machineOf(world)
    }
  })
