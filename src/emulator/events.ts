/** What happens to people and applications, by the word of a test or an administrator. */
import * as Effect from "effect/Effect"
import * as ConditionalAccess from "./conditionalAccess.js"
import { findApi, findApp, findUser, identitiesOf, same, type Tenant } from "./directory.js"
import * as Locations from "./locations.js"
import * as Memory from "./memory.js"
import type { World } from "./world.js"

const everywhere = ({ directory: { tenants, adfs } }: World): ReadonlyArray<Tenant> =>
  adfs === undefined ? tenants : [...tenants, { id: "adfs", domains: [], ...adfs }]

const known = (what: string, isKnown: boolean): Effect.Effect<void> =>
  isKnown ? Effect.void : Effect.dieMessage(`The emulator's directory has no ${what}.`)

const knownUser = (world: World, username: string) =>
  known(
    `user ${username}`,
    everywhere(world).some((tenant) => findUser(tenant, username) !== undefined)
  )

export const signIn = (world: World, username: string | undefined): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (username !== undefined) yield* knownUser(world, username)
    world.memory.robot =
      username === undefined ? undefined : { username, authTime: yield* world.now, proofs: new Set() }
  })

/** Of a person, or for an API wherever it is known. */
export const requireMfa = (world: World, whom: string, isRequired: boolean): Effect.Effect<void> => {
  const isUser = everywhere(world).some((tenant) => findUser(tenant, whom) !== undefined)
  const apis = everywhere(world).flatMap((tenant) => findApi(tenant, whom) ?? [])
  return Effect.map(known(`user or API ${whom}`, isUser || apis.length > 0), () => {
    if (isUser) world.memory.secondFactors.set(whom.toLowerCase(), isRequired)
    for (const api of apis) ConditionalAccess.requireMfa(world, api, isRequired)
  })
}

export const revokeApp = (world: World, clientId: string): Effect.Effect<void> =>
  Effect.gen(function* () {
    yield* known(
      `application ${clientId}`,
      everywhere(world).some((tenant) => findApp(tenant, clientId) !== undefined) ||
        identitiesOf(world.directory).some((identity) => same(identity.clientId, clientId))
    )
    Memory.revokeApp(world.memory, clientId, yield* world.now)
  })

export const disable = (world: World, username: string): Effect.Effect<void> =>
  Effect.map(world.now, (now) => {
    world.memory.disabled.add(username.toLowerCase())
    Memory.endGrants(world.memory, username, now)
  })

export const moveTo = (world: World, username: string, address: string): Effect.Effect<void> =>
  Effect.gen(function* () {
    yield* knownUser(world, username)
    Locations.move(world.memory, username, { address, since: yield* world.now })
  })

export const revoke = (world: World, username: string): Effect.Effect<void> =>
  Effect.map(world.now, (now) => Memory.revoke(world.memory, username, now))
