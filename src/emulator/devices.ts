/** Devices that wait for somebody to sign them in (RFC 8628). */
import * as Effect from "effect/Effect"
import type { Checked } from "./answers.js"
import type { ClaimsRequest } from "./claimsRequest.js"
import { appNamed } from "./clientProof.js"
import * as ConditionalAccess from "./conditionalAccess.js"
import * as Consents from "./consents.js"
import * as Delegated from "./delegated.js"
import type { App } from "./directory.js"
import { type Grant, newGrant, type Session } from "./memory.js"
import type { Realm } from "./realm.js"
import * as Refusals from "./refusals.js"
import { find, type Person } from "./signingIn.js"
import type { World } from "./world.js"

export interface Device {
  /** For people to type. */
  readonly userCode: string
  readonly realm: Realm
  readonly app: App
  readonly scope: string
  readonly claims: ClaimsRequest
  /** Epoch milliseconds. */
  readonly expiresAt: number
  /** What the person said, who may say it once. */
  answer: Grant | "declined" | undefined
  /** Seconds between two polls: more of them for who has polled too fast. */
  interval: number
  polledAt: number | undefined
  isUsed: boolean
}

/** Case, spaces and hyphens are how people write it. */
export const normalized = (typed: string): string => typed.toUpperCase().replace(/[^A-Z0-9]/g, "")

/** The device that waits with a code, expired or not. */
export const waiting = ({ memory }: World, typed: string): Device | undefined => {
  const code = normalized(typed)
  return memory.devices.values().find(({ userCode, answer }) => userCode === code && answer === undefined)
}

export const allow = (world: World, device: Device, { tenant }: Person, session: Session): Effect.Effect<void> =>
  Effect.map(world.now, (now) => {
    const { realm, app, scope } = device
    const given = { realm: realm.key, clientId: app.clientId, tenantId: tenant.id, scope, now }
    device.answer = newGrant(session, given)
  })

const accept = (world: World, device: Device, username: string): Checked<void> =>
  Effect.gen(function* () {
    const { realm, claims, scope } = device
    const person = find(realm, username)
    if (person === undefined) return yield* Refusals.notInTenant(realm.tenants[0]?.id ?? "")
    const { tenant, user } = person
    if (world.memory.disabled.has(user.username.toLowerCase())) return yield* Refusals.userDisabled
    const app = yield* appNamed(tenant, device.app.clientId)
    const delegated = yield* Delegated.parse(tenant, app, scope)
    const apis = delegated.resources.map(({ api }) => api)
    for (const api of apis) yield* ConditionalAccess.admit(world, api, user)
    const who = { tenant, app, user }
    const missing = Consents.missing(world, who, delegated)
    if (Consents.reserved(missing).length > 0) return yield* Refusals.administratorConsentRequired
    Consents.accept(world, who, missing)
    const demanded = ConditionalAccess.interactively(world, tenant, { user, app }, apis, claims)
    const proofs = new Set([...ConditionalAccess.always(user), ...demanded])
    yield* allow(world, device, person, { username: user.username, authTime: yield* world.now, proofs })
  })

/** What a test says of a device in place of a person at a browser; what can't be said is its mistake. */
export const answer = (
  world: World,
  userCode: string,
  said: { readonly username: string } | "decline"
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const device = waiting(world, userCode)
    if (device === undefined) return yield* Effect.dieMessage("No device waits with this code.")
    if (device.expiresAt <= (yield* world.now)) return yield* Effect.dieMessage("The code of this device has expired.")
    if (said === "decline") device.answer = "declined"
    else
      yield* Effect.orDieWith(accept(world, device, said.username), ({ code, text }) => new Error(`${code}: ${text}`))
  })
