/** `POST .../devicecode` (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code). */
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Answers from "./answers.js"
import { Asked } from "./asked.js"
import * as Chance from "./chance.js"
import * as ClaimsRequest from "./claimsRequest.js"
import { appOf } from "./clientProof.js"
import { onceEach, required } from "./parameters.js"
import type { Authority } from "./realm.js"
import * as Refusals from "./refusals.js"
import { seconds } from "./seconds.js"
import type { World } from "./world.js"

/** Where people type the codes. */
export const loginPath = "/devicelogin"

/** As long as the codes that have been seen. */
const userCodeLength = 9

const newUserCode = ({ memory }: World): Effect.Effect<string> =>
  Effect.repeat(Chance.letters(userCodeLength), {
    while: (code) => memory.devices.values().some(({ userCode }) => userCode === code)
  })

/**
 * A scope without a resource or a name; whether the rest exists, the person who signs in will see
 * (testGetDeviceCodeFailureBadScope in DeviceCodeFlowApiTest.java of
 * https://github.com/AzureAD/microsoft-authentication-library-for-android).
 */
const checkScope = (scope: string): Answers.Checked<void> =>
  scope.split(" ").some((part) => part.startsWith("/") || part.endsWith("/"))
    ? Effect.fail(Refusals.badScope(scope))
    : Effect.void

const start = (world: World, authority: Authority) =>
  Effect.gen(function* () {
    const { request, form, tooLarge, url } = yield* Asked
    if (request.method !== "POST") return yield* Refusals.wrongMethod(request.method)
    if (tooLarge) return yield* Refusals.tooLarge
    yield* onceEach(form)
    const realm = yield* authority.realm
    const app = yield* appOf(realm, yield* required(form, "client_id"))
    const scope = yield* required(form, "scope")
    yield* checkScope(scope)
    const claims = yield* ClaimsRequest.parse(form)
    const deviceCode = yield* Chance.opaque
    const userCode = yield* newUserCode(world)
    const interval = seconds(world.deviceCodeInterval)
    world.memory.devices.set(deviceCode, {
      userCode,
      realm,
      app,
      scope,
      claims,
      expiresAt: (yield* world.now) + Duration.toMillis(world.deviceCodeLifetime),
      answer: undefined,
      interval,
      polledAt: undefined,
      isUsed: false
    })
    const uri = `${url.origin}${loginPath}`
    return yield* Answers.json(world, 200, {
      user_code: userCode,
      device_code: deviceCode,
      verification_uri: uri,
      expires_in: seconds(world.deviceCodeLifetime),
      interval,
      // https://github.com/Azure/azure-sdk-for-python/issues/32375
      message: `To sign in, use a web browser to open the page ${uri} and enter the code ${userCode} to authenticate.`
    })
  })

export const answer = (
  world: World,
  authority: Authority
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, Asked> =>
  Effect.catchAll(start(world, authority), (refusal) => Answers.refuse(world, authority.manners.refusal(refusal)))
