/** `POST .../token`: what is asked for, and the tokens or the refusal. */
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Answers from "./answers.js"
import * as AppGrant from "./appGrant.js"
import { Asked } from "./asked.js"
import type { Members } from "./chance.js"
import * as CodeGrant from "./codeGrant.js"
import * as DeviceGrant from "./deviceGrant.js"
import * as Faults from "./faults.js"
import * as OnBehalfOf from "./onBehalfOf.js"
import { onceEach, required } from "./parameters.js"
import type { Authority, Realm } from "./realm.js"
import * as RefreshGrant from "./refreshGrant.js"
import * as Refusals from "./refusals.js"
import type { World } from "./world.js"

type Grant = (world: World, realm: Answers.Checked<Realm>) => Effect.Effect<Members, Answers.Refusal, Asked>

const grants: ReadonlyMap<string, Grant> = new Map([
  ["client_credentials", AppGrant.answer],
  ["authorization_code", CodeGrant.answer],
  ["refresh_token", RefreshGrant.answer],
  [OnBehalfOf.grantType, OnBehalfOf.answer],
  [DeviceGrant.grantType, DeviceGrant.answer],
  [DeviceGrant.shortGrantType, DeviceGrant.answer]
])

/** The checks in one order; which of two faults Entra names first is not documented. */
const grant = (world: World, { realm }: Authority) =>
  Effect.gen(function* () {
    const { request, form, tooLarge } = yield* Asked
    if (request.method !== "POST") return yield* Refusals.wrongMethod(request.method)
    if (tooLarge) return yield* Refusals.tooLarge
    yield* onceEach(form)
    const grantType = yield* required(form, "grant_type")
    const granting = grants.get(grantType)
    if (granting === undefined) return yield* Refusals.unsupportedGrant(grantType)
    return yield* Answers.json(world, 200, yield* granting(world, realm), ["ext_expires_in"])
  })

/** The next scripted fault, or else the normal answer. */
export const answer = (
  world: World,
  authority: Authority
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, Asked> =>
  Faults.playNext(
    world,
    world.faults,
    Effect.catchAll(grant(world, authority), (refusal) => Answers.refuse(world, authority.manners.refusal(refusal)))
  )
