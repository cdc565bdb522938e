/** `grant_type=urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 3.4 and 3.5). */
import * as Effect from "effect/Effect"
import type { Checked, Refusal } from "./answers.js"
import { Asked } from "./asked.js"
import type { Members } from "./chance.js"
import * as ClaimsRequest from "./claimsRequest.js"
import * as ClientProof from "./clientProof.js"
import type { Device } from "./devices.js"
import { same } from "./directory.js"
import type { Grant } from "./memory.js"
import { required } from "./parameters.js"
import type { Realm } from "./realm.js"
import * as Refusals from "./refusals.js"
import * as UserTokens from "./userTokens.js"
import type { World } from "./world.js"

export const grantType = "urn:ietf:params:oauth:grant-type:device_code"

/** What MSAL Node and MSAL Java call it. */
export const shortGrantType = "device_code"

/** RFC 8628 3.5: five seconds more, for this and all further polls. */
const isTooFast = (device: Device, now: number): boolean => {
  const { polledAt, interval } = device
  device.polledAt = now
  const tooFast = polledAt !== undefined && now - polledAt < interval * 1000
  if (tooFast) device.interval += 5
  return tooFast
}

/** The person's consent, or why there is none yet. */
const grantOf = (world: World, device: Device): Checked<Grant> =>
  Effect.gen(function* () {
    const now = yield* world.now
    if (device.isUsed) return yield* Refusals.codeUsed
    if (device.expiresAt <= now) return yield* Refusals.deviceCodeExpired
    if (device.answer === "declined") return yield* Refusals.authorizationDeclined
    if (world.deviceSlowDown && isTooFast(device, now)) return yield* Refusals.slowDown
    return device.answer ?? (yield* Refusals.authorizationPending)
  })

const find = ({ memory }: World, realm: Realm, clientId: string, code: string): Checked<Device> => {
  const device = memory.devices.get(code)
  const isTheirs = device !== undefined && device.realm.key === realm.key && same(device.app.clientId, clientId)
  return isTheirs ? Effect.succeed(device) : Effect.fail(Refusals.badVerificationCode)
}

export const answer = (world: World, authority: Checked<Realm>): Effect.Effect<Members, Refusal, Asked> =>
  Effect.gen(function* () {
    const { form } = yield* Asked
    const realm = yield* authority
    if (!realm.manners.knowsDevices) return yield* Refusals.unsupportedGrant(grantType)
    const { app: caller, proof } = yield* ClientProof.caller(world, realm)
    const device = yield* find(world, realm, caller.clientId, yield* required(form, "device_code"))
    const grant = yield* grantOf(world, device)
    if (!realm.tenants.some(({ id }) => id === grant.tenantId)) return yield* Refusals.codeOfOtherTenant
    const { tenant, user, app } = yield* UserTokens.personOf(realm, grant, caller)
    const members = yield* UserTokens.issue(world, {
      realm,
      tenant,
      app,
      user,
      grant,
      proof,
      scope: grant.scope,
      claims: yield* ClaimsRequest.parse(form),
      policyError: "invalid_grant",
      nonce: undefined,
      wantsAuthTime: false,
      refresh: realm.manners.refreshing === "kept" ? "always" : "whenAsked"
    })
    device.isUsed = true
    return members
  })
